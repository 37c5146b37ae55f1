-- Reading schedules: the list, and the times that are to come.
--
-- Locks: none. Raises: JQ001, JQ007. Called by: viewers.

create or replace function forge.list_schedules(
    name text default null,
    after text default null,
    max_rows integer default 1000
)
returns setof forge.schedule_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    if (list_schedules.max_rows between 1 and 1000) is not true then
        perform forge._invalid('max_rows', list_schedules.max_rows::text, 'use 1 to 1000');
    end if;
    return query
    select r.*
    from (
        select s
        from forge.schedules as s
        where (list_schedules.name is null or s.name = list_schedules.name)
            and (list_schedules.after is null or s.name > list_schedules.after)
        order by s.name
        limit list_schedules.max_rows
    ) as found
    cross join lateral forge._schedule_row(found.s) as r;
end;
$function$;
comment on function forge.list_schedules(text, text, integer) is
'The schedules, by name.

Parameters:
  name      only this one; default all
  after     only names after this one, the last of the page before; default from the start
  max_rows  1 to 1000; default 1000
Returns: the schedules: what they were set to, and paused_at, next_at (null while paused), queued_at (the run
that waits for the one before it), last_at, last_job_id and last_status (of that job, while it is kept),
skipped_at and skipped_because (of the last run that was left out: overlap or late), failures and last_error
(why it could not be enqueued).
Raises: JQ001.
Example: select name, cron, next_at from forge.list_schedules();';

create or replace function forge.next_runs(
    cron text default null,
    count integer default 5,
    time_zone text default 'UTC',
    name text default null,
    after timestamptz default null
)
returns setof timestamptz
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_schedule forge.schedules;
    v_cron forge.cron_fields;
    v_at timestamptz := coalesce(next_runs.after, forge.now());
begin
    if (next_runs.count between 1 and 100) is not true then
        perform forge._invalid('count', next_runs.count::text, 'use 1 to 100');
    elsif num_nonnulls(next_runs.cron, next_runs.name) <> 1 then
        perform forge._invalid('cron', next_runs.cron, 'give a cron expression, or the name of a schedule');
    end if;
    perform forge._check_moment('after', next_runs.after);

    if next_runs.name is null then
        v_schedule.cron := next_runs.cron;
        v_schedule.time_zone := forge._time_zone(next_runs.time_zone);
        v_schedule.starts_at := v_at;
    else
        select s.* into v_schedule from forge.schedules as s where s.name = next_runs.name;
        if not found then
            perform forge._no_schedule(next_runs.name);
        end if;
    end if;
    v_cron := forge._read_cron(v_schedule.cron);
    for i in 1..next_runs.count loop
        v_at := forge._next_run(v_cron, v_schedule.time_zone, v_schedule.starts_at, v_at);
        exit when v_at is null;
        return next v_at;
    end loop;
end;
$function$;
comment on function forge.next_runs(text, integer, text, text, timestamptz) is
'When a cron expression, or a schedule, comes next.

Parameters:
  cron       an expression as for schedule; or else give a name
  count      how many times, 1 to 100; default 5
  time_zone  for a cron expression; default UTC
  name       of a schedule, paused or not
  after      from when on, the years 1970 to 2999; default now
Returns: the times, ascending; fewer where no further day is meant within 50 years.
Raises: JQ001, JQ007.
Example: select * from forge.next_runs(''0 9 * * mon-fri'', time_zone => ''Europe/Berlin'');';

create or replace function forge._ailing_schedules()
returns setof forge.finding
language sql stable
as $function$
    select
        'schedule_failing', 'warning',
        format(
            'the schedule %s could not be enqueued %s times in a row: %s', s.name, s.failures, s.last_error
        ),
        'set it anew as it should be; the run that is due is tried again every few minutes',
        s.queue,
        s.next_at
    from forge.schedules as s
    where s.failures > 0
    order by s.name
    limit 10;
$function$;
comment on function forge._ailing_schedules() is
'What is wrong with schedules. Internal.';

create or replace function forge._explain_schedules(job forge.jobs)
returns setof forge.reason
language plpgsql stable
as $function$
begin
    if (job.extra).schedule is not null then
        return next (
            'from_schedule',
            format(
                'the schedule %s enqueued it for its run of %s',
                (job.extra).schedule, (job.extra).nominal_at
            ),
            jsonb_build_object(
                'schedule', (job.extra).schedule,
                'nominal_at', (job.extra).nominal_at,
                'seconds_late', extract(epoch from job.created_at - (job.extra).nominal_at)
            )
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_schedules(forge.jobs) is
'Which schedule a job comes from. It holds no job back: one that is enqueued is like others. Internal.';
