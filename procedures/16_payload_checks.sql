-- What the payloads of a type must keep to: a JSON Schema, a function, or both.
--
-- Locks: the row of forge.settings, so that one sets at a time. Raises: JQ001, JQ014.
--
-- A function runs inside enqueue, with the rights of the schema's owner. So only that owner (or a superuser)
-- may set one, and only one that nobody else can change: set_check is granted to no role.

create or replace function forge._check_function(name text)
returns regprocedure
language plpgsql stable
as $function$
declare
    v_function constant regprocedure := to_regprocedure(_check_function.name || '(jsonb)');
begin
    perform
    from pg_proc as p
    where p.oid = v_function
        and p.prokind = 'f'
        and not p.proretset
        and p.prorettype in ('boolean'::regtype, 'text'::regtype)
        and pg_has_role(
            p.proowner,
            (select n.nspowner from pg_namespace as n where n.oid = 'forge'::regnamespace), 'usage'
        );
    return case when found then v_function end;
end;
$function$;
comment on function forge._check_function(text) is
'The function of this name if it can be a check: of a jsonb, returning boolean or text, its owner one who has
the rights of Forge''s. Internal.';

create or replace function forge._refuse_payload(
    type text,
    fault text
)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ014',
        message = 'the payload does not keep to what is set for its type',
        detail = format('type=%s %s', _refuse_payload.type, left(_refuse_payload.fault, 1000)),
        hint = 'correct the payload; forge.list_payload_checks() shows what is set';
end;
$function$;
comment on function forge._refuse_payload(text, text) is
'Raises JQ014 for one payload. Internal.';

create or replace function forge._ask_function(
    name text,
    payload jsonb
)
returns text
language plpgsql volatile
as $function$
declare
    -- looked up each time: it may have been dropped since, and another be there under its name
    v_function constant regprocedure := forge._check_function(_ask_function.name);
    v_answer text;
begin
    if v_function is null then
        return format('path=# rule=%s: there is no such function any more', _ask_function.name);
    end if;
    execute format('select (%s($1))::text', v_function::regproc) into v_answer using _ask_function.payload;
    if (select p.prorettype from pg_proc as p where p.oid = v_function) = 'boolean'::regtype then
        return case
            when v_answer is distinct from 'true'
            then format('path=# rule=%s: it says no', _ask_function.name)
        end;
    end if;
    return case when v_answer <> '' then format('path=# rule=%s: %s', _ask_function.name, v_answer) end;
end;
$function$;
comment on function forge._ask_function(text, jsonb) is
'What a function of the user''s has against a payload; null: nothing. Internal.';

create or replace function forge._check_payload(
    type text,
    payload jsonb
)
returns void
language plpgsql volatile
as $function$
declare
    v_check forge.payload_checks;
    v_fault text;
begin
    if forge._is_open('', _check_payload.type) then
        return;
    end if;
    select p.* into v_check from forge.payload_checks as p where p.type = _check_payload.type;
    if v_check.schema is not null then
        v_fault := forge._fault(_check_payload.payload, v_check.schema, v_check.schema);
    end if;
    if v_fault is null and v_check.function_name is not null then
        v_fault := forge._ask_function(v_check.function_name, _check_payload.payload);
    end if;
    if v_fault is not null then
        perform forge._refuse_payload(_check_payload.type, v_fault);
    end if;
end;
$function$;
comment on function forge._check_payload(text, jsonb) is
'Raises JQ014 where a payload does not keep to what is set for its type. Internal.';

create or replace function forge._keep_check(
    type text,
    schema jsonb,
    function_name text,
    at timestamptz
)
returns forge.payload_check_row
language plpgsql volatile
as $function$
declare
    v_row forge.payload_check_row;
begin
    v_row.type := _keep_check.type;
    if num_nonnulls(_keep_check.schema, _keep_check.function_name) = 0 then
        delete from forge.payload_checks as p where p.type = _keep_check.type;
    else
        insert into forge.payload_checks as p (type, schema, function_name, created_at, updated_at)
        values (
            _keep_check.type, _keep_check.schema, _keep_check.function_name, _keep_check.at, _keep_check.at
        )
        on conflict on constraint payload_checks_pkey do update
        set schema = excluded.schema,
            function_name = excluded.function_name,
            updated_at = excluded.updated_at
        returning p.type, p.schema, p.function_name, p.created_at, p.updated_at into v_row;
    end if;
    perform forge._end_setting();
    return v_row;
end;
$function$;
comment on function forge._keep_check(text, jsonb, text, timestamptz) is
'Writes what is set for a type, or removes the row where nothing is. Internal.';

create or replace function forge.set_schema(
    type text,
    schema jsonb
)
returns forge.payload_check_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_fault text;
begin
    perform forge._check_name('type', set_schema.type);
    if set_schema.schema is not null then
        perform forge._check_size('schema', set_schema.schema);
        v_fault := coalesce(
            forge._schema_fault(set_schema.schema, set_schema.schema),
            'a $ref leads back to itself: ' || forge._looping_ref(set_schema.schema)
        );
        if v_fault is not null then
            perform forge._invalid(
                'schema', v_fault, 'use the subset of JSON Schema 2020-12 that guides/admission.md lists'
            );
        end if;
    end if;
    perform forge._begin_setting();
    return forge._keep_check(
        set_schema.type, set_schema.schema,
        (select p.function_name from forge.payload_checks as p where p.type = set_schema.type), v_now
    );
end;
$function$;
comment on function forge.set_schema(text, jsonb) is
'Holds the payloads of a type to a JSON Schema, from the next enqueue on.

Parameters:
  type    its name; it need not have been used before
  schema  in the subset of draft 2020-12 that guides/admission.md lists, what is outside of it is refused;
          patterns are PostgreSQL''s regular expressions; null removes the schema
Returns: type, schema, function_name, created_at, updated_at.
Raises: JQ001, JQ005.
Example: select * from forge.set_schema(''email'', ''{"required": ["to"]}'');';

create or replace function forge.set_check(
    type text,
    function_name text
)
returns forge.payload_check_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_name text;
begin
    perform forge._check_name('type', set_check.type);
    begin
        v_name := forge._check_function(set_check.function_name)::regproc;
    exception
        when data_exception or syntax_error_or_access_rule_violation then
            null;       -- it is no name at all
    end;
    if set_check.function_name is not null and v_name is null then
        perform forge._invalid(
            'function_name', set_check.function_name,
            'name a function (jsonb) returns boolean or text, with its schema, whose owner has the rights of '
                'the owner of the schema forge'
        );
    end if;
    perform forge._begin_setting();
    return forge._keep_check(
        set_check.type,
        (select p.schema from forge.payload_checks as p where p.type = set_check.type),
        v_name, v_now
    );
end;
$function$;
comment on function forge.set_check(text, text) is
'Holds the payloads of a type to a function of yours, from the next enqueue on.

It is called in every enqueue of the type, after its schema, with the rights of the owner of the schema
forge; so only that owner may call this, and the function must belong to one who has those rights. A payload
is refused where it returns false or null as a boolean, or a reason as text.

Parameters:
  type      its name; it need not have been used before
  function_name
            the name, with its schema, of a function (payload jsonb) returns boolean or text; null removes it
Returns: type, schema, function_name, created_at, updated_at.
Raises: JQ001.
Example: select * from forge.set_check(''email'', null);';

create or replace function forge.list_payload_checks()
returns setof forge.payload_check_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select p.type, p.schema, p.function_name, p.created_at, p.updated_at
    from forge.payload_checks as p
    order by p.type;
end;
$function$;
comment on function forge.list_payload_checks() is
'What the payloads of types must keep to.

Returns: one row a type that has any of it: type, schema, function_name, created_at, updated_at.
Example: select * from forge.list_payload_checks();';
