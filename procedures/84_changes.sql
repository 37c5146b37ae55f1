-- Which changes make jobs: on_change, off_change, list_changes; what they make is done in 82_on_change.
--
-- Locks: the table, against writers. Raises: JQ001. Called by: owners of tables who may enqueue.

create or replace function forge._changes()
returns setof forge.change_row
language sql stable
as $function$
    select
        o.options ->> 'name',
        pg_catalog.format('%I.%I', n.nspname, c.relname),
        pg_catalog.array_agg(
            case
                when (t.tgtype & 4) > 0 then 'insert'
                when (t.tgtype & 8) > 0 then 'delete'
                when (t.tgtype & 16) > 0 then 'update'
                else 'truncate'
            end
            order by t.tgtype
        ),
        o.options -> 'job' ->> 'type',
        o.options ->> 'each',
        o.options ->> 'when_condition',
        o.options ->> 'key',
        o.options -> 'job' ->> 'queue',
        (o.options -> 'job' ->> 'priority')::integer,
        (o.options -> 'job' ->> 'debounce')::interval,
        case
            when o.options ? 'if_changed'
            then array(select pg_catalog.jsonb_array_elements_text(o.options -> 'if_changed'))
        end,
        case
            when o.options ? 'without'
            then array(select pg_catalog.jsonb_array_elements_text(o.options -> 'without'))
        end,
        (o.options -> 'job') - array['type', 'queue', 'priority', 'debounce'],
        o.options ->> 'on_error',
        pg_catalog.bool_and(t.tgenabled <> 'D')
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (select forge._change_options(t.tgargs)) as o (options)
    where t.tgfoid = 'forge._on_change'::regproc and not t.tgisinternal
    group by n.nspname, c.relname, o.options
    order by 1, 2;
$function$;
comment on function forge._changes() is
'The changes that make jobs, from the triggers. Internal.';

create or replace function forge.list_changes()
returns setof forge.change_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query select c.* from forge._changes() as c;
end;
$function$;
comment on function forge.list_changes() is
'The tables whose changes make jobs.

Returns: name, relation, events, type, each, when_condition, key, queue, priority, debounce, if_changed,
without, options, on_error (as forge.on_change was told them), enabled (alter table … disable trigger
switches one off).
Example: select name, relation, events, type from forge.list_changes();';

create or replace function forge._check_change(
    relation regclass,
    caller text,
    asked forge.change_row,
    concurrency_key text,
    path text
)
returns text
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_table pg_class;
    v_column text;
    v_job constant jsonb := asked.options || jsonb_strip_nulls(jsonb_build_object(
        'type', asked.type, 'queue', asked.queue, 'priority', asked.priority, 'debounce', asked.debounce
    ));
    v_new forge.new_job;
begin
    perform forge._check_apart('forge._on_change', 'forge_trigger');
    select c.* into v_table from pg_class as c where c.oid = _check_change.relation;
    if not found or v_table.relkind not in ('r', 'p') then
        perform forge._invalid('relation', _check_change.relation::text, 'name a table');
    end if;
    if not pg_has_role(_check_change.caller, v_table.relowner, 'usage') then
        perform forge._invalid(
            'relation', _check_change.relation::text,
            format('call as its owner, %s', v_table.relowner::regrole)
        );
    end if;
    perform forge._check_name('type', asked.type);
    perform forge._check_name('queue', asked.queue);
    -- with what is put around it, it is the name of a trigger: of 63 bytes
    if (octet_length(asked.name) between 1 and 48 and forge._is_plain(asked.name)) is not true then
        perform forge._invalid('name', asked.name, 'use 1 to 48 bytes without control characters');
    end if;
    perform from forge._changes() as c
    where c.name = asked.name
        and c.relation <> format('%I.%I', v_table.relnamespace::regnamespace::name, v_table.relname)
    limit 1;
    if found then
        perform forge._invalid('name', asked.name, 'another table has a change of this name; choose another');
    end if;
    if (asked.events <@ '{insert,update,delete,truncate}' and cardinality(asked.events) > 0) is not true then
        perform forge._invalid('events', asked.events::text, 'use insert, update, delete, truncate');
    end if;
    if (asked.each in ('row', 'statement')) is not true then
        perform forge._invalid('each', asked.each, 'use row or statement');
    end if;
    if (asked.on_error in ('raise', 'warn')) is not true then
        perform forge._invalid('on_error', asked.on_error, 'use raise or warn');
    end if;
    foreach v_column in array coalesce(asked.if_changed, '{}') || coalesce(asked.without, '{}') loop
        perform from pg_attribute as a
        where a.attrelid = v_table.oid and a.attname = v_column and a.attnum > 0 and not a.attisdropped;
        if not found then
            perform forge._invalid(
                case when v_column = any(asked.without) then 'without' else 'if_changed' end,
                v_column, 'name columns of the table'
            );
        end if;
    end loop;
    if asked.debounce is not null and asked.key is null then
        perform forge._invalid(
            'key', null, 'give the expression whose value says which changes belong together'
        );
    end if;
    if (
        jsonb_typeof(asked.options) = 'object'
        and not asked.options
            ?| '{type,payload,queue,priority,scheduled_at,unique_key,concurrency_key,debounce}'
    ) is not true then
        perform forge._invalid(
            'options', asked.options::text, 'use an object with further parameters of enqueue as keys'
        );
    end if;
    perform forge._check_jobs(jsonb_build_array(v_job));
    begin
        v_new := forge._new_job(v_job);
    exception
        when data_exception then
            perform forge._invalid('options', sqlerrm, 'use values of the types of enqueue''s parameters');
    end;
    perform forge._check_enqueue(
        v_new.type, v_new.payload, v_new.queue, v_new.priority, null, null, v_new.tags
    );
    perform forge._check_policy(
        v_new.retry_base, v_new.retry_factor, v_new.retry_cap, v_new.retry_jitter, v_new.max_retries
    );
    return jsonb_strip_nulls(jsonb_build_object(
        'name', asked.name, 'each', asked.each, 'when_condition', asked.when_condition, 'key', asked.key,
        'concurrency_key', _check_change.concurrency_key, 'if_changed', to_jsonb(asked.if_changed),
        'without', to_jsonb(asked.without), 'on_error', asked.on_error,
        'path', concat_ws(', ', nullif(_check_change.path, ''), 'pg_temp')
    )) || jsonb_build_object('job', v_job);
end;
$function$;
comment on function forge._check_change(regclass, text, forge.change_row, text, text) is
'Raises JQ001 for a change that cannot be; returns the argument of its triggers. Whoever may call on_change
may call it. Internal.';

create or replace function forge._triggers_of(
    name text,
    relation regclass
)
returns setof pg_trigger
language sql volatile
as $function$
    select t.*
    from pg_trigger as t
    where t.tgfoid = 'forge._on_change'::regproc
        and ($2 is null or t.tgrelid = $2)
        and (
            $1 is null and $2 is not null
            or t.tgname in (
                select concat('forge_', $1, '_', e.event)
                from unnest('{insert,update,delete,truncate}'::text[]) as e (event)
            )
        );
$function$;
comment on function forge._triggers_of(text, regclass) is
'The triggers of a change; of all changes of a table where it has no name. Internal.';

-- As its caller: only the owner of a table may put triggers on it. The path of the caller counts for the
-- names in the expressions; nothing is looked up by it before it is pinned.
create or replace function forge.on_change(
    relation regclass,
    events text[] default '{insert,update,delete}',
    type text default null,
    when_condition text default null,
    key text default null,
    debounce interval default null,
    queue text default 'default',
    priority integer default 0,
    each text default 'row',
    name text default null,
    without text[] default null,
    if_changed text[] default null,
    concurrency_key text default null,
    options jsonb default '{}',
    on_error text default 'raise'
)
returns forge.change_row
language plpgsql volatile
as $function$
declare
    v_path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    v_schemas constant pg_catalog.name[] := pg_catalog.current_schemas(false);
    v_name text;
    v_argument text;
    v_target text;
    v_event text;
    v_column text;
    v_row forge.change_row;
begin
    perform pg_catalog.set_config('search_path', 'pg_catalog, forge, pg_temp', true);
    v_name := coalesce(
        on_change.name,
        (select concat(left(c.relname, 20), '_', left(on_change.type, 20))
        from pg_class as c where c.oid = on_change.relation)
    );
    v_argument := forge._check_change(
        on_change.relation, current_user,
        row(
            v_name, on_change.relation, on_change.events, on_change.type, on_change.each,
            on_change.when_condition, on_change.key, on_change.queue, on_change.priority,
            on_change.debounce, on_change.if_changed, on_change.without, on_change.options,
            on_change.on_error, true
        )::forge.change_row,
        on_change.concurrency_key,
        (select string_agg(quote_ident(s.name), ', ') from unnest(v_schemas) as s (name))
    );
    -- One at a time; at once in the mode that is needed, as to ask for a stronger one later may deadlock.
    perform from forge._triggers_of(v_name, on_change.relation);
    execute format(
        'lock table %s in %s mode', on_change.relation,
        case when found then 'access exclusive' else 'share row exclusive' end
    );
    perform forge.off_change(v_name, on_change.relation);

    -- Tried out on a table with the same columns and no row: all that is said of the change is looked up
    -- there, by the trigger itself and with its rights, before it could break a write.
    execute format('create temporary table forge_try (like %s)', on_change.relation);
    foreach v_target in array array['pg_temp.forge_try', on_change.relation::text] loop
        foreach v_event in array on_change.events loop
            execute format(
                'create trigger %I after %s on %s%s for each statement execute function forge._on_change(%L)',
                concat('forge_', v_name, '_', v_event), v_event, v_target,
                case v_event
                    when 'insert' then ' referencing new table as new_rows'
                    when 'delete' then ' referencing old table as old_rows'
                    when 'update' then ' referencing old table as old_rows new table as new_rows'
                end,
                case v_target
                    when on_change.relation::text then v_argument
                    else (v_argument::jsonb || '{"try": true, "on_error": "raise"}')::text
                end
            );
        end loop;
    end loop;
    select a.attname into v_column
    from pg_attribute as a
    where a.attrelid = on_change.relation and a.attnum > 0 and not a.attisdropped
    limit 1;
    begin
        execute format(
            'insert into pg_temp.forge_try select t.* from pg_temp.forge_try as t; '
                'delete from pg_temp.forge_try; update pg_temp.forge_try set %1$I = %1$I',
            v_column
        );
    exception
        when others then
            raise exception using
                errcode = 'JQ001',
                message = 'an expression of the change cannot be worked out',
                detail = sqlerrm,
                hint = 'use the columns of old and new, and functions that forge_trigger may call';
    end;
    drop table pg_temp.forge_try;

    select l.* into v_row
    from forge.list_changes() as l
    where l.name = v_name;
    perform set_config('search_path', v_path, true);
    return v_row;
end;
$function$;
comment on function forge.on_change(
    regclass, text[], text, text, text, interval, text, integer, text, text, text[], text[], text, jsonb, text
) is
'Makes a job of each row that is changed in a table, or of each statement, in the writer''s transaction.

The payload is {"table", "operation", "old", "new"}; of a statement {"table", "operation", "rows"}, with the
rows as lists in old and new where they are at most 100; of TRUNCATE {"table", "operation"}. Where it is over
the limit, its largest columns are left out, and named in "left_out". The caller owns the table.

Parameters:
  relation        the table; a partitioned one sees what is written through it, not what goes to a partition
  events          which of insert, update, delete, truncate; default the first three
  type            of the jobs
  when_condition  an SQL expression over old and new; all columns of the side that is missing are null; not
                  for truncate; default all rows
  key             an SQL expression: the unique_key of the job; null or empty: none. Of a statement or
                  truncate one without old and new; default none
  debounce        each further change of the key puts the job off to so long from then; default not
  queue, priority, options
                  as enqueue; options holds its further parameters: {"max_retries": 3}
  each            row or statement; default row
  name            1 to 48 bytes, one of the database; the same name on the same table replaces; default
                  made from table and type
  without         columns that are left out of old and new, such as secrets; default none
  if_changed      updates count only where one of these columns has changed; default any
  concurrency_key an SQL expression: whose limits the job counts against; default none
  on_error        what an error in an expression or enqueue does: raise it to the writer, or warn and go on
                  without the job; default raise
The expressions are worked out with the rights of forge_trigger, which has none: over the columns of the row,
with functions that everybody may call.
Returns: the change, as forge.list_changes.
Raises: JQ001; to the writer what enqueue_many raises: JQ003, JQ004, JQ005, JQ012, JQ013, JQ014.
Example: create table orders (id bigint primary key, status text);
select * from forge.on_change(''orders'', ''{update}'', ''ship'', ''new.status = $$paid$$'');';

create or replace function forge.off_change(
    name text default null,
    relation regclass default null
)
returns bigint
language plpgsql volatile
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_table regclass;
    v_trigger name;
    v_count bigint := 0;
begin
    for v_table in
        select distinct t.tgrelid::regclass
        from forge._triggers_of(off_change.name, off_change.relation) as t
        order by 1
    loop
        -- Whoever is changing the same has ended by then, and what is there is looked up anew.
        execute format('lock table %s in access exclusive mode', v_table);
        for v_trigger in
            select t.tgname from forge._triggers_of(off_change.name, v_table) as t
        loop
            execute format('drop trigger %I on %s', v_trigger, v_table);
            v_count := v_count + 1;
        end loop;
    end loop;
    return v_count;
end;
$function$;
comment on function forge.off_change(text, regclass) is
'Ends what on_change began: no more jobs of these changes; those there are stay. The caller owns the table.

Parameters:
  name      of the change; default all of the table
  relation  the table; default the one that has a change of this name
Returns: how many triggers were dropped; 0 where there was nothing of the kind.
Example: select forge.off_change(''orders_ship'');';
