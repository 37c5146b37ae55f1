-- Registration: a function becomes the handler of a type.
--
-- With whose rights: PostgreSQL has one fence that code cannot climb over, a SECURITY DEFINER function: it
-- runs as its owner, and SET ROLE is refused inside. So a registration makes such a wrapper in the name of
-- run_as, in schema forge_handlers, and that calls the function. Only PostgreSQL can make something in the
-- name of a role, and only for a member of it: therefore register_sql_handler runs with the rights of its
-- caller, and what it cannot do itself is done by _open_sql_handler before and _keep_sql_handler after it.
-- They are safe to be called alone: a function in forge_handlers can do nothing by being there.
--
-- Locks: forge.sql_handlers against other registrations. Raises: JQ001. Called by: operators.

create or replace function forge._open_sql_handler(
    type text,
    function text,
    target oid,
    run_as text,
    caller text,
    timeout interval,
    queue text
)
returns text[]
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_role constant text := coalesce(
        _open_sql_handler.run_as,
        (select r.rolname from pg_proc as p join pg_roles as r on r.oid = p.proowner
        where p.oid = _open_sql_handler.target)
    );
    v_wrapper constant name := forge._wrapper_name(_open_sql_handler.type);
begin
    perform forge._check_name('type', _open_sql_handler.type);
    if _open_sql_handler.queue is not null then
        perform forge._check_name('queue', _open_sql_handler.queue);
    end if;
    perform forge._check_timeout(_open_sql_handler.timeout);
    perform forge._check_apart('forge._call_handler', 'forge_runner');
    perform forge._check_sql_handler(
        _open_sql_handler.function, _open_sql_handler.target, v_role, _open_sql_handler.caller
    );

    lock table forge.sql_handlers in share row exclusive mode;
    if to_regnamespace('forge_handlers') is null then
        create schema forge_handlers;
        grant usage on schema forge_handlers to forge_runner;
    end if;
    perform forge._drop_wrapper(v_wrapper);
    if v_role <> current_user then
        execute format('grant usage, create on schema forge_handlers to %I', v_role);
    end if;
    return array[
        v_role, v_wrapper,
        (select format('%I.%I', n.nspname, p.proname)
        from pg_proc as p
        join pg_namespace as n on n.oid = p.pronamespace
        where p.oid = _open_sql_handler.target)
    ];
end;
$function$;
comment on function forge._open_sql_handler(text, text, oid, text, text, interval, text) is
'The first half of a registration: checks it, and lets the role make its wrapper; returns the role,
the wrapper and the function. Operators may call it. Internal.';

create or replace function forge._keep_sql_handler(
    type text,
    target oid,
    wrapper name,
    timeout interval,
    queue text
)
returns forge.sql_handler_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_owner name;
    v_row forge.sql_handler_row;
begin
    select r.rolname into v_owner
    from pg_proc as p
    join pg_roles as r on r.oid = p.proowner
    where p.pronamespace = to_regnamespace('forge_handlers')
        and p.proname = _keep_sql_handler.wrapper
        and p.proargtypes = array['jsonb'::regtype]::oidvector;
    if not found then
        perform forge._invalid('wrapper', _keep_sql_handler.wrapper, 'call forge.register_sql_handler');
    end if;
    if v_owner <> current_user then
        execute format('revoke usage, create on schema forge_handlers from %I', v_owner);
    end if;

    insert into forge.sql_handlers as h (
        type, function_schema, function_name, wrapper, queue, created_at, updated_at
    )
    select
        _keep_sql_handler.type, n.nspname, p.proname, _keep_sql_handler.wrapper, _keep_sql_handler.queue,
        v_now, v_now
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where p.oid = _keep_sql_handler.target
    on conflict on constraint sql_handlers_pkey do update
    set function_schema = excluded.function_schema,
        function_name = excluded.function_name,
        wrapper = excluded.wrapper,
        queue = excluded.queue,
        updated_at = excluded.updated_at;
    if _keep_sql_handler.timeout is not null then
        perform forge.set_type(_keep_sql_handler.type, timeout => _keep_sql_handler.timeout);
    end if;
    select l.* into v_row from forge.list_sql_handlers() as l where l.type = _keep_sql_handler.type;
    return v_row;
end;
$function$;
comment on function forge._keep_sql_handler(text, oid, name, interval, text) is
'The second half of a registration: writes it down. Operators may call it. Internal.';

-- As its caller, and without a pinned path: a function without a path of its own is to find its tables by
-- that of whoever registers it. Until the path is pinned below, nothing here is looked up by it.
create or replace function forge.register_sql_handler(
    type text,
    function text,
    run_as text default null,
    timeout interval default null,
    queue text default null
)
returns forge.sql_handler_row
language plpgsql volatile
as $function$
declare
    v_path constant pg_catalog.text := pg_catalog.current_setting('search_path');
    v_role constant pg_catalog.text := pg_catalog.current_setting('role');
    v_function pg_catalog.oid;
    v_opened pg_catalog.text[];
    v_wrapper pg_catalog.text;
    v_row forge.sql_handler_row;
begin
    begin
        v_function := pg_catalog.to_regprocedure(
            pg_catalog.regexp_replace(register_sql_handler.function, '^[^(]*\Z', '\&(jsonb)')
        );
    exception
        when invalid_name or invalid_text_representation or syntax_error then
            null;    -- no function can be called that
    end;
    perform pg_catalog.set_config('search_path', 'pg_catalog, forge, pg_temp', true);
    v_opened := forge._open_sql_handler(
        register_sql_handler.type, register_sql_handler.function, v_function, register_sql_handler.run_as,
        current_user, register_sql_handler.timeout, register_sql_handler.queue
    );
    v_wrapper := format('forge_handlers.%I', v_opened[2]);

    if v_opened[1] <> current_user then
        perform set_config('role', v_opened[1], true);
    end if;
    perform set_config('search_path', v_path, true);
    -- What the function has put off until the commit is done before its rights end.
    execute pg_catalog.format(
        'create function %s(payload pg_catalog.jsonb) returns pg_catalog.jsonb '
            'language plpgsql security definer set search_path from current as %L',
        v_wrapper,
        pg_catalog.format(
            e'declare\n    v_result pg_catalog.jsonb;\nbegin\n    v_result := %s($1);\n'
                '    set constraints all immediate;\n    return v_result;\nend',
            v_opened[3]
        )
    );
    perform pg_catalog.set_config('search_path', 'pg_catalog, forge, pg_temp', true);
    execute format('revoke all on function %s(jsonb) from public', v_wrapper);
    execute format('grant execute on function %s(jsonb) to forge_runner', v_wrapper);
    perform set_config('role', v_role, true);

    v_row := forge._keep_sql_handler(
        register_sql_handler.type, v_function, v_opened[2], register_sql_handler.timeout,
        register_sql_handler.queue
    );
    perform set_config('search_path', v_path, true);
    return v_row;
end;
$function$;
comment on function forge.register_sql_handler(text, text, text, interval, text) is
'Makes an SQL function the handler of a type: any worker runs its jobs, and so does forge.run.

The function gets the payload, returns the result, and fails the attempt by raising. Its effects commit with
the job''s completion, or neither does. It runs as run_as, whoever runs the job, and cannot become another
role. Registered anew, a type gets the new function.

Parameters:
  type      whose jobs it runs; 1 to 200 characters
  function  (payload jsonb) returns jsonb, with or without its arguments: billing.charge
  run_as    the role whose rights it has; the caller''s session must be a member of it, it needs EXECUTE, and
            the function''s owner must have its rights already; default the owner of the function
  timeout   how long one attempt may take, 1 second to 1 day: the setting of forge.set_type; null leaves it
  queue     the only queue whose jobs it runs; default any
Returns: the handler, as forge.list_sql_handlers.
Raises: JQ001.
Example: create function greet(payload jsonb) returns jsonb language sql as
''select jsonb_build_object(''''hello'''', payload -> ''''name'''')'';
select * from forge.register_sql_handler(''greet'', ''greet'');';
