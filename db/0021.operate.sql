-- What an operator reads of types, and of what holds for all of them.

set local lock_timeout = '5s';

create type forge.known_type as (
    type text,
    queue text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    timeout interval,
    schema jsonb,
    function_name text,
    workers bigint,
    seen_at timestamptz
);

create type forge.settings_row as (
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer,
    payload_limit integer,
    history_retention interval,
    dead_retention interval,
    log_retention interval,
    log_lines integer
);
