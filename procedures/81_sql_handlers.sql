-- SQL handlers: functions (payload jsonb) returns jsonb that run the jobs of a type. What may be one, which
-- there are; 85_register makes them, 83_run runs them.
--
-- Locks: forge.sql_handlers against registrations. Raises: JQ001. Called by: operators, workers.

create or replace function forge._wrapper_name(type text)
returns name
language sql immutable parallel safe
as $function$
    select (
        pg_catalog.left(pg_catalog.regexp_replace(pg_catalog.lower($1), '[^a-z0-9]+', '_', 'g'), 40)
        || '_' || pg_catalog.left(pg_catalog.md5($1), 8)
    )::name;
$function$;
comment on function forge._wrapper_name(text) is
'The name in forge_handlers for the handler of a type: readable, and one a type. Internal.';

create or replace function forge._drop_wrapper(wrapper name)
returns void
language plpgsql volatile
as $function$
begin
    perform from pg_proc as p
    where p.pronamespace = to_regnamespace('forge_handlers') and p.proname = _drop_wrapper.wrapper;
    if found then
        execute format('drop function forge_handlers.%I(jsonb)', _drop_wrapper.wrapper);
    end if;
end;
$function$;
comment on function forge._drop_wrapper(name) is
'Drops the wrapper of an SQL handler, if it is there. Internal.';

create or replace function forge._check_apart(
    function regproc,
    role text
)
returns void
language plpgsql stable
as $function$
begin
    perform from pg_proc as p
    where p.oid = _check_apart.function and p.proowner = to_regrole(_check_apart.role);
    if not found then
        raise exception using
            errcode = 'JQ001',
            message = 'a role that Forge needs for this is missing',
            detail = format('%s does not belong to %s', _check_apart.function, _check_apart.role),
            hint = format(
                'let an administrator run: create role %s nologin; grant %s to %I; then migrate again',
                _check_apart.role, _check_apart.role, current_user
            );
    end if;
end;
$function$;
comment on function forge._check_apart(regproc, text) is
'Raises JQ001 unless a function that runs what others wrote belongs to the role without rights. Internal.';

create or replace function forge._check_sql_handler(
    function text,
    target oid,
    role text,
    caller text
)
returns void
language plpgsql volatile
as $function$
declare
    v_function pg_proc;
begin
    select p.* into v_function
    from pg_proc as p
    where p.oid = _check_sql_handler.target
        and p.prokind = 'f'
        and not p.proretset
        and p.proargtypes = array['jsonb'::regtype]::oidvector
        and p.prorettype = 'jsonb'::regtype;
    if not found then
        perform forge._invalid(
            'function', _check_sql_handler.function,
            'name a function (payload jsonb) returns jsonb, with its schema: billing.charge'
        );
    end if;
    perform from pg_roles as r where r.rolname = _check_sql_handler.role;
    if not found then
        perform forge._invalid('run_as', _check_sql_handler.role, 'name a role that exists');
    end if;
    -- to make something in the role's name, one must be able to become it
    if not (
        _check_sql_handler.role = _check_sql_handler.caller
        or pg_has_role(session_user, _check_sql_handler.role, 'member')
    ) then
        perform forge._invalid(
            'run_as', _check_sql_handler.role,
            format(
                'register as this role or a member of it: grant %I to %I', _check_sql_handler.role,
                session_user
            )
        );
    end if;
    if not (
        has_function_privilege(_check_sql_handler.role, v_function.oid, 'execute')
        and has_schema_privilege(_check_sql_handler.role, v_function.pronamespace, 'usage')
    ) then
        perform forge._invalid(
            'run_as', _check_sql_handler.role, 'grant it EXECUTE on the function, and USAGE on its schema'
        );
    end if;
    -- Who owns the function can change what it does.
    if not (v_function.prosecdef or pg_has_role(v_function.proowner, _check_sql_handler.role, 'member')) then
        perform forge._invalid(
            'run_as', _check_sql_handler.role,
            format(
                'the owner of the function, %s, would gain its rights: let %I own the function',
                v_function.proowner::regrole, _check_sql_handler.role
            )
        );
    end if;
end;
$function$;
comment on function forge._check_sql_handler(text, oid, text, text) is
'Raises JQ001 for a function that is no handler, or a role that it may not run as. Internal.';

create or replace function forge.unregister_sql_handler(type text)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_wrapper name;
begin
    lock table forge.sql_handlers in share row exclusive mode;
    delete from forge.sql_handlers as h
    where h.type = unregister_sql_handler.type
    returning h.wrapper into v_wrapper;
    if not found then
        return false;
    end if;
    perform forge._drop_wrapper(v_wrapper);
    return true;
end;
$function$;
comment on function forge.unregister_sql_handler(text) is
'Takes the SQL function off a type: its jobs stay PENDING until somebody else runs them.

Parameters:
  type  the one it was registered for
Returns: whether there was one. The function itself stays, and so does the timeout of the type.
Example: select forge.unregister_sql_handler(''greet'');';

create or replace function forge._sql_handler_problem(handler forge.sql_handlers)
returns text
language plpgsql stable
as $function$
declare
    v_result oid;
begin
    -- By the catalog, as to_regprocedure would want rights on the schema.
    select p.prorettype into v_result
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where p.proname = handler.function_name
        and n.nspname = handler.function_schema
        and p.proargtypes = array['jsonb'::regtype]::oidvector
        and p.prokind = 'f';
    if not found then
        return format(
            'the function %I.%I(jsonb) does not exist any more', handler.function_schema,
            handler.function_name
        );
    elsif v_result <> 'jsonb'::regtype then
        return format(
            'the function %I.%I(jsonb) does not return jsonb any more', handler.function_schema,
            handler.function_name
        );
    end if;
    perform from pg_proc as p
    where p.pronamespace = to_regnamespace('forge_handlers')
        and p.proname = handler.wrapper
        and p.proargtypes = array['jsonb'::regtype]::oidvector
        and p.prosecdef;
    if not found then
        return 'its wrapper in forge_handlers is gone or was changed; register the function again';
    end if;
    return null;
end;
$function$;
comment on function forge._sql_handler_problem(forge.sql_handlers) is
'Why an SQL handler cannot run, in words; null: it can. Internal.';

create or replace function forge.list_sql_handlers()
returns setof forge.sql_handler_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select
        h.type, format('%I.%I', h.function_schema, h.function_name),
        (
            select r.rolname::text
            from pg_proc as p
            join pg_roles as r on r.oid = p.proowner
            where p.pronamespace = to_regnamespace('forge_handlers') and p.proname = h.wrapper
            limit 1
        ),
        (select t.timeout from forge.types as t where t.type = h.type),
        h.queue, forge._sql_handler_problem(h), h.created_at, h.updated_at
    from forge.sql_handlers as h
    order by h.type;
end;
$function$;
comment on function forge.list_sql_handlers() is
'The types whose jobs an SQL function runs.

Returns: type, function, run_as (the role whose rights it has), timeout (of the type), queue (null: any),
problem (why it cannot run: dropped or changed; null: it can), created_at, updated_at.
Example: select type, function, run_as, problem from forge.list_sql_handlers();';

create or replace function forge._explain_sql_handler(job forge.jobs)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_handler forge.sql_handlers;
    v_problem text;
begin
    select h.* into v_handler from forge.sql_handlers as h where h.type = job.type;
    if not found then
        return;
    end if;
    v_problem := forge._sql_handler_problem(v_handler);
    if v_problem is not null then
        return next (
            'sql_handler_broken',
            format('the SQL function of the type %s cannot run: %s', job.type, v_problem),
            jsonb_build_object('type', job.type, 'problem', v_problem)
        )::forge.reason;
    end if;
    if v_handler.queue <> job.queue then
        return next (
            'sql_handler_of_another_queue',
            format(
                'the SQL function of the type %s runs jobs of the queue %s only', job.type, v_handler.queue
            ),
            jsonb_build_object('type', job.type, 'queue', v_handler.queue)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_sql_handler(forge.jobs) is
'Whether the SQL function of a job is broken, or runs jobs of another queue only. Internal.';
