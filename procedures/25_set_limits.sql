-- Limits: what operators set and see, and what the tick does for them.
--
-- Locks: the row of forge.limits, then that of forge.queues; rows of forge.jobs (skip locked). Raises: JQ001.

create or replace function forge._mark_slots(queue text)
returns bigint
language plpgsql volatile
as $function$
declare
    v_ids bigint[];
begin
    v_ids := array(
        select j.id
        from forge.jobs as j
        where j.status = 'PROCESSING' and j.queue = _mark_slots.queue and j.aside is not true
        order by j.id
        for no key update skip locked
    );
    update forge.jobs as j set aside = true where j.id = any(v_ids);
    return (
        select count(*)
        from forge.jobs as j
        where j.status = 'PROCESSING' and j.queue = _mark_slots.queue and j.aside is not true
    );
end;
$function$;
comment on function forge._mark_slots(text) is
'Counts the running jobs of a queue that were claimed before it was limited; returns how many could not be, as
somebody is just changing them. Internal.';

create or replace function forge._call_keys(
    queue text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_key text := '';
begin
    -- New turns, whatever turns there are: a claim that is under way may be putting those off.
    loop
        select j.concurrency_key into v_key
        from forge.jobs as j
        where j.queue = _call_keys.queue and j.status = 'PENDING' and j.concurrency_key > v_key
        order by j.concurrency_key
        limit 1;
        exit when not found;
        insert into forge.turns (queue, key, turn_at) values (_call_keys.queue, v_key, _call_keys.at);
    end loop;
end;
$function$;
comment on function forge._call_keys(text, timestamptz) is
'Lets every key of a queue have a look at limits that were eased. Internal.';

create or replace function forge._check_rate(
    argument text,
    rate integer,
    per interval,
    per_so_far interval
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_rate.rate between 1 and 1000000) is false then
        perform forge._invalid(_check_rate.argument, _check_rate.rate::text, 'use 1 to 1000000');
    elsif (_check_rate.per between interval '10 milliseconds' and interval '31 days') is false then
        perform forge._invalid(
            replace(_check_rate.argument, 'rate', 'per'), _check_rate.per::text,
            'use 10 milliseconds to 31 days'
        );
    elsif _check_rate.rate is null and _check_rate.per is not null and _check_rate.per_so_far is null then
        perform forge._invalid(
            replace(_check_rate.argument, 'rate', 'per'), _check_rate.per::text,
            format('say %s too: how many may start in it', _check_rate.argument)
        );
    end if;
end;
$function$;
comment on function forge._check_rate(text, integer, interval, interval) is
'Raises JQ001 for a rate that cannot be. Internal.';

create or replace function forge._check_limits(
    max_running integer,
    key_max_running integer,
    unset text[]
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_limits.max_running between 1 and 100000) is false then
        perform forge._invalid(
            'max_running', _check_limits.max_running::text,
            'use 1 to 100000; forge.pause stops a queue'
        );
    elsif (_check_limits.key_max_running between 1 and 100000) is false then
        perform forge._invalid(
            'key_max_running', _check_limits.key_max_running::text, 'use 1 to 100000'
        );
    elsif (
        _check_limits.unset <@ '{max_running,rate,key_max_running,key_rate,key_fifo}'
    ) is not true then
        perform forge._invalid(
            'unset', _check_limits.unset::text,
            'use names of limits: max_running, rate, key_max_running, key_rate, key_fifo'
        );
    end if;
end;
$function$;
comment on function forge._check_limits(integer, integer, text[]) is
'Raises JQ001 for a limit out of range, or a name that is none. Internal.';

create or replace function forge._limits_row(limits forge.limits)
returns forge.limits_row
language plpgsql volatile
as $function$
declare
    v_row forge.limits_row;
begin
    v_row := (
        limits.queue, limits.max_running, limits.rate, limits.per, limits.key_max_running,
        limits.key_rate, limits.key_per, limits.key_fifo,
        case
            when limits.max_running is not null
            then forge._running_of_queue(limits.queue, 100000)
        end,
        limits.created_at, limits.updated_at
    );
    return v_row;
end;
$function$;
comment on function forge._limits_row(forge.limits) is
'The limits of a queue, and how many of its jobs count against them. Internal.';

create or replace function forge.set_limits(
    queue text,
    max_running integer default null,
    rate integer default null,
    per interval default null,
    key_max_running integer default null,
    key_rate integer default null,
    key_per interval default null,
    key_fifo boolean default null,
    unset text[] default '{}'
)
returns forge.limits_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_old forge.limits;
    v_new forge.limits;
begin
    perform forge._check_name('queue', set_limits.queue);
    perform forge._check_limits(set_limits.max_running, set_limits.key_max_running, set_limits.unset);

    insert into forge.limits (queue, created_at, updated_at)
    values (set_limits.queue, v_now, v_now)
    on conflict on constraint limits_pkey do nothing;
    select l.* into v_old from forge.limits as l where l.queue = set_limits.queue for update;
    perform forge._check_rate('rate', set_limits.rate, set_limits.per, v_old.per);
    perform forge._check_rate('key_rate', set_limits.key_rate, set_limits.key_per, v_old.key_per);

    -- A value given wins over its unset; neither leaves the limit as it is.
    v_new := v_old;
    v_new.updated_at := v_now;
    v_new.max_running := coalesce(
        set_limits.max_running,
        case when not 'max_running' = any(set_limits.unset) then v_old.max_running end);
    v_new.rate := coalesce(
        set_limits.rate, case when not 'rate' = any(set_limits.unset) then v_old.rate end);
    v_new.per := case
        when v_new.rate is not null then coalesce(set_limits.per, v_old.per, interval '1 second')
    end;
    v_new.key_max_running := coalesce(
        set_limits.key_max_running,
        case when not 'key_max_running' = any(set_limits.unset) then v_old.key_max_running end);
    v_new.key_rate := coalesce(
        set_limits.key_rate, case when not 'key_rate' = any(set_limits.unset) then v_old.key_rate end);
    v_new.key_per := case
        when v_new.key_rate is not null then coalesce(set_limits.key_per, v_old.key_per, interval '1 second')
    end;
    v_new.key_fifo := coalesce(
        set_limits.key_fifo, not 'key_fifo' = any(set_limits.unset) and v_old.key_fifo);
    -- Jobs that were claimed while the queue was not limited have yet to be counted.
    v_new.settled := v_old.settled and (
        num_nonnulls(v_new.max_running, v_new.rate) = 0 or num_nonnulls(v_old.max_running, v_old.rate) > 0
    );
    v_new.mark := case when v_new.settled then v_old.mark end;

    update forge.limits as l
    set max_running = v_new.max_running, rate = v_new.rate, per = v_new.per,
        key_max_running = v_new.key_max_running, key_rate = v_new.key_rate, key_per = v_new.key_per,
        key_fifo = v_new.key_fifo, settled = v_new.settled, mark = v_new.mark,
        updated_at = v_new.updated_at
    where l.queue = set_limits.queue;
    insert into forge.queues as q (queue, limited, created_at, updated_at)
    values (
        set_limits.queue, nullif(num_nonnulls(v_new.max_running, v_new.rate) > 0, false), v_now, v_now
    )
    on conflict on constraint queues_pkey do update
    set limited = excluded.limited, updated_at = excluded.updated_at;
    if num_nonnulls(v_new.max_running, v_new.rate) > 0 then
        perform forge._mark_slots(set_limits.queue);
    end if;
    if (v_old.key_max_running, v_old.key_rate, v_old.key_per, v_old.key_fifo)
        is distinct from (v_new.key_max_running, v_new.key_rate, v_new.key_per, v_new.key_fifo)
    then
        perform forge._call_keys(set_limits.queue, v_now);
    end if;
    perform forge._ring(set_limits.queue);
    perform forge._announce('queue');
    return forge._limits_row(v_new);
end;
$function$;
comment on function forge.set_limits(
    text, integer, integer, interval, integer, integer, interval, boolean, text[]
) is
'Limits how many jobs of a queue, and of each concurrency_key in it, run at once or start in an interval.

All workers together keep to a limit, whatever becomes of them. Claims that begin after the commit go by
the new limits; what was claimed before runs on, and counts.

Parameters:
  queue            its name; it need not have been used before
  max_running      jobs of the queue that run at once, 1 to 100000; null leaves it
  rate, per        at most rate jobs (1 to 1000000) start in any interval of length per (10 milliseconds to
                   31 days, 1 second where there is no rate yet); null leaves it
  key_max_running  as max_running, for the jobs of each key by itself
  key_rate, key_per
                   as rate and per, for the jobs of each key by itself
  key_fifo         true: the jobs of a key run one by one in the order of their ids, whatever their priority,
                   and none overtakes one that waits out its backoff; null leaves it
  unset            names of the limits to take away: max_running, rate, key_max_running, key_rate, key_fifo;
                   default none
Returns: queue, its limits (null: none), running (jobs that count against max_running), created_at,
updated_at.
Raises: JQ001.
Example: select * from forge.set_limits(''email'', max_running => 20, key_max_running => 2);';

create or replace function forge.list_limits(
    queue text default null
)
returns setof forge.limits_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $function$
begin
    return query
    select r.*
    from forge.limits as l
    cross join lateral forge._limits_row(l) as r
    where (list_limits.queue is null or l.queue = list_limits.queue)
        and (num_nonnulls(l.max_running, l.rate, l.key_max_running, l.key_rate) > 0 or l.key_fifo)
    order by l.queue;
end;
$function$;
comment on function forge.list_limits(text) is
'The queues that have limits.

Parameters:
  queue  only this one; default all
Returns: one row a queue: its limits (null: none) and running, the jobs that count against max_running now.
Example: select queue, max_running, running from forge.list_limits();';

create or replace function forge._keep_limits(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_snapshot constant pg_snapshot := pg_current_snapshot();
    -- a claim whose clock was read before ours may still look back from there
    v_before constant timestamptz := _keep_limits.at - interval '1 minute';
    v_limits forge.limits;
    v_settled bigint := 0;
    v_dropped bigint := 0;
    v_count bigint;
begin
    for v_limits in
        select l.* from forge.limits as l where not l.settled order by l.queue for update skip locked
    loop
        v_count := 0;
        if num_nonnulls(v_limits.max_running, v_limits.rate) > 0 then
            v_count := forge._mark_slots(v_limits.queue);
        end if;
        if v_limits.mark is null then
            update forge.limits as l
            set mark = pg_snapshot_xmax(v_snapshot)::text::bigint
            where l.queue = v_limits.queue;
        elsif pg_snapshot_xmin(v_snapshot)::text::bigint >= v_limits.mark and v_count = 0 then
            -- Everyone who may have gone by what was before has committed, and was looked at since.
            update forge.limits as l set settled = true where l.queue = v_limits.queue;
            v_settled := v_settled + 1;
        end if;
    end loop;

    for v_limits in select l.* from forge.limits as l order by l.queue loop
        delete from forge.starts as s
        where s.queue = v_limits.queue and s.key = '' and s.ctid = any(array(
            select o.ctid
            from forge.starts as o
            where o.queue = v_limits.queue and o.key = ''
                and o.at <= v_before - coalesce(v_limits.per, interval '0')
            order by o.at
            limit 10000
        ));
        get diagnostics v_count = row_count;
        v_dropped := v_dropped + v_count;
        delete from forge.starts as s
        where s.queue = v_limits.queue and s.key <> '' and s.ctid = any(array(
            select o.ctid
            from forge.starts as o
            where o.queue = v_limits.queue and o.key <> ''
                and o.at <= v_before - coalesce(v_limits.key_per, interval '0')
            order by o.at
            limit 10000
        ));
        get diagnostics v_count = row_count;
        v_dropped := v_dropped + v_count;
    end loop;
    return query values ('limits_settled', v_settled), ('starts_dropped', v_dropped);
end;
$function$;
comment on function forge._keep_limits(timestamptz) is
'Counts what was claimed before a limit was set, until nothing of that kind can come any more; and removes
starts that no window reaches. Internal.';

create or replace function forge._drop_limits(
    queue text,
    max_rows integer
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_held constant bigint[] := array(
        select t.ticket
        from forge.turns as t
        where t.queue = _drop_limits.queue
        order by t.turn_at, t.ticket
        limit _drop_limits.max_rows
        for update skip locked
    );
begin
    -- After that lock: a job that somebody has enqueued meanwhile needs its turn.
    delete from forge.lines as l
    where l.ctid = any(array(
        select o.ctid
        from forge.lines as o
        where o.queue = _drop_limits.queue and not exists (select from forge.jobs as j where j.id = o.id)
        limit _drop_limits.max_rows
    ));
    if exists (select from forge.lines as l where l.queue = _drop_limits.queue) then
        return false;
    end if;
    delete from forge.turns as t where t.queue = _drop_limits.queue and t.ticket = any(v_held);
    delete from forge.starts as s
    where s.ctid = any(array(
        select o.ctid from forge.starts as o where o.queue = _drop_limits.queue limit _drop_limits.max_rows
    ));
    if exists (select from forge.turns as t where t.queue = _drop_limits.queue)
        or exists (select from forge.starts as s where s.queue = _drop_limits.queue)
    then
        return false;
    end if;
    delete from forge.limits as l where l.queue = _drop_limits.queue;
    return true;
end;
$function$;
comment on function forge._drop_limits(text, integer) is
'Removes the limits of a queue that has no jobs any more; returns whether nothing is left of them. Internal.';
