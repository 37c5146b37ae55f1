-- Where a job lives: forge.jobs while it is live, then forge.history or forge.dead_jobs.

set local lock_timeout = '5s';

-- Not an identity column: a sequence can be shared out over servers.
create sequence forge.job_id_seq as bigint;

-- What few jobs say of themselves stands in one column, null in most jobs: a column more makes every claim
-- and every end of a job half a percent dearer, whatever is in it.
create type forge.job_extra as (
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    timeout interval,
    unique_for interval,
    on_parent_failure text,
    retry_rules jsonb,
    schedule text,
    nominal_at timestamptz,
    origin jsonb
);
comment on column forge.job_extra.timeout is 'How long one attempt may take; null: what the type says.';
comment on column forge.job_extra.unique_for is 'How long its unique_key stays taken after its completion.';
comment on column forge.job_extra.on_parent_failure is 'What a failed parent does to it: wait, run or cancel.';
comment on column forge.job_extra.retry_rules is
'Its own rules by class of error; they go before those of its type and queue.';
comment on column forge.job_extra.schedule is 'The schedule that made it; nominal_at is the time it stands for.';
comment on column forge.job_extra.origin is 'Where it came from when it was revived.';

-- No check constraints here and on the history: PostgreSQL parses their expressions anew in every
-- statement, which made enqueue a sixth dearer. Only functions write these tables, and the tests hold
-- every row of them to the invariants. Names are compared by their bytes (collate "C").
create table forge.jobs (
    id bigint not null default nextval('forge.job_id_seq'),
    scheduled_at timestamptz not null,
    created_at timestamptz not null,
    attempted_at timestamptz,
    lease_expires_at timestamptz,
    cancel_requested_at timestamptz,
    revived_at timestamptz,
    lease uuid,
    priority integer not null,
    attempts integer not null default 0,
    max_retries integer,
    revivals integer not null default 0,
    progress double precision,
    status text collate "C" not null,
    queue text collate "C" not null,
    type text collate "C" not null,
    worker text collate "C",
    unique_key text collate "C",
    progress_note text,
    tags text[],
    payload jsonb not null,
    errors jsonb,
    unique_scope text collate "C",
    concurrency_key text collate "C",
    extra forge.job_extra,
    aside boolean,
    constraint jobs_pkey primary key (id)
) with (
    -- The hot table: vacuumed by the number of dead rows, never by its share, and at full speed.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table forge.jobs is 'Live jobs: WAITING, PENDING and PROCESSING. Read them through forge.all_jobs.';
comment on column forge.jobs.scheduled_at is 'Not before this time; on a retry, when the backoff ends.';
comment on column forge.jobs.max_retries is 'Re-runs after the first attempt; null: by policy of type, queue, settings.';
comment on column forge.jobs.attempts is 'Claims that counted; given back by release and snooze.';
comment on column forge.jobs.lease is 'The fence: only who holds it may finish the job.';
comment on column forge.jobs.errors is 'Every failed attempt, oldest first: attempt, worker, times, error.';
comment on column forge.jobs.unique_scope is
'Where its unique_key counts: the name of its queue, or the empty text for all; null where it has no key.';
comment on column forge.jobs.concurrency_key is 'Whose limits it counts against, such as a tenant''s.';
comment on column forge.jobs.extra is 'What few jobs say of themselves; null: nothing.';
comment on column forge.jobs.aside is
'True for what is looked for apart from the rest: WAITING jobs, those with a concurrency_key, and those that
run in a queue that has limits. Else null.';

-- Serves the claim and the question which queues have work. Jobs with a concurrency_key have their own.
create index job_ready_idx on forge.jobs (queue, priority desc, scheduled_at, id)
where status = 'PENDING' and concurrency_key is null;

-- Serves the search for lost leases.
create index job_processing_idx on forge.jobs (lease_expires_at)
where status = 'PROCESSING';

-- Serves all that few jobs are: the count of waiting jobs; what is next of a concurrency_key, and how many of
-- it run; how many run in a queue that has a limit. One index, as each that an insert has to ask whether it
-- wants the row costs every enqueue 2 %.
create index job_aside_idx on forge.jobs (queue, status, concurrency_key, priority desc, scheduled_at, id)
where aside;

-- Serves unique_key: one live job a key, in a queue or in all.
create unique index job_unique_idx on forge.jobs (unique_scope, unique_key)
where unique_key is not null;

create table forge.history (
    id bigint not null,
    scheduled_at timestamptz not null,
    created_at timestamptz not null,
    attempted_at timestamptz,
    finished_at timestamptz not null,
    cancel_requested_at timestamptz,
    revived_at timestamptz,
    lease uuid,
    priority integer not null,
    attempts integer not null,
    max_retries integer,
    revivals integer not null,
    status text collate "C" not null,
    queue text collate "C" not null,
    type text collate "C" not null,
    worker text collate "C",
    unique_key text collate "C",
    tags text[],
    payload jsonb not null,
    result jsonb,
    errors jsonb,
    unique_scope text collate "C",
    concurrency_key text collate "C",
    extra forge.job_extra
) partition by range (finished_at);

comment on table forge.history is
'Finished jobs by day (UTC): COMPLETED, CANCELLED, and DEAD ones that were discarded. Retention drops days.';
comment on column forge.history.lease is 'The lease it was finished under, so that a repeated complete is recognised.';

create index history_id_idx on forge.history (id);

-- Takes what no day's partition takes, so that finishing a job never fails for want of one.
create table forge.history_default partition of forge.history default;

-- The columns of the history, so that rows move between the two as they are.
create table forge.dead_jobs (
    id bigint not null,
    scheduled_at timestamptz not null,
    created_at timestamptz not null,
    attempted_at timestamptz,
    finished_at timestamptz not null,
    cancel_requested_at timestamptz,
    revived_at timestamptz,
    lease uuid,
    priority integer not null,
    attempts integer not null,
    max_retries integer,
    revivals integer not null,
    status text collate "C" not null,
    queue text collate "C" not null,
    type text collate "C" not null,
    worker text collate "C",
    unique_key text collate "C",
    tags text[],
    payload jsonb not null,
    result jsonb,
    errors jsonb,
    unique_scope text collate "C",
    concurrency_key text collate "C",
    extra forge.job_extra,
    constraint dead_jobs_pkey primary key (id)
);
comment on table forge.dead_jobs is 'The dead-letter queue: jobs whose retries are used up or whose error is permanent.';

-- Serves the count and the list of one queue's dead jobs.
create index dead_job_queue_idx on forge.dead_jobs (queue, id);

-- Serves the retention of dead jobs.
create index dead_job_finished_idx on forge.dead_jobs (finished_at);
