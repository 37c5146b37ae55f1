-- Firing: what the tick does with the schedules that are due.
--
-- The jobs and the next time commit together, so that no run comes twice and none is lost. Each schedule
-- has an exception block of its own: one that cannot be enqueued is looked at again later, and the others
-- go on. Locks: rows of forge.schedules, with skip locked. Called by: the tick.

create or replace function forge._run(
    schedule forge.schedules,
    nominal_at timestamptz,
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_job forge.new_job;
begin
    v_job.type := schedule.type;
    v_job.payload := schedule.payload;
    v_job.queue := schedule.queue;
    v_job.priority := schedule.priority;
    v_job.max_retries := schedule.max_retries;
    v_job.retry_base := schedule.retry_base;
    v_job.retry_factor := schedule.retry_factor;
    v_job.retry_cap := schedule.retry_cap;
    v_job.retry_jitter := schedule.retry_jitter;
    v_job.tags := schedule.tags;
    v_job.concurrency_key := schedule.concurrency_key;
    v_job.timeout := schedule.timeout;
    v_job.retry_rules := schedule.retry_rules;
    v_job.schedule := schedule.name;
    v_job.nominal_at := _run.nominal_at;
    return (forge._enqueue(v_job, _run.at)).id;
end;
$function$;
comment on function forge._run(forge.schedules, timestamptz, timestamptz) is
'Enqueues one job of a schedule, due at once. Internal.';

create or replace function forge._due_runs(
    schedule forge.schedules,
    at timestamptz
)
returns timestamptz[]
language plpgsql volatile
as $function$
declare
    v_cron constant forge.cron_fields := forge._read_cron(schedule.cron);
    v_next constant timestamptz := forge._next_run(
        v_cron, schedule.time_zone, schedule.starts_at, schedule.next_at
    );
begin
    if (v_next <= _due_runs.at) is not true then
        return array[schedule.next_at, v_next];
    end if;
    -- Nobody ticked for a while.
    return forge._last_runs(
        v_cron, schedule.time_zone, schedule.starts_at, schedule.next_at - interval '1 microsecond',
        _due_runs.at, case schedule.catch_up when 'all' then schedule.catch_up_limit else 1 end
    ) || forge._next_run(v_cron, schedule.time_zone, schedule.starts_at, _due_runs.at);
end;
$function$;
comment on function forge._due_runs(forge.schedules, timestamptz) is
'The runs of a schedule that are due, oldest first, as many as it may catch up on; and last the next one
after them, null where there is none. Internal.';

create or replace function forge._fire(
    schedule forge.schedules,
    at timestamptz
)
returns integer
language plpgsql volatile
as $function$
declare
    v_live bigint[] := array(
        select j.id from forge.jobs as j where j.id = any(schedule.live_jobs) order by j.id
    );
    v_runs timestamptz[] := array[]::timestamptz[];
    v_run timestamptz;
    v_made integer := 0;
begin
    if schedule.queued_at is not null then
        v_runs := array[schedule.queued_at];
        schedule.queued_at := null;
    end if;
    if schedule.next_at <= _fire.at then
        v_runs := v_runs || forge._due_runs(schedule, _fire.at);
        schedule.next_at := v_runs[cardinality(v_runs)];
        v_runs := trim_array(v_runs, 1);
        v_run := v_runs[cardinality(v_runs)];
        if schedule.catch_up = 'skip' and v_run < _fire.at - schedule.grace then
            schedule.skipped_at := v_run;
            schedule.skipped_because := 'late';
            v_runs := trim_array(v_runs, 1);
        end if;
    end if;

    foreach v_run in array v_runs loop
        if schedule.overlap = 'allow' or cardinality(v_live) = 0 then
            schedule.last_job_id := forge._run(schedule, v_run, _fire.at);
            schedule.last_at := v_run;
            v_live := v_live || schedule.last_job_id;
            v_made := v_made + 1;
        elsif schedule.overlap = 'queue' and schedule.queued_at is null then
            schedule.queued_at := v_run;
        else
            schedule.skipped_at := v_run;
            schedule.skipped_because := 'overlap';
        end if;
    end loop;

    update forge.schedules as s
    set next_at = schedule.next_at,
        -- Whether the run before a queued one has ended is asked once a second, behind who is due by then.
        due_at = case
            when schedule.queued_at is null then schedule.next_at
            else least(schedule.next_at, _fire.at + interval '1 second')
        end,
        queued_at = schedule.queued_at,
        last_at = schedule.last_at,
        last_job_id = schedule.last_job_id,
        live_jobs = v_live[greatest(1, cardinality(v_live) - 99):],
        skipped_at = schedule.skipped_at,
        skipped_because = schedule.skipped_because,
        failures = 0,
        last_error = null
    where s.name = schedule.name;
    return v_made;
end;
$function$;
comment on function forge._fire(forge.schedules, timestamptz) is
'Enqueues what is due of one schedule, whose row the caller has locked: how many jobs. Internal.';

create or replace function forge._fire_schedules(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    -- the longest due first; the next tick goes on
    v_names constant text[] := array(
        select s.name
        from forge.schedules as s
        where s.due_at <= _fire_schedules.at
        order by s.due_at
        limit 100
    );
    v_name text;
    v_schedule forge.schedules;
    v_made bigint := 0;
    v_failed bigint := 0;
    v_detail text;
    v_wait interval;
begin
    foreach v_name in array v_names loop
        select s.* into v_schedule
        from forge.schedules as s
        where s.name = v_name and s.due_at <= _fire_schedules.at
        for update skip locked;
        continue when not found;

        begin
            v_made := v_made + forge._fire(v_schedule, _fire_schedules.at);
        exception
            when others then
                get stacked diagnostics v_detail = pg_exception_detail;
                v_wait := interval '5 seconds' * power(2, least(v_schedule.failures, 6));
                update forge.schedules as s
                set failures = v_schedule.failures + 1,
                    last_error = left(concat_ws(': ', sqlstate, sqlerrm, nullif(v_detail, '')), 1000),
                    due_at = _fire_schedules.at + v_wait
                where s.name = v_name;
                v_failed := v_failed + 1;
        end;
    end loop;

    return next ('schedules', v_made)::forge.tick_result;
    return next ('failed_schedules', v_failed)::forge.tick_result;
end;
$function$;
comment on function forge._fire_schedules(timestamptz) is
'Enqueues the jobs of all schedules that are due, at most 100 schedules a call. Internal.';
