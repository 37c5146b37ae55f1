-- Numbers without counting: each finishing call leaves one tally, the tick adds them up.

set local lock_timeout = '5s';

create table forge.tallies (
    at timestamptz not null,
    queue text collate "C" not null,
    completed integer not null default 0,
    failed integer not null default 0,
    dead integer not null default 0,
    cancelled integer not null default 0
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table forge.tallies is 'What happened since the last tick: one row a call, no index.';

create table forge.queue_totals (
    queue text collate "C" not null,
    completed bigint not null default 0,
    failed bigint not null default 0,
    dead bigint not null default 0,
    cancelled bigint not null default 0,
    constraint queue_totals_pkey primary key (queue)
) with (fillfactor = 50);

comment on table forge.queue_totals is 'What happened since the installation, by queue.';

create table forge.throughput_samples (
    at timestamptz not null,
    queue text collate "C" not null,
    enqueued bigint,
    completed bigint not null default 0,
    failed bigint not null default 0,
    dead bigint not null default 0,
    cancelled bigint not null default 0,
    constraint throughput_samples_pkey primary key (at, queue)
) with (fillfactor = 50);

comment on table forge.throughput_samples is
'What happened in each ten seconds, by queue. The row of queue ''*'' holds the jobs enqueued in all queues.';

create table forge.tick_tasks (
    task text not null,
    done_at timestamptz not null,
    mark bigint,
    constraint tick_tasks_pkey primary key (task)
) with (fillfactor = 50);

comment on table forge.tick_tasks is 'When each task of the tick was last done.';
comment on column forge.tick_tasks.mark is
'How far the task had come: the newest job id, the next transaction id, microseconds it took.';
