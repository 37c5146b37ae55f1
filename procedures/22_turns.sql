-- Turns: the jobs of one concurrency_key stand in a line of their own, and the keys of a queue take turns.
--
-- forge.lines has the PENDING jobs with a key, forge.places those that run and count against a limit. Both
-- are written with the row of the job, under its lock: whoever makes such a job PENDING joins the line,
-- whoever changes its time, its priority or its status leaves the line first.
--
-- A row of forge.turns says that a key is worth a look at a time. What holds: a key with a job that could
-- start has a turn that is due, committed with whatever made the job ready. Who makes one ready (enqueue,
-- retry, an end that frees a place) takes hold of a due turn of its key with "for key share", or adds one.
-- So a turn is only deleted or put off by a claim that got it "for update", and looked again after that.
-- Nobody ever waits for a turn: all of these skip what others have locked.
--
-- Locks: turns (skip locked), gates of keys (tries), rows of forge.jobs (skip locked), claim locks.

create or replace function forge._call_turn(
    queue text,
    key text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    -- nobody gets before the others in line by a time in the past
    v_at constant timestamptz := greatest(_call_turn.at, forge.now());
    v_seqscan text;
    v_found boolean := false;
begin
    -- In a transaction with one snapshot for all, a turn that was changed since then is an error.
    if current_setting('transaction_isolation') = 'read committed' then
        -- The plan is made now and then, and must be the right one when the table has grown; many who
        -- call this have no planner settings of their own.
        v_seqscan := current_setting('enable_seqscan');
        perform set_config('enable_seqscan', 'off', true);
        perform from forge.turns as t
        where t.queue = _call_turn.queue and t.key = _call_turn.key and t.turn_at <= v_at
        order by t.turn_at
        limit 1
        for key share skip locked;
        v_found := found;
        perform set_config('enable_seqscan', v_seqscan, true);
    end if;
    if not v_found then
        insert into forge.turns (queue, key, turn_at) values (_call_turn.queue, _call_turn.key, v_at);
    end if;
end;
$function$;
comment on function forge._call_turn(text, text, timestamptz) is
'Sees to it that a key is looked at, at a time: one of its turns cannot go away before this transaction
ends, or there is a new one. Internal.';

create or replace function forge._has_turn(
    queue text,
    at timestamptz
)
returns boolean
language plpgsql stable
as $function$
begin
    return exists (
        select from forge.turns as t where t.queue = _has_turn.queue and t.turn_at <= _has_turn.at
    );
end;
$function$;
comment on function forge._has_turn(text, timestamptz) is
'Whether a queue has a key whose turn it is. Internal.';

create or replace function forge._join_line(job forge.jobs)
returns void
language plpgsql volatile
as $function$
begin
    insert into forge.lines (queue, key, priority, scheduled_at, id)
    values (job.queue, job.concurrency_key, job.priority, job.scheduled_at, job.id);
    perform forge._call_turn(job.queue, job.concurrency_key, job.scheduled_at);
end;
$function$;
comment on function forge._join_line(forge.jobs) is
'Puts a job with a concurrency_key, which is PENDING now, into its line. Internal.';

create or replace function forge._leave_line(job forge.jobs)
returns void
language plpgsql volatile
as $function$
begin
    delete from forge.lines as l
    where l.queue = job.queue and l.key = job.concurrency_key and l.id = job.id;
end;
$function$;
comment on function forge._leave_line(forge.jobs) is
'Takes a job, locked by the caller, out of its line. Internal.';

create or replace function forge._free_place(
    job forge.jobs,
    at timestamptz,
    back_at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_limited boolean := job.slot;
begin
    if job.concurrency_key is not null then
        -- Its end can make others ready only in a queue that has limits, or had some.
        v_limited := exists (select from forge.limits as l where l.queue = job.queue);
        if job.status = 'PENDING' then
            perform forge._leave_line(job);
        end if;
    end if;
    if v_limited then
        delete from forge.places as p
        where p.queue = job.queue and p.key = coalesce(job.concurrency_key, '') and p.id = job.id;
    end if;
    if job.concurrency_key is not null then
        if _free_place.back_at is not null then
            job.scheduled_at := _free_place.back_at;
            perform forge._join_line(job);
        end if;
        if v_limited then
            perform forge._call_turn(job.queue, job.concurrency_key, _free_place.at);
        end if;
    end if;
    if v_limited then
        perform forge._ring(job.queue);
    end if;
end;
$function$;
comment on function forge._free_place(forge.jobs, timestamptz, timestamptz) is
'What follows for the limits when a job ends, or stops running and is due again at back_at. Internal.';

create or replace function forge._running_of_key(
    queue text,
    key text,
    most integer
)
returns integer
language plpgsql volatile
as $function$
begin
    return (
        select count(*)
        from (
            select from forge.places as p
            where p.queue = _running_of_key.queue and p.key = _running_of_key.key
            limit _running_of_key.most
        ) as r
    );
end;
$function$;
comment on function forge._running_of_key(text, text, integer) is
'How many jobs of a key run, counted up to a number. Internal.';

create or replace function forge._head(
    queue text,
    key text
)
returns forge.lines
language plpgsql volatile
as $function$
declare
    v_line forge.lines;
begin
    select l.* into v_line
    from forge.lines as l
    where l.queue = _head.queue and l.key = _head.key
    order by l.id
    limit 1;
    return v_line;
end;
$function$;
comment on function forge._head(text, text) is
'Which job goes first in a key whose jobs run one by one: a job that waits for others has its place among
them when those are done. Internal.';

create or replace function forge._next_of_key(
    queue text,
    key text,
    at timestamptz
)
returns timestamptz
language plpgsql volatile
as $function$
declare
    v_priority integer := 32768;
    v_next timestamptz;
    v_first timestamptz;
begin
    for v_look in 1..100 loop
        select l.priority, l.scheduled_at into v_priority, v_next
        from forge.lines as l
        where l.queue = _next_of_key.queue
            and l.key = _next_of_key.key
            and l.priority < v_priority
        order by l.priority desc, l.scheduled_at, l.id
        limit 1;
        if not found then
            return v_first;
        end if;
        v_first := least(v_first, v_next);
        if v_first <= _next_of_key.at then
            return v_first;
        end if;
    end loop;
    -- More priorities than anybody has: looked at again before long.
    return least(v_first, _next_of_key.at + interval '1 second');
end;
$function$;
comment on function forge._next_of_key(text, text, timestamptz) is
'When the first job in the line of a key is due; null: there is none. Internal.';

create or replace function forge._next_turn(
    queue text,
    key text,
    at timestamptz
)
returns timestamptz
language plpgsql volatile
as $function$
declare
    v_limits forge.limits;
    v_most integer;
    v_next timestamptz;
    v_rate forge.allowance;
begin
    -- Read anew, as they may have been changed since the claim began.
    select l.* into v_limits from forge.limits as l where l.queue = _next_turn.queue;
    if v_limits.key_fifo then
        v_most := 1;
        v_next := (forge._head(_next_turn.queue, _next_turn.key)).scheduled_at;
    else
        v_most := v_limits.key_max_running;
        v_next := forge._next_of_key(_next_turn.queue, _next_turn.key, _next_turn.at);
    end if;
    if v_next is null then
        return null;
    elsif v_most <= forge._running_of_key(_next_turn.queue, _next_turn.key, v_most) then
        -- The end of any of them calls the key, but for an end that began before there was a limit.
        return case when not v_limits.settled then _next_turn.at end;
    elsif v_limits.key_rate is not null then
        v_rate := forge._allowance(
            _next_turn.queue, _next_turn.key, v_limits.key_rate, v_limits.key_per, _next_turn.at
        );
        if v_rate.jobs <= 0 then
            v_next := greatest(v_next, v_rate.more_at);
        end if;
    end if;
    return v_next;
end;
$function$;
comment on function forge._next_turn(text, text, timestamptz) is
'When a key is worth a look again; null: not before somebody calls it. Internal.';

create or replace function forge._choose_head(
    queue text,
    key text,
    types text[],
    at timestamptz
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_space constant integer := forge._lock_space('claim');
    v_head constant forge.lines := forge._head(_choose_head.queue, _choose_head.key);
    v_ids bigint[];
begin
    select array_agg(f.id) into v_ids
    from (
        select j.id
        from forge.jobs as j
        where j.id = v_head.id
            and j.status = 'PENDING'
            and j.scheduled_at <= _choose_head.at
            and (_choose_head.types is null or j.type = any(_choose_head.types))
        for no key update skip locked
    ) as f
    where pg_try_advisory_xact_lock(v_space, forge._claim_key(f.id));
    return coalesce(v_ids, '{}');
end;
$function$;
comment on function forge._choose_head(text, text, text[], timestamptz) is
'The first job of a key whose jobs run one by one, if it can start. Internal.';

create or replace function forge._choose_of_key(
    queue text,
    key text,
    max_jobs integer,
    types text[],
    at timestamptz
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_space constant integer := forge._lock_space('claim');
    v_left integer := _choose_of_key.max_jobs;
    v_priority integer := 32768;
    v_ids bigint[];
    v_chosen bigint[] := '{}'::bigint[];
begin
    -- As in _choose: one priority after the other, each a range of line_order_idx that ends now.
    while v_left > 0 loop
        select l.priority into v_priority
        from forge.lines as l
        where l.queue = _choose_of_key.queue
            and l.key = _choose_of_key.key
            and l.priority < v_priority
        order by l.priority desc
        limit 1;
        exit when not found;

        select array_agg(f.id) into v_ids
        from (                      -- a fence: the limit holds under any plan
            select l.id
            from forge.lines as l
            join forge.jobs as j on j.id = l.id
            where l.queue = _choose_of_key.queue
                and l.key = _choose_of_key.key
                and l.priority = v_priority
                and l.scheduled_at <= _choose_of_key.at
                and j.status = 'PENDING'
                and j.scheduled_at <= _choose_of_key.at
                and (_choose_of_key.types is null or j.type = any(_choose_of_key.types))
            order by l.scheduled_at, l.id
            limit v_left
            for no key update of j skip locked
        ) as f
        -- tried for these rows only, so never more locks than jobs
        where pg_try_advisory_xact_lock(v_space, forge._claim_key(f.id));

        if v_ids is not null then
            v_chosen := v_chosen || v_ids;
            v_left := v_left - cardinality(v_ids);
        end if;
    end loop;
    return v_chosen;
end;
$function$;
comment on function forge._choose_of_key(text, text, integer, text[], timestamptz) is
'The next jobs of one key, their rows and claim locks taken. Internal.';
