-- Worker processes that are alive, or were until a moment ago.

set local lock_timeout = '5s';

create sequence forge.worker_key_seq as integer cycle;

create table forge.workers (
    worker text collate "C" not null,
    queues text[] not null,
    types text[],
    host text,
    pid integer,
    version text,
    concurrency integer not null,
    liveness_key integer,
    backend_pid integer,
    missing_since timestamptz,
    started_at timestamptz not null,
    heartbeat_at timestamptz not null,
    constraint workers_pkey primary key (worker),
    constraint workers_worker check (char_length(worker) between 1 and 200),
    constraint workers_concurrency check (concurrency between 1 and 100000)
) with (fillfactor = 50);

comment on table forge.workers is 'Registered workers.';
comment on column forge.workers.liveness_key is
'The session advisory lock that the worker holds while it lives; null: it has none, its leases must do.';
comment on column forge.workers.backend_pid is 'The server process of the connection that holds the lock.';
comment on column forge.workers.missing_since is 'When a tick first found the lock free.';
