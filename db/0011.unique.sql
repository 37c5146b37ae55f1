-- Keys that stay taken for a while after the job that held them was completed.

set local lock_timeout = '5s';

-- Rows are only added, looked for and, once they are over, deleted: no one waits for another here.
create table forge.spent_keys (
    unique_scope text collate "C" not null,
    unique_key text collate "C" not null,
    until timestamptz not null,
    id bigint not null
);

comment on table forge.spent_keys is 'Unique keys that stay taken after the completion of their job, by unique_for.';
comment on column forge.spent_keys.unique_scope is 'Where the key counts: a queue; empty: all of them.';

-- Serves the look of an enqueue with a key.
create index spent_key_idx on forge.spent_keys (unique_scope, unique_key, until);

-- Serves the tick that removes what is over.
create index spent_key_until_idx on forge.spent_keys (until);
