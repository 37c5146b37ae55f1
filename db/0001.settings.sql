-- The schema, and what an operator sets: defaults for all, then per queue and per type.
-- A null in forge.queues or forge.types inherits: job, then type, then queue, then settings.

set local lock_timeout = '5s';

create schema if not exists forge;

comment on schema forge is 'Forge: a job queue whose whole logic is SQL. Start with \df+ forge.enqueue';

create table forge.settings (
    one_row boolean not null default true,
    retry_base interval not null default '5 seconds',
    retry_factor double precision not null default 2,
    retry_cap interval not null default '1 hour',
    retry_jitter double precision not null default 0.1,
    max_retries integer not null default 10,
    payload_limit integer not null default 1048576,
    history_retention interval not null default '7 days',
    dead_retention interval,
    constraint settings_pkey primary key (one_row),
    constraint settings_one_row check (one_row),
    constraint settings_retry_base check (retry_base >= interval '0'),
    constraint settings_retry_factor check (retry_factor between 1 and 100),
    constraint settings_retry_cap check (retry_cap >= interval '0'),
    constraint settings_retry_jitter check (retry_jitter between 0 and 1),
    constraint settings_max_retries check (max_retries between 0 and 100000),
    constraint settings_payload_limit check (payload_limit between 1024 and 104857600),
    constraint settings_history_retention check (history_retention >= interval '1 day'),
    constraint settings_dead_retention check (dead_retention >= interval '0')
);

comment on table forge.settings is 'The defaults of the whole queue: one row.';
comment on column forge.settings.payload_limit is 'Largest payload and result, in bytes of their text.';
comment on column forge.settings.history_retention is 'How long finished jobs are kept; whole days are dropped.';
comment on column forge.settings.dead_retention is 'How long dead jobs are kept; null keeps them for ever.';

insert into forge.settings (one_row) values (true);

create type forge.lane as (high integer, low integer, floor timestamptz, sticky boolean);

comment on type forge.lane is
'A range of priorities, the scheduled_at below which none of its jobs is PENDING, and whether a session
goes on for a moment from where it came to, as not even the newest dead rows can be cleaned up.';

create table forge.queues (
    queue text collate "C" not null,
    paused_at timestamptz,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    keep_history boolean not null default true,
    keep_result boolean not null default true,
    limited boolean,
    lanes forge.lane[],
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint queues_pkey primary key (queue),
    constraint queues_queue check (char_length(queue) between 1 and 200)
);

comment on table forge.queues is
'Queues that have settings or were seen by a tick. A queue needs no row to be used.';
comment on column forge.queues.paused_at is 'Since when nothing is claimed from this queue; null: it runs.';
comment on column forge.queues.keep_history is 'Whether finished jobs are kept; false deletes them.';
comment on column forge.queues.keep_result is 'Whether their results are kept with them.';
comment on column forge.queues.limited is 'Whether claims must ask its limits first.';
comment on column forge.queues.lanes is
'All priorities in ranges, highest first, while dead rows lie before the jobs; else null.';

-- Serves the question which queues have lanes.
create index queue_lanes_idx on forge.queues (queue) where lanes is not null;

create table forge.types (
    type text collate "C" not null,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    timeout interval,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint types_pkey primary key (type),
    constraint types_type check (char_length(type) between 1 and 200)
);

comment on table forge.types is 'Job types that have settings of their own.';
