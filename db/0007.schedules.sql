-- Schedules: what is enqueued again and again, and when the next time is.

set local lock_timeout = '5s';

-- A cron expression, read; minutes is null where it is a plain interval.
create type forge.cron_fields as (
    minutes integer[],
    hours integer[],
    days integer[],
    months integer[],
    weekdays integer[],
    both_days boolean,
    wall boolean,
    every interval
);

create table forge.schedules (
    name text collate "C" not null,
    cron text not null,
    time_zone text not null,
    starts_at timestamptz not null,
    type text collate "C" not null,
    payload jsonb not null,
    queue text collate "C" not null,
    priority integer not null,
    max_retries integer,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    tags text[],
    concurrency_key text,
    timeout interval,
    retry_rules jsonb,
    catch_up text not null,
    catch_up_limit integer not null,
    grace interval not null,
    overlap text not null,
    paused_at timestamptz,
    next_at timestamptz,
    due_at timestamptz,
    queued_at timestamptz,
    last_at timestamptz,
    last_job_id bigint,
    live_jobs bigint[] not null default '{}',
    skipped_at timestamptz,
    skipped_because text,
    failures integer not null default 0,
    last_error text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint schedules_pkey primary key (name),
    constraint schedules_catch_up check (catch_up in ('skip', 'one', 'all')),
    constraint schedules_catch_up_limit check (catch_up_limit between 1 and 1000),
    constraint schedules_grace check (grace >= interval '0'),
    constraint schedules_overlap check (overlap in ('allow', 'skip', 'queue')),
    constraint schedules_paused check (paused_at is null or due_at is null)
);

comment on table forge.schedules is 'What is enqueued again and again. Read them through forge.list_schedules().';
comment on column forge.schedules.starts_at is 'Where intervals are counted from; nothing runs before it.';
comment on column forge.schedules.next_at is 'The nominal time of the next run; null while paused.';
comment on column forge.schedules.due_at is
'When the tick looks at it next: at next_at; again soon while a run is queued; later after an error.';
comment on column forge.schedules.queued_at is
'The nominal time of the one run that waits until the run before it has ended.';
comment on column forge.schedules.live_jobs is 'Its newest jobs, 100 at most, that were live at its last run.';

-- Serves the tick.
create index schedule_due_idx on forge.schedules (due_at);

create type forge.schedule_row as (
    name text,
    cron text,
    time_zone text,
    starts_at timestamptz,
    type text,
    payload jsonb,
    queue text,
    priority integer,
    max_retries integer,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    tags text[],
    concurrency_key text,
    timeout interval,
    retry_rules jsonb,
    catch_up text,
    catch_up_limit integer,
    grace interval,
    overlap text,
    paused_at timestamptz,
    next_at timestamptz,
    queued_at timestamptz,
    last_at timestamptz,
    last_job_id bigint,
    skipped_at timestamptz,
    skipped_because text,
    failures integer,
    last_error text,
    created_at timestamptz,
    updated_at timestamptz
);

comment on column forge.schedule_row.last_at is 'The nominal time of the newest run; of one by hand, when that was.';
comment on column forge.schedule_row.skipped_at is 'The nominal time of the last run that was left out.';
comment on column forge.schedule_row.skipped_because is 'overlap: the run before it was live; late: past the grace.';
comment on column forge.schedule_row.failures is 'How often in a row it could not be enqueued; why: last_error.';
