-- Schedules: what is enqueued again and again; set here, fired by the tick (65_schedules_fire.sql).
--
-- Locks: the row of the schedule, before any job. Raises: JQ001, JQ005. Called by: operators.

create or replace function forge._time_zone(name text)
returns text
language plpgsql volatile
as $function$
declare
    v_name text;
begin
    if _time_zone.name = 'UTC' then
        return 'UTC';    -- the look below reads some 600 files
    end if;
    -- The full names only: of abbreviations and offsets PostgreSQL takes almost any, and 'UTC+3' is west.
    select z.name into v_name
    from pg_timezone_names as z
    where lower(z.name) = lower(_time_zone.name)
    limit 1;
    if v_name is null then
        perform forge._invalid(
            'time_zone', _time_zone.name, 'use a name out of pg_timezone_names, such as Europe/Berlin'
        );
    end if;
    return v_name;
end;
$function$;
comment on function forge._time_zone(text) is
'A time zone as PostgreSQL spells it. Raises JQ001 where it knows none of this name. Internal.';

create or replace function forge._check_moment(
    argument text,
    moment timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_moment.moment between '1970-01-01 00:00Z' and '2999-12-31 00:00Z') is false then
        perform forge._invalid(
            _check_moment.argument, _check_moment.moment::text, 'use a time from 1970 to 2999'
        );
    end if;
end;
$function$;
comment on function forge._check_moment(text, timestamptz) is
'Raises JQ001 for a time that no calendar is wanted for. Internal.';

create or replace function forge._check_schedule(schedule forge.schedules)
returns void
language plpgsql volatile
as $function$
begin
    if (forge._is_name(schedule.name) and strpos(schedule.name, '/') = 0) is not true then
        perform forge._invalid(
            'name', schedule.name, 'use 1 to 200 characters without slashes and control characters'
        );
    elsif (schedule.catch_up in ('skip', 'one', 'all')) is not true then
        perform forge._invalid('catch_up', schedule.catch_up, 'use skip, one or all');
    elsif (schedule.catch_up_limit between 1 and 1000) is not true then
        perform forge._invalid('catch_up_limit', schedule.catch_up_limit::text, 'use 1 to 1000');
    elsif (schedule.grace between interval '0' and interval '365 days') is not true then
        perform forge._invalid('grace', schedule.grace::text, 'use 0 to 365 days');
    elsif (schedule.overlap in ('allow', 'skip', 'queue')) is not true then
        perform forge._invalid('overlap', schedule.overlap, 'use allow, skip or queue');
    end if;
    perform forge._check_moment('starts_at', schedule.starts_at);
    perform forge._check_enqueue(
        schedule.type, schedule.payload, schedule.queue, schedule.priority, null, null, schedule.tags
    );
    perform forge._check_policy(
        schedule.retry_base, schedule.retry_factor, schedule.retry_cap, schedule.retry_jitter,
        schedule.max_retries
    );
    perform forge._check_size('payload', schedule.payload);
    perform forge._check_payload(schedule.type, schedule.payload);
    perform forge._check_timeout(schedule.timeout);
    if schedule.concurrency_key is not null then
        perform forge._check_name('concurrency_key', schedule.concurrency_key);
    end if;
    if schedule.retry_rules is not null then
        perform forge._check_rules('retry_rules', schedule.retry_rules, false);
    end if;
end;
$function$;
comment on function forge._check_schedule(forge.schedules) is
'Raises JQ001 or JQ005 for what a schedule cannot be, its times apart. Internal.';

create or replace function forge._schedule_row(schedule forge.schedules)
returns forge.schedule_row
language plpgsql stable
set enable_seqscan = off
as $function$
begin
    return (
        schedule.name, schedule.cron, schedule.time_zone, schedule.starts_at, schedule.type,
        schedule.payload, schedule.queue, schedule.priority, schedule.max_retries, schedule.retry_base,
        schedule.retry_factor, schedule.retry_cap, schedule.retry_jitter, schedule.tags,
        schedule.concurrency_key, schedule.timeout, schedule.retry_rules, schedule.catch_up,
        schedule.catch_up_limit, schedule.grace, schedule.overlap, schedule.paused_at, schedule.next_at,
        schedule.queued_at, schedule.last_at, schedule.last_job_id, schedule.skipped_at,
        schedule.skipped_because, schedule.failures, schedule.last_error, schedule.created_at,
        schedule.updated_at,
        (select j.status from forge.all_jobs as j where j.id = schedule.last_job_id limit 1)
    )::forge.schedule_row;
end;
$function$;
comment on function forge._schedule_row(forge.schedules) is
'A schedule as it is shown, with what became of its last job. Internal.';

create or replace function forge.schedule(
    name text,
    cron text,
    type text,
    payload jsonb default '{}',
    time_zone text default 'UTC',
    queue text default 'default',
    priority integer default 0,
    max_retries integer default null,
    retry_base interval default null,
    retry_factor double precision default null,
    retry_cap interval default null,
    retry_jitter double precision default null,
    tags text[] default null,
    concurrency_key text default null,
    timeout interval default null,
    retry_rules jsonb default null,
    catch_up text default 'one',
    catch_up_limit integer default 10,
    grace interval default '1 minute',
    overlap text default 'allow',
    starts_at timestamptz default null
)
returns forge.schedule_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_cron constant forge.cron_fields := forge._read_cron(schedule.cron);
    v_new forge.schedules;
begin
    v_new.name := schedule.name;
    v_new.cron := schedule.cron;
    v_new.time_zone := forge._time_zone(schedule.time_zone);
    v_new.starts_at := coalesce(schedule.starts_at, v_now);
    v_new.type := schedule.type;
    v_new.payload := schedule.payload;
    v_new.queue := schedule.queue;
    v_new.priority := schedule.priority;
    v_new.max_retries := schedule.max_retries;
    v_new.retry_base := schedule.retry_base;
    v_new.retry_factor := schedule.retry_factor;
    v_new.retry_cap := schedule.retry_cap;
    v_new.retry_jitter := schedule.retry_jitter;
    v_new.tags := schedule.tags;
    v_new.concurrency_key := schedule.concurrency_key;
    v_new.timeout := schedule.timeout;
    v_new.retry_rules := schedule.retry_rules;
    v_new.catch_up := schedule.catch_up;
    v_new.catch_up_limit := schedule.catch_up_limit;
    v_new.grace := schedule.grace;
    v_new.overlap := schedule.overlap;
    v_new.live_jobs := '{}';
    v_new.failures := 0;
    v_new.created_at := v_now;
    v_new.updated_at := v_now;
    perform forge._check_schedule(v_new);
    v_new.next_at := forge._next_run(v_cron, v_new.time_zone, v_new.starts_at, v_now);
    if v_new.next_at is null then
        perform forge._invalid('cron', schedule.cron, 'no day within 50 years is meant by it');
    end if;
    v_new.due_at := v_new.next_at;

    insert into forge.schedules as s
    select v_new.*
    on conflict on constraint schedules_pkey do update
    -- Said again without a change to its times, it goes on: no run is put off, and none is lost.
    set starts_at = case
            when s.cron = excluded.cron and s.time_zone = excluded.time_zone then
                coalesce(schedule.starts_at, s.starts_at)
            else excluded.starts_at
        end,
        next_at = case
            when s.paused_at is not null then null
            when s.cron = excluded.cron and s.time_zone = excluded.time_zone
                and s.starts_at = coalesce(schedule.starts_at, s.starts_at) then s.next_at
            else excluded.next_at
        end,
        cron = excluded.cron,
        time_zone = excluded.time_zone,
        type = excluded.type,
        payload = excluded.payload,
        queue = excluded.queue,
        priority = excluded.priority,
        max_retries = excluded.max_retries,
        retry_base = excluded.retry_base,
        retry_factor = excluded.retry_factor,
        retry_cap = excluded.retry_cap,
        retry_jitter = excluded.retry_jitter,
        tags = excluded.tags,
        concurrency_key = excluded.concurrency_key,
        timeout = excluded.timeout,
        retry_rules = excluded.retry_rules,
        catch_up = excluded.catch_up,
        catch_up_limit = excluded.catch_up_limit,
        grace = excluded.grace,
        overlap = excluded.overlap,
        failures = 0,
        last_error = null,
        -- soon, as what kept it from running may be mended; then it is as its next time says
        due_at = case when s.paused_at is null then v_now end,
        updated_at = v_now
    returning s.* into v_new;
    perform forge._announce('schedule');
    return forge._schedule_row(v_new);
end;
$function$;
comment on function forge.schedule(
    text, text, text, jsonb, text, text, integer, integer, interval, double precision, interval,
    double precision, text[], text, interval, jsonb, text, integer, interval, text, timestamptz
) is
'Enqueues a job again and again, by a cron expression or at an interval; the same name again changes it.

All of it is replaced: what is not given has its default. It stays paused where it was. Where its times do
not change, its next run does not either, so that it may be said at each start of a program.
Parameters:
  name            1 to 200 characters, without slashes
  cron            five fields: minute, hour, day of the month, month, day of the week, each * or a list of
                  numbers, ranges, steps and names (30 4 * jan-jun mon-fri); of the days, L is the last, LW
                  the last from Monday to Friday, 5L the last Friday, mon#1 the first Monday;
                  or @hourly, @daily, @weekly, @monthly, @yearly; or every and 1 second to 10 years
                  (every 15 minutes, every 1 day)
  type, payload, queue, priority, max_retries, retry_base, retry_factor, retry_cap, retry_jitter, tags,
  concurrency_key, timeout, retry_rules
                  of the jobs, as for enqueue
  time_zone       whose clocks the times are shown by; default UTC
  catch_up        which missed runs are made up for when nobody ticked: skip (none that is over the grace),
                  one (the newest) or all (the newest catch_up_limit); default one
  catch_up_limit  how many that are, 1 to 1000; default 10
  grace           how late a run may begin where catch_up is skip, 0 to 365 days; default 1 minute
  overlap         what a run does while the job of an earlier one is live: allow (it is enqueued all the
                  same), skip (it is left out) or queue (one waits until no other is live, further ones are
                  left out); default allow
  starts_at       no run before it, and intervals are counted from it; default now
Returns: the schedule, with its next run: next_at.
Raises: JQ001, JQ005, JQ014.
Example: select next_at from forge.schedule(''nightly'', ''0 3 * * *'', ''report'');';
