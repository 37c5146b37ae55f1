-- The dead-letter queue by error, and revivals of many jobs bit by bit.

set local lock_timeout = '5s';

-- At the end of both, as rows move between them as they are.
alter table forge.history add column fingerprint text collate "C";
alter table forge.dead_jobs add column fingerprint text collate "C";

comment on column forge.dead_jobs.fingerprint is 'Of its last error, as forge.fingerprint says.';

-- The tables are of the same release, and empty still.
-- Serves the list and the revival of the jobs that died of one error.
-- squawk-ignore require-concurrent-index-creation
create index dead_job_fingerprint_idx on forge.dead_jobs (fingerprint, id);

-- Serves the sample of a group. The type first, so that no plan takes it for the index of a queue's jobs.
-- squawk-ignore require-concurrent-index-creation
create index dead_job_group_idx on forge.dead_jobs (type, queue, fingerprint, id);

create table forge.dead_tallies (
    at timestamptz not null,
    queue text collate "C" not null,
    type text collate "C" not null,
    fingerprint text collate "C" not null,
    jobs integer not null
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000
);

comment on table forge.dead_tallies is
'What died and what left the dead-letter queue since the last tick: appended, so that nobody waits.';

create table forge.error_groups (
    queue text collate "C" not null,
    type text collate "C" not null,
    fingerprint text collate "C" not null,
    jobs bigint not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    constraint error_groups_pkey primary key (queue, type, fingerprint)
) with (fillfactor = 50);

comment on table forge.error_groups is 'Dead jobs by error, as the ticks have added them up.';

-- Serves the list of groups, the latest first.
create index error_group_seen_idx on forge.error_groups (last_seen_at);

create sequence forge.revival_id_seq as bigint;

create table forge.revivals (
    id bigint not null default nextval('forge.revival_id_seq'),
    filter jsonb not null,
    status text collate "C" not null,
    reason text,
    rate double precision,
    max_jobs integer not null,
    canary integer,
    canary_ids bigint[],
    canary_until timestamptz,
    after_id bigint not null default 0,
    credit double precision not null default 0,
    revived bigint not null default 0,
    kept bigint not null default 0,
    created_by text not null,
    created_at timestamptz not null,
    worked_at timestamptz not null,
    finished_at timestamptz,
    constraint revivals_pkey primary key (id),
    constraint revivals_status check (status in ('CANARY', 'RUNNING', 'DONE', 'STOPPED', 'CANCELLED')),
    constraint revivals_finished check ((finished_at is null) = (status in ('CANARY', 'RUNNING')))
) with (fillfactor = 50);

comment on table forge.revivals is 'Revivals of many dead jobs, worked off by the tick.';
comment on column forge.revivals.after_id is 'How far it has come: the jobs up to here were looked at.';
comment on column forge.revivals.credit is 'How many jobs the rate allows at once, as of worked_at.';
comment on column forge.revivals.kept is 'Jobs that stayed dead because their unique_key was taken.';

-- Serves the tick.
create index revival_active_idx on forge.revivals (id) where finished_at is null;

create type forge.error_print as (fingerprint text, title text);

create type forge.dead_group as (
    fingerprint text,
    title text,
    queue text,
    type text,
    jobs bigint,
    first_seen_at timestamptz,
    last_seen_at timestamptz,
    sample_id bigint,
    sample_error text
);

-- Which dead jobs: what is null matches all.
create type forge.dead_filter as (
    queue text,
    type text,
    error_contains text,
    died_before timestamptz,
    fingerprint text,
    ids bigint[],
    tag text,
    payload jsonb
);

-- Some of them, locked: how far the search came, and whether there may be more.
create type forge.dead_batch as (ids bigint[], after_id bigint, more boolean);

create type forge.revived as (
    id bigint,
    queue text,
    type text,
    from_status text,
    to_status text,
    revival bigint
);

create type forge.revival_row as (
    id bigint,
    status text,
    reason text,
    filter jsonb,
    rate double precision,
    max_jobs integer,
    canary integer,
    canary_ids bigint[],
    canary_until timestamptz,
    revived bigint,
    kept bigint,
    created_by text,
    created_at timestamptz,
    worked_at timestamptz,
    finished_at timestamptz
);
