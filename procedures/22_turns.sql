-- Turns: the jobs of one concurrency_key stand in a line of their own, and the keys of a queue take turns.
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
    perform from forge.turns as t
    where t.queue = _has_turn.queue
        and t.turn_at >= forge._turn_floor(_has_turn.queue)
        and t.turn_at <= _has_turn.at
    limit 1;
    return found;
end;
$function$;
comment on function forge._has_turn(text, timestamptz) is
'Whether a queue has a key whose turn it is. Internal.';

create or replace function forge._join_line(
    queue text,
    key text,
    id bigint,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    insert into forge.lines (queue, key, id) values (_join_line.queue, _join_line.key, _join_line.id);
    perform forge._call_turn(_join_line.queue, _join_line.key, _join_line.at);
end;
$function$;
comment on function forge._join_line(text, text, bigint, timestamptz) is
'Puts a job with a concurrency_key, which has become PENDING and is due at a time, into its line. Internal.';

create or replace function forge._leave_line(
    queue text,
    key text,
    id bigint
)
returns void
language plpgsql volatile
as $function$
begin
    delete from forge.lines as l
    where l.queue = _leave_line.queue and l.key = _leave_line.key and l.id = _leave_line.id;
end;
$function$;
comment on function forge._leave_line(text, text, bigint) is
'Takes a job that has ended, or moves, out of its line. Internal.';

create or replace function forge._move_line(
    job forge.jobs,
    queue text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if job.queue <> _move_line.queue then
        perform forge._leave_line(job.queue, job.concurrency_key, job.id);
        -- whoever was behind it there may go first now
        perform forge._call_turn(job.queue, job.concurrency_key, _move_line.at);
        perform forge._join_line(_move_line.queue, job.concurrency_key, job.id, _move_line.at);
    else
        perform forge._call_turn(_move_line.queue, job.concurrency_key, _move_line.at);
    end if;
end;
$function$;
comment on function forge._move_line(forge.jobs, text, timestamptz) is
'Follows a PENDING job with a concurrency_key, as it was, to another queue or time. Internal.';

create or replace function forge._free_place(
    job forge.jobs,
    at timestamptz,
    back_at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_limited boolean := job.aside;
begin
    if job.concurrency_key is not null then
        -- That one stops can let others start only in a queue that has limits, or had some.
        v_limited := exists (select from forge.limits as l where l.queue = job.queue);
        if v_limited or _free_place.back_at is not null then
            perform forge._call_turn(
                job.queue, job.concurrency_key,
                case when v_limited then _free_place.at else _free_place.back_at end
            );
        end if;
        if _free_place.back_at is null then
            perform forge._leave_line(job.queue, job.concurrency_key, job.id);
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
            select from forge.jobs as j
            where j.queue = _running_of_key.queue
                and j.status = 'PROCESSING'
                and j.aside
                and j.concurrency_key = _running_of_key.key
            order by j.priority desc    -- which leaves no other index than job_aside_idx
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
returns forge.jobs
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
begin
    select j.* into v_job
    from forge.lines as l
    join forge.jobs as j on j.id = l.id
    where l.queue = _head.queue and l.key = _head.key
    order by l.id
    limit 1;
    return v_job;
end;
$function$;
comment on function forge._head(text, text) is
'Which job goes first in a key whose jobs run one by one: a job that waits for others has its place among
them when those are done. Internal.';

create or replace function forge._next_of_key(
    queue text,
    key text,
    chosen bigint[],
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
        select j.priority, j.scheduled_at into v_priority, v_next
        from forge.jobs as j
        where j.queue = _next_of_key.queue
            and j.status = 'PENDING'
            and j.aside
            and j.concurrency_key = _next_of_key.key
            and j.priority < v_priority
            and j.id <> all (_next_of_key.chosen)
        order by j.priority desc, j.scheduled_at, j.id
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
comment on function forge._next_of_key(text, text, bigint[], timestamptz) is
'When the first pending job of a key is due, leaving out those just chosen; null: it has none. Internal.';

create or replace function forge._next_turn(
    queue text,
    key text,
    chosen bigint[],
    at timestamptz
)
returns timestamptz
language plpgsql volatile
as $function$
declare
    v_limits forge.limits;
    v_most integer;
    v_running integer;
    v_next timestamptz;
    v_rate forge.allowance;
begin
    -- Read anew, as they may have been changed since the claim began.
    select l.* into v_limits from forge.limits as l where l.queue = _next_turn.queue;
    v_most := case when v_limits.key_fifo then 1 else v_limits.key_max_running end;
    if v_most is not null then
        v_running := cardinality(_next_turn.chosen)
            + forge._running_of_key(_next_turn.queue, _next_turn.key, v_most);
    end if;
    if v_limits.key_fifo and v_running = 0 then
        v_next := (forge._head(_next_turn.queue, _next_turn.key)).scheduled_at;
    else
        v_next := forge._next_of_key(_next_turn.queue, _next_turn.key, _next_turn.chosen, _next_turn.at);
    end if;
    if v_next is null then
        return null;
    elsif v_running >= v_most then
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
comment on function forge._next_turn(text, text, bigint[], timestamptz) is
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
    v_head constant forge.jobs := forge._head(_choose_head.queue, _choose_head.key);
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
    chosen bigint[],
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
    -- As in _choose: one priority after the other, each a range of job_aside_idx that ends now.
    while v_left > 0 loop
        select j.priority into v_priority
        from forge.jobs as j
        where j.queue = _choose_of_key.queue
            and j.status = 'PENDING'
            and j.aside
            and j.concurrency_key = _choose_of_key.key
            and j.priority < v_priority
        order by j.priority desc
        limit 1;
        exit when not found;

        select array_agg(f.id) into v_ids
        from (                      -- a fence: the limit holds under any plan
            select j.id
            from forge.jobs as j
            where j.queue = _choose_of_key.queue
                and j.status = 'PENDING'
                and j.aside
                and j.concurrency_key = _choose_of_key.key
                and j.priority = v_priority
                and j.scheduled_at <= _choose_of_key.at
                and (_choose_of_key.types is null or j.type = any(_choose_of_key.types))
                and j.id <> all (_choose_of_key.chosen)
            order by j.scheduled_at, j.id
            limit v_left
            for no key update skip locked
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
comment on function forge._choose_of_key(text, text, integer, text[], bigint[], timestamptz) is
'The next jobs of one key, their rows and claim locks taken, without those chosen before. Internal.';
