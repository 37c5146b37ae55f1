-- The least that a queue in a table can be: what Forge's functions are held against.
create table bare (
    id bigserial primary key,
    queue text not null,
    payload jsonb not null,
    taken boolean not null default false
);
create index bare_ready_idx on bare (queue, id) where not taken;
