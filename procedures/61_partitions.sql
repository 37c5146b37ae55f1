-- The days of the history and of the logs: made ahead of time, dropped when their time is over.
--
-- Days are those of UTC. Locks: the table, asked for with a short timeout: a reader that sits on it
-- makes the tick come back later, and never makes the finishing of jobs wait. Called by: tick.

create or replace function forge._partition(
    parent text,
    day date
)
returns text
language sql immutable parallel safe
as $function$
    select $1 || '_' || pg_catalog.to_char($2, 'YYYYMMDD');
$function$;
comment on function forge._partition(text, date) is
'The name of the partition that holds one day of a table. Internal.';

create or replace function forge._has_loose_rows(
    parent text,
    clock text,
    day date
)
returns boolean
language plpgsql stable
as $function$
declare
    v_found boolean;
begin
    execute format(
        'select exists (select from forge.%I where %I >= $1 and %I < $2)', parent || '_default', clock, clock
    )
    into v_found
    using day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC';
    return v_found;
end;
$function$;
comment on function forge._has_loose_rows(text, text, date) is
'Whether the default partition of a table holds rows of a day. Internal.';

create or replace function forge._make_partitions(
    parent text,
    clock text,
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_today constant date := (_make_partitions.at at time zone 'UTC')::date;
    v_day date;
    v_count bigint := 0;
begin
    for v_day in select v_today + d.days from generate_series(0, 3) as d (days) loop
        continue when to_regclass('forge.' || forge._partition(parent, v_day)) is not null;
        -- Rows that fell into the default partition keep their day there.
        continue when forge._has_loose_rows(parent, clock, v_day);
        -- Bounds in ISO 8601, as in other styles the names of zones are ambiguous: IST is India's and
        -- Israel's.
        execute format(
            'create table forge.%I partition of forge.%I for values from (%L) to (%L)',
            forge._partition(parent, v_day),
            parent,
            to_char(v_day, 'YYYY-MM-DD"T00:00:00Z"'),
            to_char(v_day + 1, 'YYYY-MM-DD"T00:00:00Z"')
        );
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$function$;
comment on function forge._make_partitions(text, text, timestamptz) is
'Makes the partitions of today and the next three days; returns how many were missing. Internal.';

create or replace function forge._drop_partitions(
    parent text,
    clock text,
    before timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_oldest constant date := (_drop_partitions.before at time zone 'UTC')::date;
    v_name text;
    v_count bigint := 0;
begin
    for v_name in
        select c.relname
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = ('forge.' || parent)::regclass
            and c.relname ~ ('^' || parent || '_\d{8}$')
            and c.relname < forge._partition(parent, v_oldest)
        order by c.relname
    loop
        execute format('drop table forge.%I', v_name);
        v_count := v_count + 1;
    end loop;
    execute format('delete from forge.%I where %I < $1', parent || '_default', clock)
    using v_oldest::timestamp at time zone 'UTC';
    return v_count;
end;
$function$;
comment on function forge._drop_partitions(text, text, timestamptz) is
'Drops the days of a table that are over before a time; returns how many. Internal.';

create or replace function forge._keep_partitions(
    parent text,
    clock text,
    at timestamptz,
    retention interval
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_timeout constant text := current_setting('lock_timeout');
    v_kind constant text := case when parent = 'history' then '' else parent || '_' end;
    v_made bigint := 0;
    v_dropped bigint := 0;
begin
    begin
        perform set_config('lock_timeout', '50ms', true);
        v_made := forge._make_partitions(parent, clock, at);
        v_dropped := forge._drop_partitions(parent, clock, at - retention);
        perform set_config('lock_timeout', v_timeout, true);
    exception
        -- taken back whole, the timeout too; a tick in a minute tries again
        when lock_not_available then
            return query values (v_kind || 'partitions_postponed', 1::bigint);
            return;
    end;
    return query values (v_kind || 'partitions_made', v_made), (v_kind || 'partitions_dropped', v_dropped);
end;
$function$;
comment on function forge._keep_partitions(text, text, timestamptz, interval) is
'Makes and drops partitions, unless somebody is in the way for more than 50 ms. Internal.';
