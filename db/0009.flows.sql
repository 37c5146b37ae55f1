-- Flows: who waits for whom. Jobs that wait for nothing have no row here.

set local lock_timeout = '5s';

create table forge.dependencies (
    child bigint not null,
    parent bigint not null,
    constraint dependencies_pkey primary key (child, parent)
);
comment on table forge.dependencies is
'Which jobs a job depends on, or did: written once, kept as long as the child is.';

-- Counts up whenever a job comes to wait: as long as it has no value, nobody has to be asked for.
create sequence forge.wait_seq as bigint cycle;

-- Apart from the above, so that what is done with leaves no row behind: whether a child still waits is
-- a probe of an index that holds nothing else, and to close an edge is to mark one row as deleted.
create table forge.open_dependencies (
    child bigint not null,
    parent bigint not null,
    constraint open_dependencies_pkey primary key (child, parent)
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
comment on table forge.open_dependencies is
'What a WAITING job still waits for. Its own id: it is a batch that is open; 0: a condition.';

-- Serves the end of a parent: who waits for it.
create index open_dependency_parent_idx on forge.open_dependencies (parent, child);

create table forge.ripe_jobs (
    id bigint not null,
    task text collate "C" not null,
    parent bigint,
    status text collate "C",
    horizon xid8
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
comment on table forge.ripe_jobs is
'What a transaction could not decide by itself, for the next tick: append-only, no index.';
comment on column forge.ripe_jobs.task is
'free: is it still waiting; look: has a parent ended unseen; cancel; close: the batch; spread: tell the
children of this job, which ended as status.';
comment on column forge.ripe_jobs.parent is 'Of look: this parent only.';
comment on column forge.ripe_jobs.horizon is
'Once no transaction older than this runs, nothing that was on its way can change the answer; 0: looked at once.';

create type forge.parent_row as (
    id bigint,
    type text,
    status text,
    result jsonb,
    error text
);
