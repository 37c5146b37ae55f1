-- How long jobs waited and ran, and how often they were tried again.

set local lock_timeout = '500ms';

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

-- How many failed attempts were followed by another: neither dead nor cancelled.
alter table forge.queue_totals add column retried bigint not null default 0;

-- Serves the reader: one queue, or all together, since a time. Only the tick writes this table, and it waits for
-- nothing: one that finds it locked is repeated a second later.
-- squawk-ignore require-concurrent-index-creation
create index throughput_sample_queue_idx on forge.throughput_samples (queue, at);
