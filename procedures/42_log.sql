-- What a running job tells: lines of its log, and with forge.report many jobs at once.
--
-- A line is fenced by the lease as everything else is; it is written once and never changed. Locks: with
-- a progress the row of the job, by ascending id; with lines alone none. Raises: JQ001, JQ002, JQ005.
-- Called by: workers, or a handler in its own transaction; viewers read.

create or replace function forge._log_data(data jsonb)
returns jsonb
language sql immutable
as $function$
    select case
        when octet_length($1::text) > 4096
        then jsonb_build_object(
            'forge_data_error', format('the data has %s bytes; 4096 are kept', octet_length($1::text))
        )
        when $1 <> 'null'
        then $1
    end;
$function$;
comment on function forge._log_data(jsonb) is
'The data of a line, or why it is not kept. Internal.';

create or replace function forge._write_log(
    job forge.jobs,
    lines jsonb,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_most constant integer := (select s.lines from forge.log_settings as s);
    v_from constant timestamptz := job.created_at;
    v_last integer;
begin
    -- The newest line says how many there are: one index entry a day that the job has lived.
    select l.number into v_last
    from forge.job_logs as l
    where l.job_id = job.id and l.at >= v_from
    order by l.id desc
    limit 1;
    v_last := coalesce(v_last, 0);
    if v_last > v_most then
        return false;
    end if;

    insert into forge.job_logs (job_id, at, number, attempt, level, message, data)
    select
        job.id,
        -- a worker sends lines some moments after they were said
        greatest(
            _write_log.at - make_interval(secs => least(greatest((e.line ->> 'ago')::float8, 0), 3600)),
            job.attempted_at
        ),
        v_last + e.number,
        job.attempts,
        case
            when v_last + e.number > v_most then 'warning'
            when e.line ->> 'level' in ('debug', 'info', 'warning', 'error') then e.line ->> 'level'
            else 'info'
        end,
        case
            when v_last + e.number > v_most
            then format('a job keeps %s lines; what comes after them is left out', v_most)
            else left(coalesce(e.line ->> 'message', ''), 4000)
        end,
        case when v_last + e.number <= v_most then forge._log_data(e.line -> 'data') end
    from jsonb_array_elements(_write_log.lines) with ordinality as e (line, number)
    where v_last + e.number <= v_most + 1
    order by e.number;
    return v_last < v_most;
end;
$function$;
comment on function forge._write_log(forge.jobs, jsonb, timestamptz) is
'Adds lines to the log of a running job, as many as there is room for; false where there is none. Internal.';

create or replace function forge.log(
    id bigint,
    lease uuid,
    message text,
    level text default 'info',
    data jsonb default null,
    queue text default null
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_job forge.jobs;
    v_bytes constant integer := octet_length(log.data::text);
begin
    if log.message is null then
        perform forge._invalid('message', null, 'say something');
    elsif (log.level in ('debug', 'info', 'warning', 'error')) is not true then
        perform forge._invalid('level', log.level, 'use debug, info, warning or error');
    elsif v_bytes > 4096 then
        perform forge._too_large('data', v_bytes, 4096, 'store it elsewhere and log a reference');
    end if;

    select j.* into v_job
    from forge.jobs as j
    where j.id = log.id and j.lease = log.lease and (log.queue is null or j.queue = log.queue);
    if not found then
        perform forge._refuse_lease(log.id, log.lease);
    end if;
    return forge._write_log(
        v_job,
        jsonb_build_array(
            jsonb_build_object('message', log.message, 'level', log.level, 'data', log.data)
        ),
        forge.now()
    );
end;
$function$;
comment on function forge.log(bigint, uuid, text, text, jsonb, text) is
'Adds a line to the log of a running job, for others to see.

In a transaction it is seen when that commits; a line of another connection may be seen before it.

Parameters:
  id, lease  of the claim
  message    kept up to 4,000 characters
  level      debug, info, warning or error; default info
  data       any JSON, at most 4,096 bytes; default none
  queue      of the job; default any
Returns: whether the line was kept: a job has at most 1,000 of them, see set_log.
Raises: JQ001, JQ002, JQ005.
Example: select forge.log(1, ''00000000-0000-0000-0000-000000000000'', ''page 3'',
    data => ''{"rows":200}'');';

create or replace function forge._is_report(report jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    select coalesce(
        jsonb_typeof($1) = 'object'
        and jsonb_typeof($1 -> 'id') = 'number' and $1 ->> 'id' ~ '^\d{1,18}$'
        and jsonb_typeof($1 -> 'lease') = 'string'
        and $1 ->> 'lease' ~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$'
        and case coalesce(jsonb_typeof($1 -> 'progress'), 'null')
            when 'number' then ($1 -> 'progress')::numeric between 0 and 1
            when 'null' then true
            else false
        end
        and coalesce(jsonb_typeof($1 -> 'note'), 'null') in ('string', 'null')
        and case coalesce(jsonb_typeof($1 -> 'lines'), 'null')
            when 'array' then not exists (
                select from jsonb_array_elements($1 -> 'lines') as e (line)
                where jsonb_typeof(e.line) <> 'object'
                    or coalesce(jsonb_typeof(e.line -> 'ago'), 'null') not in ('number', 'null')
            )
            when 'null' then true
            else false
        end,
        false
    );
$function$;
comment on function forge._is_report(jsonb) is
'Whether a document is what forge.report takes of one job. Internal.';

create or replace function forge.report(
    reports jsonb
)
returns setof forge.beat
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_bad jsonb;
    v_report record;
    v_job forge.jobs;
begin
    if (
        case when jsonb_typeof(report.reports) = 'array' then jsonb_array_length(report.reports) <= 1000 end
    ) is not true then
        perform forge._invalid('reports', left(report.reports::text, 200), 'pass an array of at most 1000');
    end if;
    select e.report into v_bad
    from jsonb_array_elements(report.reports) as e (report)
    where not forge._is_report(e.report)
    limit 1;
    if found then
        perform forge._invalid(
            'reports', v_bad::text, 'each is an object with id and lease, and progress, note or lines'
        );
    end if;

    for v_report in
        select r.id, r.lease, r.progress, r.note, r.lines
        from jsonb_to_recordset(report.reports) as r (
            id bigint, lease uuid, progress double precision, note text, lines jsonb
        )
        order by r.id
    loop
        if v_report.progress is not null then
            update forge.jobs as j
            set progress = v_report.progress,
                progress_note = left(v_report.note, 500)
            where j.id = v_report.id and j.lease = v_report.lease
            returning j.* into v_job;
        else
            select j.* into v_job
            from forge.jobs as j
            where j.id = v_report.id and j.lease = v_report.lease;
        end if;
        if not found then
            return next (v_report.id, 'lease_lost')::forge.beat;
            continue;
        end if;
        if v_job.cancel_requested_at is not null then
            return next (v_job.id, 'cancel_requested')::forge.beat;
        end if;
        if jsonb_typeof(v_report.lines) = 'array' then
            perform forge._write_log(v_job, v_report.lines, v_now);
        end if;
    end loop;
end;
$function$;
comment on function forge.report(jsonb) is
'Records progress and log lines of many running jobs in one call: what a worker gathers for a moment.

Parameters:
  reports  an array of at most 1000 objects: id and lease of the claim; progress (0 to 1) and its note;
           lines, an array of objects with message, level, data and ago (seconds since it was said; at most
           3600). What is too long is cut, and an unknown level is info: a job does not fail of its log
Returns: the jobs that need attention, as heartbeat: lease_lost (nothing of it was kept) or cancel_requested.
Raises: JQ001.
Example: select * from forge.report(
    ''[{"id":1,"lease":"00000000-0000-0000-0000-000000000000","lines":[{"message":"page 3"}]}]'');';

create or replace function forge.job_log(
    id bigint,
    after bigint default 0,
    max_rows integer default 100
)
returns setof forge.log_line
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    -- No line is older than its job, so days before it are not looked into.
    v_from constant timestamptz := coalesce(
        (select a.created_at from forge.all_jobs as a where a.id = job_log.id), timestamptz '-infinity'
    );
begin
    if job_log.after is null then
        perform forge._invalid('after', null, 'use 0 for the first lines');
    elsif (job_log.max_rows between 1 and 1000) is not true then
        perform forge._invalid('max_rows', job_log.max_rows::text, 'use 1 to 1000');
    end if;
    return query
    select l.id, l.at, l.attempt, l.level, l.message, l.data
    from forge.job_logs as l
    where l.job_id = job_log.id and l.id > job_log.after and l.at >= v_from
    order by l.id
    limit job_log.max_rows;
end;
$function$;
comment on function forge.job_log(bigint, bigint, integer) is
'The log of a job, oldest line first: while it runs, and as long as lines are kept after that.

Parameters:
  id        of the job
  after     only lines after this one: the id of the last that the caller has; default 0
  max_rows  1 to 1000; default 100
Returns: id (of the line), at, attempt, level, message, data; none for a job that said nothing.
Raises: JQ001.
Example: select at, level, message from forge.job_log(1);';

create or replace function forge.set_log(
    retention interval default null,
    lines integer default null
)
returns forge.log_limits
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_row forge.log_limits;
begin
    if (set_log.retention between interval '1 day' and interval '3650 days') is false then
        perform forge._invalid('retention', set_log.retention::text, 'use 1 to 3650 days');
    elsif (set_log.lines between 0 and 100000) is false then
        perform forge._invalid('lines', set_log.lines::text, 'use 0 to 100000');
    end if;
    update forge.log_settings as s
    set retention = coalesce(set_log.retention, s.retention),
        lines = coalesce(set_log.lines, s.lines)
    where s.one_row
    returning s.retention, s.lines into v_row;
    return v_row;
end;
$function$;
comment on function forge.set_log(interval, integer) is
'Changes how much of the logs of jobs is kept.

Parameters:
  retention  how long, 1 to 3650 days; whole days (UTC) are dropped; null leaves it (7 days at first)
  lines      of one job, 0 to 100000; null leaves it (1000 at first)
Returns: retention, lines.
Raises: JQ001.
Example: select * from forge.set_log(lines => 5000);';
