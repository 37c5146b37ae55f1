-- Time is set, never slept: replaces forge.now() in a test database by one that reads a table.
-- Frozen at a moment, or running with a shift; in the table as it shipped, the real time.

create schema forge_test;
grant usage on schema forge_test to public;

create table forge_test.clock (
    frozen_at timestamptz,
    shift interval not null default '0'
);
grant select on forge_test.clock to public;
insert into forge_test.clock default values;

create or replace function forge.now()
returns timestamptz
language sql volatile
as $function$
    select coalesce(c.frozen_at, pg_catalog.clock_timestamp() + c.shift) from forge_test.clock as c;
$function$;
