-- The tick: everything that has to happen by time, one caller at a time.
--
-- Locks: tick (a try, until the caller commits), then as its tasks say. Called by: workers about once
-- a second; psql or a cron job do as well. Each task does a bounded amount of work.

create or replace function forge._is_time_for(
    task text,
    at timestamptz,
    every interval
)
returns boolean
language plpgsql volatile
as $function$
begin
    insert into forge.tick_tasks as t (task, done_at)
    values (_is_time_for.task, _is_time_for.at)
    on conflict on constraint tick_tasks_pkey do update
    set done_at = excluded.done_at
    -- a clock that was set back does not stop the task until it has caught up
    where t.done_at <= excluded.done_at - _is_time_for.every or t.done_at > excluded.done_at;
    return found;
end;
$function$;
comment on function forge._is_time_for(text, timestamptz, interval) is
'Whether a task has not been done for so long; if so, it counts as done now. Internal.';

create or replace function forge.tick()
returns setof forge.tick_result
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_queue text;
    v_count bigint;
    v_dead bigint;
begin
    if not pg_try_advisory_xact_lock(forge._lock_space('tick'), 0) then
        return;
    end if;

    return query select t.task, t.count from forge._lose_workers(v_now) as t where t.count > 0;

    v_count := forge._time_out_types(v_now);
    if v_count > 0 then
        return next ('timed_out', v_count)::forge.tick_result;
    end if;

    v_count := forge._lose_expired(v_now);
    if v_count > 0 then
        return next ('expired_leases', v_count)::forge.tick_result;
    end if;

    return query select s.task, s.count from forge._fire_schedules(v_now) as s where s.count > 0;

    return query select t.task, t.count from forge._tend_flows(v_now) as t where t.count > 0;

    if forge._is_time_for('tallies', v_now, '0.9 seconds') then
        v_count := forge._add_tallies(v_now);
        if v_count > 0 then
            return next ('tallies', v_count)::forge.tick_result;
        end if;
        perform forge._measure(v_now);

        return query select t.task, t.count from forge._add_dead_tallies() as t where t.count > 0;
        return query select t.task, t.count from forge._pause_late(v_now) as t where t.count > 0;
        return query select t.task, t.count from forge._work_off_revivals(v_now) as t where t.count > 0;

        return query select t.task, t.count from forge._free_keys(v_now) as t where t.count > 0;
        return query select t.task, t.count from forge._keep_admissions(v_now) as t where t.count > 0;

        v_dead := forge._dead_rows(v_now);
        if forge._may_vacuum(v_dead, v_now) then
            return next ('vacuum', v_dead)::forge.tick_result;
        end if;

        v_count := forge._keep_lanes(v_dead, v_now);
        if v_count > 0 then
            return next ('lanes', v_count)::forge.tick_result;
        end if;

        return query select k.task, k.count from forge._keep_limits(v_now) as k where k.count > 0;

        -- Jobs scheduled ahead, when their time has come, and whatever else waits though workers sleep.
        v_count := 0;
        for v_queue in
            select n.queue
            from forge._queue_names() as n (queue)
            left join forge.queues as q on q.queue = n.queue
            where q.paused_at is null
        loop
            if forge._due(v_queue, v_now) then
                perform forge._tell_due(v_queue);
                v_count := v_count + 1;
            end if;
        end loop;
        if v_count > 0 then
            return next ('due_queues', v_count)::forge.tick_result;
        end if;
    end if;

    if forge._is_time_for('queues', v_now, '10 seconds') then
        insert into forge.queues as q (queue, created_at, updated_at)
        select n.queue, v_now, v_now
        from forge._queue_names() as n (queue)
        where not exists (select from forge.queues as k where k.queue = n.queue)
        on conflict on constraint queues_pkey do nothing;
        get diagnostics v_count = row_count;
        if v_count > 0 then
            return next ('new_queues', v_count)::forge.tick_result;
        end if;
    end if;

    if forge._is_time_for('retention', v_now, '1 minute') then
        return query
        select p.task, p.count
        from (values
            ('history', 'finished_at', (select s.history_retention from forge.settings as s)),
            ('job_logs', 'at', (select s.retention from forge.log_settings as s))
        ) as k (parent, clock, retention)
        cross join forge._keep_partitions(k.parent, k.clock, v_now, k.retention) as p
        where p.count > 0;

        v_count := forge._drop_dead(
            array(
                select o.id
                from forge.dead_jobs as o
                where o.finished_at < v_now - (select s.dead_retention from forge.settings as s)
                order by o.finished_at
                limit 1000
            ),
            v_now
        );
        if v_count > 0 then
            return next ('dead_jobs_dropped', v_count)::forge.tick_result;
        end if;

        perform forge._roll_up_throughput(date_trunc('minute', v_now - interval '1 hour'));
        perform forge._roll_up_latencies(v_now - interval '15 minutes', '1 minute');
        perform forge._roll_up_latencies(v_now - interval '2 hours', '10 minutes');
        delete from forge.throughput_samples as s where s.at < v_now - interval '25 hours';
        delete from forge.latency_samples as s
        where s.at > '-infinity' and s.at < v_now - interval '25 hours';

        return query select t.task, t.count from forge._forget_flows(v_now) as t where t.count > 0;
    end if;

    return query select t.task, t.count from forge._look_at_conditions(v_now) as t where t.count > 0;
end;
$function$;
comment on function forge.tick() is
'Does what is due by time: schedules, lost leases, dead workers, statistics, wake-ups and retention.

Anyone may call it, at any rate: one caller at a time does the work, the others return at once. Call it
in a transaction of its own; about once a second is right. Workers do.
Returns: one row a task that did something: task, count. suspect_workers: call again in 0.3 seconds.
schedules: jobs that they enqueued; failed_schedules: their last_error says why. vacuum: dead rows lie about
and no function can clean up: run VACUUM (SKIP_LOCKED, TRUNCATE FALSE) on forge.jobs and forge.tallies, if
you own them; nothing is wrong if nobody does, autovacuum comes later. conditions_unguarded: conditions are
due, and looked at only where something ends a look that takes too long: call again after
SET statement_timeout = ''10s''.
Example: select * from forge.tick();';
