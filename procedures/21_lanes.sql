-- Lanes: where a claim begins to look while dead rows lie before the jobs.
--
-- The index entries of jobs that have ended stay until the next vacuum, and with a transaction that
-- stays open for as long as that; every claim would walk over them. While there are many, the tick
-- writes down for each priority of a queue the time below which no job is PENDING, the floor, and claims
-- begin there. What slips in below a floor (a job given back, or enqueued with a time in the past) is
-- found by a sweep and lowers it again.
-- Locks: rows of forge.queues that nobody else holds. Called by: claims, and the tick.

create or replace function forge._one_lane()
returns forge.lane[]
language sql immutable parallel safe
as $function$
    select array[(32767, -32768, timestamptz '-infinity', false)::forge.lane];
$function$;
comment on function forge._one_lane() is
'All priorities in one range, with no floor. Internal.';

create or replace function forge._lanes(queue text)
returns forge.lane[]
language plpgsql stable
as $function$
begin
    return coalesce(
        (select q.lanes from forge.queues as q where q.queue = _lanes.queue), forge._one_lane()
    );
end;
$function$;
comment on function forge._lanes(text) is
'The lanes of a queue, highest first; they cover all priorities. Internal.';

create or replace function forge._next_priority(
    queue text,
    lane forge.lane,
    below integer
)
returns integer
language plpgsql stable
as $function$
begin
    if lane.high = lane.low then
        return case when _next_priority.below > lane.low then lane.low end;
    end if;
    return (
        select j.priority
        from forge.jobs as j
        where j.queue = _next_priority.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority >= lane.low
            and j.priority < _next_priority.below
        order by j.priority desc
        limit 1
    );
end;
$function$;
comment on function forge._next_priority(text, forge.lane, integer) is
'The highest priority of a lane below another in which there may be jobs; null: none. Internal.';

create or replace function forge._passed(
    queue text,
    types text[],
    lane forge.lane,
    at timestamptz
)
returns timestamptz
language plpgsql volatile
as $function$
declare
    v_key constant text := hashtextextended(format('%s %s', _passed.queue, _passed.types), lane.low);
    v_hint constant text[] := regexp_match(
        current_setting('forge.passed', true), '^(-?\d{1,19}) (\d{1,17}) (\d{1,17})$'
    );
    v_now constant bigint := (extract(epoch from _passed.at) * 1000000)::bigint;
begin
    if not lane.sticky then
        return timestamptz '-infinity';
    elsif v_hint[1] = v_key and v_now - v_hint[2]::bigint between 0 and 100000 then
        return 'epoch'::timestamptz + v_hint[3]::bigint * interval '1 microsecond';
    end if;
    perform set_config('forge.passed', format('%s %s 0', v_key, v_now), false);
    return timestamptz '-infinity';
end;
$function$;
comment on function forge._passed(text, text[], forge.lane, timestamptz) is
'How far this session has claimed in a lane within the last tenth of a second, if at all: what others
commit behind that point in the meantime is found a moment later. Internal.';

create or replace function forge._pass(
    lane forge.lane,
    scheduled_at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if lane.sticky then
        perform set_config(
            'forge.passed',
            regexp_replace(
                current_setting('forge.passed'), '\d+$',
                (extract(epoch from _pass.scheduled_at) * 1000000)::bigint::text
            ),
            false
        );
    end if;
end;
$function$;
comment on function forge._pass(forge.lane, timestamptz) is
'Notes for _passed how far this session has claimed. Internal.';

create or replace function forge._are_dead_rows_kept()
returns boolean
language plpgsql volatile
as $function$
declare
    v_next constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    v_mark bigint;
begin
    -- Transactions that have been open since the last tick, prepared ones and replicas.
    select t.mark into v_mark from forge.tick_tasks as t where t.task = 'horizon';
    return exists (
        select
        from (
            select max(age(a.backend_xmin)) as age
            from pg_stat_activity as a
            where coalesce(a.datname, current_database()) = current_database()
                and a.pid <> pg_backend_pid()
            union all
            select max(age(p.transaction)) from pg_prepared_xacts as p where p.database = current_database()
            union all
            select max(age(s.xmin)) from pg_replication_slots as s
        ) as oldest
        where oldest.age > v_next - v_mark
    );
end;
$function$;
comment on function forge._are_dead_rows_kept() is
'Whether somebody still sees what had ended before the last tick. Internal.';

create or replace function forge._horizon(at timestamptz)
returns timestamptz
language plpgsql volatile
as $function$
declare
    v_snapshot constant pg_snapshot := pg_current_snapshot();
    v_mark forge.tick_tasks;
begin
    select t.* into v_mark from forge.tick_tasks as t where t.task = 'horizon';
    if pg_snapshot_xmin(v_snapshot)::text::bigint < v_mark.mark then
        -- A transaction that writes is open since before: what it commits later, a sweep will find.
        return case
            when v_mark.done_at < _horizon.at - interval '5 seconds' then _horizon.at - interval '5 seconds'
        end;
    end if;
    -- Every transaction that had begun to write by then has ended, so no job with a time before it is
    -- still to come.
    insert into forge.tick_tasks as t (task, done_at, mark)
    values ('horizon', _horizon.at, pg_snapshot_xmax(v_snapshot)::text::bigint)
    on conflict on constraint tick_tasks_pkey do update
    set done_at = excluded.done_at, mark = excluded.mark;
    return v_mark.done_at;
end;
$function$;
comment on function forge._horizon(timestamptz) is
'The time before which no new job is going to appear, as far as can be told; null: not known yet. Internal.';

create or replace function forge._lane_of(
    queue text,
    lane forge.lane,
    horizon timestamptz,
    sweep boolean,
    sticky boolean
)
returns forge.lane
language plpgsql stable
as $function$
declare
    v_first timestamptz;
begin
    lane.sticky := _lane_of.sticky;
    if _lane_of.sweep then
        select j.scheduled_at into v_first
        from forge.jobs as j
        where j.queue = _lane_of.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority = lane.low
            and j.scheduled_at < lane.floor
        order by j.scheduled_at
        limit 1;
        if found then
            lane.floor := v_first;
            return lane;
        end if;
    end if;
    select j.scheduled_at into v_first
    from forge.jobs as j
    where j.queue = _lane_of.queue
        and j.status = 'PENDING'
        and j.concurrency_key is null
        and j.priority = lane.low
        and j.scheduled_at >= lane.floor
    order by j.scheduled_at
    limit 1;
    lane.floor := greatest(lane.floor, least(v_first, _lane_of.horizon));
    return lane;
end;
$function$;
comment on function forge._lane_of(text, forge.lane, timestamptz, boolean, boolean) is
'The lane of one priority with its floor raised, or lowered to a job that a sweep found below. Internal.';

create or replace function forge._new_lanes(
    queue text,
    lanes forge.lane[],
    horizon timestamptz,
    sweep boolean,
    sticky boolean
)
returns forge.lane[]
language plpgsql stable
as $function$
declare
    v_lane forge.lane;
    v_lanes forge.lane[] := '{}'::forge.lane[];
    v_priority integer;
    v_most constant integer := 100;     -- further priorities share the last range, without a floor
begin
    foreach v_lane in array _new_lanes.lanes loop
        loop
            v_priority := null;
            if v_lane.high > v_lane.low and cardinality(v_lanes) < v_most then
                v_priority := forge._next_priority(_new_lanes.queue, v_lane, v_lane.high + 1);
            end if;
            exit when v_priority is null;
            if v_lane.high > v_priority then
                v_lanes := v_lanes || (
                    v_lane.high, v_priority + 1, timestamptz '-infinity', false
                )::forge.lane;
            end if;
            v_lanes := v_lanes || forge._lane_of(
                _new_lanes.queue,
                (v_priority, v_priority, timestamptz '-infinity', false)::forge.lane,
                _new_lanes.horizon, false, _new_lanes.sticky
            );
            v_lane.high := v_priority - 1;
        end loop;
        if v_lane.high = v_lane.low then
            v_lane := forge._lane_of(
                _new_lanes.queue, v_lane, _new_lanes.horizon, _new_lanes.sweep, _new_lanes.sticky
            );
        end if;
        if v_lane.high >= v_lane.low then
            v_lanes := v_lanes || v_lane;
        end if;
    end loop;
    return v_lanes;
end;
$function$;
comment on function forge._new_lanes(text, forge.lane[], timestamptz, boolean, boolean) is
'The lanes of a queue brought up to date: a lane for each priority that has jobs. Internal.';

create or replace function forge._dead_rows(at timestamptz)
returns bigint
language plpgsql stable
as $function$
begin
    -- as the statistics say, which may come late, and as many as jobs that have ended lately
    return greatest(
        pg_stat_get_dead_tuples('forge.jobs'::regclass),
        (
            select sum(s.completed + s.failed)
            from forge.throughput_samples as s
            where s.at > _dead_rows.at - interval '1 minute' and s.queue <> ''
        )
    );
end;
$function$;
comment on function forge._dead_rows(timestamptz) is
'About how many dead rows forge.jobs has. Internal.';

create or replace function forge._may_vacuum(
    dead bigint,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
begin
    return _may_vacuum.dead > 20000
        and pg_has_role(
            session_user, (select c.relowner from pg_class as c where c.oid = 'forge.jobs'::regclass), 'usage'
        )
        and not forge._are_dead_rows_kept()
        and forge._is_time_for('vacuum', _may_vacuum.at, interval '10 seconds');
end;
$function$;
comment on function forge._may_vacuum(bigint, timestamptz) is
'Whether it would do good to vacuum the hot tables now, and the caller may: autovacuum comes once a minute,
and by then a busy queue has left a million dead rows. Internal.';

create or replace function forge._keep_lanes(
    dead bigint,
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_kept constant boolean := forge._are_dead_rows_kept();
    v_horizon constant timestamptz := coalesce(forge._horizon(_keep_lanes.at), '-infinity');
    v_since timestamptz;
    v_took interval;
    v_sweep boolean;
    v_queue record;
    v_count bigint := 0;
begin
    -- Once they are there, lanes stay for a while, so that they do not come and go.
    select t.done_at into v_since from forge.tick_tasks as t where t.task = 'lanes';
    if _keep_lanes.dead > 10000 then
        insert into forge.tick_tasks as t (task, done_at)
        values ('lanes', _keep_lanes.at)
        on conflict on constraint tick_tasks_pkey do update
        set done_at = excluded.done_at;
    elsif v_since is null then
        return 0;
    elsif v_since < _keep_lanes.at - interval '1 minute' then
        update forge.queues as q set lanes = null, turn_floor = null where q.lanes is not null;
        delete from forge.tick_tasks as t where t.task = 'lanes';
        return 0;
    end if;

    -- A sweep walks over all the dead rows: at most a twentieth of the time goes into it.
    select t.mark * interval '20 microseconds' into v_took from forge.tick_tasks as t where t.task = 'sweep';
    v_sweep := forge._is_time_for('sweep', _keep_lanes.at, greatest(v_took, interval '0.9 seconds'));
    for v_queue in
        select q.queue, q.lanes
        from forge.queues as q
        where q.lanes is not null
            or q.queue in (
                select s.queue
                from forge.throughput_samples as s
                where s.at > _keep_lanes.at - interval '1 minute'
            )
        order by q.queue
        for no key update skip locked
    loop
        update forge.queues as q
        set lanes = forge._new_lanes(
            v_queue.queue, coalesce(v_queue.lanes, forge._one_lane()), v_horizon, v_sweep, v_kept
        ),
        turn_floor = forge._new_turn_floor(v_queue.queue, q.turn_floor, v_horizon, v_sweep)
        where q.queue = v_queue.queue;
        v_count := v_count + 1;
    end loop;
    if v_sweep then
        update forge.tick_tasks as t
        set mark = (extract(epoch from forge.now() - _keep_lanes.at) * 1000000)::bigint
        where t.task = 'sweep';
    end if;
    return v_count;
end;
$function$;
comment on function forge._keep_lanes(bigint, timestamptz) is
'Makes lanes while there are dead rows, keeps them up to date, and drops them when that is over; returns
of how many queues. Internal.';
