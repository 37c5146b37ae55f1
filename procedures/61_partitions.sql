-- The days of the history: made ahead of time, dropped when their time is over.
--
-- Days are those of UTC. Locks: forge.history, asked for with a short timeout: a reader that sits on it
-- makes the tick come back later, and never makes the finishing of jobs wait. Called by: tick.

create or replace function forge._history_partition(day date)
returns text
language sql immutable parallel safe
as $function$
    select 'history_' || pg_catalog.to_char($1, 'YYYYMMDD');
$function$;
comment on function forge._history_partition(date) is
'The name of the partition that holds one day. Internal.';

create or replace function forge._make_partitions(
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
        continue when to_regclass('forge.' || forge._history_partition(v_day)) is not null;
        -- Rows that fell into the default partition keep their day there.
        continue when exists (
            select from forge.history_default as h
            where h.finished_at >= v_day::timestamp at time zone 'UTC'
                and h.finished_at < (v_day + 1)::timestamp at time zone 'UTC'
        );
        -- Bounds in ISO 8601, as in other styles the names of zones are ambiguous: IST is India's and
        -- Israel's.
        execute format(
            'create table forge.%I partition of forge.history for values from (%L) to (%L)',
            forge._history_partition(v_day),
            to_char(v_day, 'YYYY-MM-DD"T00:00:00Z"'),
            to_char(v_day + 1, 'YYYY-MM-DD"T00:00:00Z"')
        );
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$function$;
comment on function forge._make_partitions(timestamptz) is
'Makes the partitions of today and the next three days; returns how many were missing. Internal.';

create or replace function forge._drop_partitions(
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_oldest constant date := (
        select (_drop_partitions.at - s.history_retention) at time zone 'UTC' from forge.settings as s
    )::date;
    v_name text;
    v_count bigint := 0;
begin
    for v_name in
        select c.relname
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'forge.history'::regclass
            and c.relname ~ '^history_\d{8}$'
            and c.relname < forge._history_partition(v_oldest)
        order by c.relname
    loop
        execute format('drop table forge.%I', v_name);
        v_count := v_count + 1;
    end loop;
    delete from forge.history_default as h
    where h.finished_at < v_oldest::timestamp at time zone 'UTC';
    return v_count;
end;
$function$;
comment on function forge._drop_partitions(timestamptz) is
'Drops the days that are older than the retention of the history; returns how many. Internal.';

create or replace function forge._keep_partitions(
    at timestamptz
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_timeout constant text := current_setting('lock_timeout');
    v_made bigint := 0;
    v_dropped bigint := 0;
begin
    begin
        perform set_config('lock_timeout', '50ms', true);
        v_made := forge._make_partitions(_keep_partitions.at);
        v_dropped := forge._drop_partitions(_keep_partitions.at);
        perform set_config('lock_timeout', v_timeout, true);
    exception
        -- taken back whole, the timeout too; a tick in a minute tries again
        when lock_not_available then
            return query values ('partitions_postponed', 1::bigint);
            return;
    end;
    return query values ('partitions_made', v_made), ('partitions_dropped', v_dropped);
end;
$function$;
comment on function forge._keep_partitions(timestamptz) is
'Makes and drops partitions, unless somebody is in the way for more than 50 ms. Internal.';
