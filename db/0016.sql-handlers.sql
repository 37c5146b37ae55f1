-- Jobs whose handler is an SQL function: which function runs which type.

set local lock_timeout = '5s';

create table forge.sql_handlers (
    type text collate "C" not null,
    function_schema name not null,
    function_name name not null,
    wrapper name not null,
    queue text collate "C",
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint sql_handlers_pkey primary key (type),
    constraint sql_handlers_type check (char_length(type) between 1 and 200)
);

comment on table forge.sql_handlers is 'Types whose jobs an SQL function runs.';
comment on column forge.sql_handlers.function_name is
'The function as it was registered; always (payload jsonb) returns jsonb.';
comment on column forge.sql_handlers.wrapper is
'The function in schema forge_handlers that calls it, with the rights of its own owner.';
comment on column forge.sql_handlers.queue is 'The only queue whose jobs it runs; null: any.';

create type forge.sql_handler_row as (
    type text,
    function text,
    run_as text,
    timeout interval,
    queue text,
    problem text,
    created_at timestamptz,
    updated_at timestamptz
);

create type forge.run_row as (
    id bigint,
    type text,
    status text,
    result jsonb,
    error_type text,
    error text,
    scheduled_at timestamptz,
    attempts integer
);
