-- The clock: the one place that reads the time.
--
-- clock_timestamp(), as now() stands still from the start of a transaction, and a lease would then
-- run from the start of the caller's. Tests replace this one function; production has no time machine.

create or replace function forge.now()
returns timestamptz
language sql volatile
as $function$
    select pg_catalog.clock_timestamp();
$function$;
comment on function forge.now() is
'The time that Forge goes by: clock_timestamp().

Returns: timestamptz.
Example: select forge.now();';
