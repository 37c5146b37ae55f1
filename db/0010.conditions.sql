-- Conditions: jobs that become due when an SQL expression holds.

set local lock_timeout = '5s';

-- Checked where the argument is written, not inside the function, which runs as the owner: so nobody can
-- ask in the name of another, not even in a function of his own that others call. No column is of this type,
-- so no row stands in the way of changing it.
create domain forge.asker as text
-- squawk-ignore ban-create-domain-with-constraint
constraint asker_is_the_caller check (value = current_user);
comment on domain forge.asker is 'The role that calls; no other value is accepted.';

create table forge.conditions (
    id bigint not null,
    condition text not null,
    asker text not null,
    search_path text not null,
    every interval not null,
    due_at timestamptz not null,
    deadline timestamptz,
    on_deadline text not null,
    looks bigint not null default 0,
    looked_at timestamptz,
    took interval,
    error text,
    constraint conditions_pkey primary key (id),
    constraint conditions_every check (every >= interval '1 second'),
    constraint conditions_on_deadline check (on_deadline in ('run', 'cancel', 'dead'))
) with (fillfactor = 50);
comment on table forge.conditions is 'What a WAITING job waits for: an SQL condition, and who asked for it.';
comment on column forge.conditions.asker is 'The condition is looked at with the rights of this role.';
comment on column forge.conditions.due_at is 'When the tick looks next.';
comment on column forge.conditions.error is 'Why the last look failed; null: it did not.';

-- Serves the tick: what is to be looked at.
create index condition_due_idx on forge.conditions (due_at);

create type forge.condition_row as (
    id bigint,
    condition text,
    asker text,
    every interval,
    due_at timestamptz,
    deadline timestamptz,
    on_deadline text,
    looks bigint,
    looked_at timestamptz,
    took interval,
    error text
);
