-- How long jobs waited and ran, and warnings that say of which queue and since when.

set local lock_timeout = '5s';

-- A bucket of n holds what took up to 2^(n/2) ms and longer than the bucket before it.
create table forge.latency_samples (
    at timestamptz not null,
    queue text collate "C" not null,
    wait_buckets smallint[] not null default '{}',
    wait_jobs double precision[] not null default '{}',
    wait_seconds double precision not null default 0,
    run_buckets smallint[] not null default '{}',
    run_jobs double precision[] not null default '{}',
    run_seconds double precision not null default 0,
    constraint latency_samples_pkey primary key (at, queue)
) with (fillfactor = 50);

comment on table forge.latency_samples is
'How many completed jobs waited and ran for how long: in each ten seconds, after a quarter of an hour in each
minute, after two hours in each ten minutes, and since the installation (at -infinity); by queue, and of all
queues together (the queue of no name).';
comment on column forge.latency_samples.wait_buckets is 'Which buckets are not empty, ascending.';
comment on column forge.latency_samples.wait_jobs is
'How many jobs are in each of them; no whole numbers where only a sample of the jobs was read.';
comment on column forge.latency_samples.wait_seconds is 'The sum of all waits.';

-- Serves the reader: one queue, or all together, since a time.
create index latency_sample_queue_idx on forge.latency_samples (queue, at);

create table forge.history_looks (
    one_row boolean not null default true,
    from_at timestamptz,
    from_blocks jsonb not null default '{}',
    till_at timestamptz,
    till_blocks jsonb not null default '{}',
    constraint history_looks_pkey primary key (one_row),
    constraint history_looks_one_row check (one_row)
) with (fillfactor = 50);

comment on table forge.history_looks is
'When the tick has looked at the history for the last two times, and how many blocks each day had: one row.';

insert into forge.history_looks (one_row) values (true);

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

-- The row of all queues now holds all their sums, and bears a name that no queue can have.
update forge.throughput_samples set queue = '' where queue = '*';
comment on table forge.throughput_samples is
'What happened in each ten seconds, after an hour in each minute, by queue. The row of the queue of no name
holds what happened in all queues, and alone knows how many jobs were enqueued.';

-- Of which queue a finding is, and since when it is so.
alter type forge.finding add attribute queue text;
alter type forge.finding add attribute since timestamptz;

-- Up to where its numbers were counted: the more queues there are, the less far.
alter type forge.stats_row add attribute counted_to integer;

-- How many failed attempts were followed by another: neither dead nor cancelled.
alter table forge.queue_totals add column retried bigint not null default 0;
