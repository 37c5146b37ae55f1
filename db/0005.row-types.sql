-- The shapes that functions return. A shape grows at its end, by a later migration.

set local lock_timeout = '5s';

-- What an enqueue may be told: an attribute a parameter. The last two are the schedules' own.
create type forge.new_job as (
    type text,
    payload jsonb,
    queue text,
    priority integer,
    scheduled_at timestamptz,
    max_retries integer,
    unique_key text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    tags text[],
    unique_by text[],
    unique_scope text,
    unique_for interval,
    on_conflict text,
    debounce interval,
    debounce_max interval,
    concurrency_key text,
    depends_on bigint[],
    on_parent_failure text,
    batch bigint,
    timeout interval,
    retry_rules jsonb,
    schedule text,
    nominal_at timestamptz
);

create type forge.claimed_job as (
    id bigint,
    queue text,
    type text,
    payload jsonb,
    priority integer,
    attempts integer,
    max_retries integer,
    scheduled_at timestamptz,
    created_at timestamptz,
    attempted_at timestamptz,
    lease uuid,
    lease_expires_at timestamptz,
    timeout interval,
    tags text[],
    concurrency_key text,
    schedule text,
    nominal_at timestamptz
);

create type forge.enqueued as (id bigint, created boolean);

create type forge.failed as (
    id bigint,
    status text,
    scheduled_at timestamptz,
    attempts integer,
    max_retries integer
);

create type forge.beat as (id bigint, reason text);

create type forge.change as (
    id bigint,
    queue text,
    type text,
    from_status text,
    to_status text
);

create type forge.tick_result as (task text, count bigint);

create type forge.queue_row as (
    queue text,
    paused_at timestamptz,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    keep_history boolean,
    keep_result boolean,
    created_at timestamptz,
    updated_at timestamptz
);

create type forge.type_row as (
    type text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    timeout interval,
    created_at timestamptz,
    updated_at timestamptz
);

create type forge.reason as (
    code text,
    sentence text,
    detail jsonb
);

create type forge.retention_row as (history interval, dead interval);

create type forge.retry_policy as (
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer
);

create type forge.stats_row as (
    queue text,
    paused boolean,
    waiting bigint,
    scheduled bigint,
    ready bigint,
    processing bigint,
    dead bigint,
    completed bigint,
    cancelled bigint,
    failed bigint,
    oldest_ready_at timestamptz,
    capped boolean
);

create type forge.worker_row as (
    worker text,
    queues text[],
    types text[],
    host text,
    pid integer,
    version text,
    concurrency integer,
    alive boolean,
    started_at timestamptz,
    heartbeat_at timestamptz,
    processing bigint
);

create type forge.throughput_row as (
    at timestamptz,
    queue text,
    enqueued bigint,
    completed bigint,
    failed bigint,
    dead bigint,
    cancelled bigint
);

create type forge.overview_row as (topic text, item jsonb);

create type forge.error_code as (code text, name text, meaning text);

create type forge.transition as (
    from_status text,
    to_status text,
    by text,
    meaning text
);
