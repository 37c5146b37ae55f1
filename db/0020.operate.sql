-- What operators have more: tokens of the HTTP API, and workers that drain.

set local lock_timeout = '500ms';

-- Only their SHA-256 is kept: who reads this table, or a backup, gets in nowhere.
create sequence forge.token_id_seq as bigint;

create table forge.tokens (
    id bigint not null default nextval('forge.token_id_seq'),
    hash bytea not null,
    role text collate "C" not null,
    name text not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint tokens_pkey primary key (id),
    constraint tokens_hash unique (hash),
    constraint tokens_hash_length check (octet_length(hash) = 32),
    constraint tokens_role check (role in ('viewer', 'producer', 'worker', 'operator')),
    constraint tokens_name check (char_length(name) between 1 and 200)
);

alter sequence forge.token_id_seq owned by forge.tokens.id;

comment on table forge.tokens is
'Who may call the HTTP API. Revoked and expired ones stay for a while: that there was a token keeps it closed.';
comment on column forge.tokens.hash is 'SHA-256 of the token; the token itself is nowhere.';
comment on column forge.tokens.last_used_at is 'When it was last asked about, to about a minute.';

alter table forge.workers add column draining_at timestamptz;
comment on column forge.workers.draining_at is 'Since when it claims nothing more; null: it claims.';

-- Serves each claim's question whether its worker drains: no entry as a rule, and none to look at. The table has
-- a row a worker, so that the index is built at once.
-- squawk-ignore require-concurrent-index-creation
create index worker_draining_idx on forge.workers (worker) where draining_at is not null;
