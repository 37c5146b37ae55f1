-- with-functions: true
-- What functions take and return. The functions of the release before would fail on these shapes, so both change in
-- one transaction.

set local lock_timeout = '500ms';

-- Helpers that are written anew after this, and nobody else, take these.
-- squawk-ignore ban-drop-type
drop type forge.dead_batch cascade;
-- squawk-ignore ban-drop-type
drop type forge.dead_filter cascade;
-- squawk-ignore ban-drop-type
drop type forge.job_filter cascade;

-- Which jobs, for whatever lists, counts or changes many: what is null matches all.
create type forge.job_filter as (
    queue text,
    type text,
    tag text,
    status text,
    payload_contains jsonb,
    created_after timestamptz,
    created_before timestamptz,
    scheduled_after timestamptz,
    scheduled_before timestamptz,
    priority integer,
    ids bigint[],
    died_before timestamptz,
    error_contains text,
    fingerprint text
);

-- Some of them: how far the search came, and whether there may be more.
create type forge.job_batch as (ids bigint[], after_id bigint, more boolean);

-- One stretch of a search: what matches, how many jobs it looked at, and the last of them.
create type forge.stretch as (ids bigint[], looked integer, last_id bigint, last_at timestamptz);

-- A page of ids, and where the search goes on.
create type forge.found_page as (ids bigint[], next bigint, searched_to timestamptz);

create type forge.bounded_count as (count bigint, capped boolean);

create type forge.child_row as (
    id bigint,
    queue text,
    type text,
    status text,
    on_parent_failure text,
    error text
);

-- What is added to the samples: jobs of one bucket.
create type forge.latency_count as (
    at timestamptz,
    queue text,
    what text,
    bucket smallint,
    jobs double precision,
    seconds double precision
);

create type forge.latency_bucket as (
    what text,
    bucket smallint,
    jobs double precision,
    seconds double precision
);

-- A job that was read from the history, and how many jobs it stands for.
create type forge.timed_job as (
    at timestamptz,
    queue text,
    wait double precision,
    run double precision,
    jobs double precision
);

create type forge.latency_row as (
    at timestamptz,
    queue text,
    jobs bigint,
    wait_p50 interval,
    wait_p95 interval,
    wait_p99 interval,
    run_p50 interval,
    run_p95 interval,
    run_p99 interval
);

create type forge.token_row as (
    id bigint,
    name text,
    role text,
    created_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

-- The one answer that holds the token itself.
create type forge.new_token as (
    id bigint,
    token text,
    name text,
    role text,
    created_at timestamptz,
    expires_at timestamptz
);

create type forge.known_type as (
    type text,
    queue text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    timeout interval,
    schema jsonb,
    function_name text,
    workers bigint,
    seen_at timestamptz
);

create type forge.settings_row as (
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    payload_limit integer,
    history_retention interval,
    dead_retention interval,
    log_retention interval,
    log_lines integer
);

create type forge.migration_row as (migration text, applied_at timestamptz);

alter type forge.worker_row add attribute draining_at timestamptz;

alter type forge.schedule_row add attribute last_status text;
comment on column forge.schedule_row.last_status is 'Of the job last_job_id; null where it is kept no more.';

-- Of which queue a finding is, and since when it is so.
alter type forge.finding add attribute queue text;
alter type forge.finding add attribute since timestamptz;

-- Up to where its numbers were counted: the more queues there are, the less far.
alter type forge.stats_row add attribute counted_to integer;

-- The row of all queues now holds all their sums, and bears a name that no queue can have.
update forge.throughput_samples set queue = '' where queue = '*';
comment on table forge.throughput_samples is
'What happened in each ten seconds, after an hour in each minute, by queue. The row of the queue of no name
holds what happened in all queues, and alone knows how many jobs were enqueued.';
