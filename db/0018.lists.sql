-- Lists that are searched bit by bit, bounded counts, and who waits for a job.

set local lock_timeout = '5s';

-- The tables are of the same release, and empty still.
-- Serves children: who waits for a job, or did.
-- squawk-ignore require-concurrent-index-creation
create index dependency_parent_idx on forge.dependencies (parent, child);

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
