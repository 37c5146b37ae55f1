-- The types that there are, and the settings that hold for all.
--
-- A type needs no row of its own to be used, so the names are gathered from whatever names one, jobs only
-- from the newest. Locks: none. Raises: JQ001.

create or replace function forge.list_types(
    after text default null,
    max_rows integer default 100,
    type text default null
)
returns setof forge.known_type
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    perform forge._check_page(list_types.max_rows, null, list_types.type);
    if list_types.after is not null then
        perform forge._check_name('after', list_types.after);
    end if;
    return query
    with newest as materialized (
        (select j.type, j.queue, j.created_at, j.id from forge.jobs as j order by j.id desc limit 1000)
        union all
        (select h.type, h.queue, h.created_at, h.id from forge.history as h order by h.id desc limit 1000)
        union all
        (select d.type, d.queue, d.created_at, d.id from forge.dead_jobs as d order by d.id desc limit 1000)
    ),
    recent as materialized (
        select distinct on (n.type) n.type, n.queue, n.created_at
        from newest as n
        order by n.type, n.id desc
    ),
    crew as materialized (
        select w.types
        from forge.workers as w
        where w.draining_at is null and forge._lives(w, v_now)
    ),
    served as materialized (
        select s.type, count(*) as workers
        from crew as c
        cross join lateral (select distinct u.type from unnest(c.types) as u (type)) as s
        group by s.type
    ),
    names as (
        select r.type from recent as r
        union
        select s.type from served as s
        union
        select t.type from forge.types as t
        union
        select p.type from forge.payload_checks as p
        union
        select s.type from forge.schedules as s
        union
        select h.type from forge.sql_handlers as h
        union
        select r.name from forge.retry_rules as r where r.scope = 'type'
    ),
    page as materialized (
        select n.type
        from names as n
        where (list_types.type is null or n.type = list_types.type)
            and (list_types.after is null or n.type collate "C" > list_types.after collate "C")
        order by n.type collate "C"
        limit list_types.max_rows
    )
    select
        p.type,
        coalesce(
            r.queue,
            (select s.queue from forge.schedules as s where s.type = p.type order by s.name limit 1),
            (select h.queue from forge.sql_handlers as h where h.type = p.type)
        ),
        t.retry_base, t.retry_factor, t.retry_cap, t.retry_jitter, t.max_retries, t.timeout,
        c.schema, c.function_name,
        coalesce(s.workers, 0) + (select count(*) from crew as a where a.types is null),
        r.created_at
    from page as p
    left join recent as r on r.type = p.type
    left join forge.types as t on t.type = p.type
    left join forge.payload_checks as c on c.type = p.type
    left join served as s on s.type = p.type
    order by p.type collate "C";
end;
$function$;
comment on function forge.list_types(text, integer, text) is
'The types that are known: from workers, schedules, handlers, settings, and the newest jobs.

Parameters:
  after     only types after this one: the last of the page before; default from the first
  max_rows  1 to 500; default 100
  type      only this one; default any
Returns: one row a type: queue (of its newest job, else where its schedule or SQL handler puts it), its
settings (null inherits from the queue), schema and function_name (what its payloads must keep to), workers
(live ones that run it and do not drain), seen_at (when its newest job was made; null: none of the newest
thousand).
Raises: JQ001.
Example: select type, queue, workers from forge.list_types();';

create or replace function forge.show_settings()
returns forge.settings_row
language sql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    select
        s.retry_base, s.retry_factor, s.retry_cap, s.retry_jitter, s.max_retries, s.payload_limit,
        s.history_retention, s.dead_retention, l.retention, l.lines
    from forge.settings as s, forge.log_settings as l;
$function$;
comment on function forge.show_settings() is
'What holds for all queues and types, unless they say otherwise.

Returns: one row: the retry policy, the largest payload in bytes, how long finished and dead jobs are kept
(null: for ever; set_retention), how long lines of logs and how many of one job (set_log).
Example: select * from forge.show_settings();';
