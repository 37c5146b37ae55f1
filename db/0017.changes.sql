-- Changes of tables that make jobs. What there is of them stands in the triggers themselves: this is its shape.

set local lock_timeout = '5s';

create type forge.change_row as (
    name text,
    relation text,
    events text[],
    type text,
    each text,
    when_condition text,
    key text,
    queue text,
    priority integer,
    debounce interval,
    if_changed text[],
    without text[],
    options jsonb,
    on_error text,
    enabled boolean
);
