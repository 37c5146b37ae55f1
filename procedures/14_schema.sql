-- JSON Schema: whether a document keeps to a schema, and where it does not.
--
-- The subset of draft 2020-12 that procedures/guides/admission.md lists; what is outside of it is refused
-- when a schema is set, so nothing here has to guess. Locks: none. Called by: 16_payload_checks.sql.

create or replace function forge._at_key(
    path text,
    key text
)
returns text
language sql immutable parallel safe
as $function$
    select $1 || '/' || replace(replace($2, '~', '~0'), '/', '~1');
$function$;
comment on function forge._at_key(text, text) is
'The JSON pointer one step further on. Internal.';

create or replace function forge._broken(
    path text,
    rule text,
    detail text
)
returns text
language sql immutable parallel safe
as $function$
    select pg_catalog.format(
        'path=%s rule=%s: %s', pg_catalog.left($1, 500), $2, pg_catalog.left($3, 200)
    );
$function$;
comment on function forge._broken(text, text, text) is
'How a broken rule is told. Internal.';

create or replace function forge._is_date(text text)
returns boolean
language sql immutable parallel safe
as $function$
    select case
        when $1 ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and $1 >= '0001'
        then substr($1, 9)::integer <= extract(
            day from pg_catalog.make_date(substr($1, 1, 4)::integer, substr($1, 6, 2)::integer, 1)
                + interval '1 month' - interval '1 day'
        )
        else false
    end;
$function$;
comment on function forge._is_date(text) is
'Whether a text is a date as RFC 3339 writes it. Internal.';

create or replace function forge._is_ipv6(text text)
returns boolean
language plpgsql immutable parallel safe
as $function$
begin
    return _is_ipv6.text ~ '^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$' and family(_is_ipv6.text::inet) = 6;
exception
    when invalid_text_representation then
        return false;
end;
$function$;
comment on function forge._is_ipv6(text) is
'Whether a text is an IPv6 address, without a prefix length or a zone. Internal.';

create or replace function forge._has_format(
    text text,
    format text
)
returns boolean
language plpgsql immutable parallel safe
as $function$
begin
    -- compared by their bytes, so that the database's collation has no say in what a letter is
    return case _has_format.format
        when 'date' then forge._is_date(_has_format.text collate "C")
        when 'time' then _has_format.text collate "C"
            ~* '^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$'
        when 'date-time' then
            forge._is_date(left(_has_format.text, 10) collate "C")
            and substr(_has_format.text, 11, 1) in ('T', 't')
            and forge._has_format(substr(_has_format.text, 12), 'time')
        when 'email' then _has_format.text collate "C" ~ '^[^\s@]+@[^\s@]+$'
        when 'uuid' then _has_format.text collate "C"
            ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
        when 'uri' then _has_format.text collate "C" ~ '^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$'
        when 'ipv4' then _has_format.text collate "C"
            ~ '^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$'
        when 'ipv6' then forge._is_ipv6(_has_format.text)
    end;
end;
$function$;
comment on function forge._has_format(text, text) is
'Whether a text has a format; null: there is no such format. Internal.';

create or replace function forge._schema_at(
    root jsonb,
    ref text
)
returns jsonb
language sql immutable parallel safe
as $function$
    -- '#', or '#/$defs/name'
    select case
        when $2 = '#' then $1
        when $2 like '#/$defs/%'
        then $1 -> '$defs' -> replace(replace(pg_catalog.substr($2, 9), '~1', '/'), '~0', '~')
    end;
$function$;
comment on function forge._schema_at(jsonb, text) is
'What a $ref refers to; null: nothing. Internal.';

create or replace function forge._is_of_type(
    document jsonb,
    types jsonb
)
returns boolean
language sql immutable parallel safe
as $function$
    -- 1.0 is an integer, as 1 is
    select $2 @> to_jsonb(jsonb_typeof($1))
        or $2 @> '"integer"' and jsonb_typeof($1) = 'number' and trunc($1::numeric) = $1::numeric;
$function$;
comment on function forge._is_of_type(jsonb, jsonb) is
'Whether a document is of a JSON Schema type, or of one of an array of types. Internal.';

create or replace function forge._number_fault(
    document numeric,
    schema jsonb,
    path text
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_rule constant text := case
        when document < (schema -> 'minimum')::numeric then 'minimum'
        when document > (schema -> 'maximum')::numeric then 'maximum'
        when document <= (schema -> 'exclusiveMinimum')::numeric then 'exclusiveMinimum'
        when document >= (schema -> 'exclusiveMaximum')::numeric then 'exclusiveMaximum'
    end;
begin
    return case
        when v_rule is not null
        then forge._broken(path, v_rule, format('%s is out of range of %s', document, schema -> v_rule))
    end;
end;
$function$;
comment on function forge._number_fault(numeric, jsonb, text) is
'What is wrong with a number; null: nothing. Internal.';

create or replace function forge._text_fault(
    document text,
    schema jsonb,
    path text
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_rule constant text := case
        when char_length(document) < (schema -> 'minLength')::integer then 'minLength'
        when char_length(document) > (schema -> 'maxLength')::integer then 'maxLength'
        when not document collate "C" ~ (schema ->> 'pattern') then 'pattern'
        when not forge._has_format(document, schema ->> 'format') then 'format'
    end;
begin
    return case
        when v_rule in ('minLength', 'maxLength')
        then forge._broken(path, v_rule, format('%s characters', char_length(document)))
        when v_rule is not null
        then forge._broken(path, v_rule, format('it does not match %s', schema ->> v_rule))
    end;
end;
$function$;
comment on function forge._text_fault(text, jsonb, text) is
'What is wrong with a string; null: nothing. Internal.';

create or replace function forge._array_fault(
    document jsonb,
    schema jsonb,
    root jsonb,
    path text,
    depth integer
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_length constant integer := jsonb_array_length(document);
    v_fault text;
begin
    if v_length < (schema -> 'minItems')::integer then
        return forge._broken(path, 'minItems', format('%s items', v_length));
    elsif v_length > (schema -> 'maxItems')::integer then
        return forge._broken(path, 'maxItems', format('%s items', v_length));
    end if;
    if (schema -> 'uniqueItems')::boolean
        and v_length > (select count(distinct e.item) from jsonb_array_elements(document) as e (item))
    then
        return forge._broken(path, 'uniqueItems', 'two items are equal');
    end if;
    if schema ? 'items' then
        for v_item in 0 .. v_length - 1 loop
            v_fault := forge._fault(
                document -> v_item, schema -> 'items', root, path || '/' || v_item, depth + 1
            );
            exit when v_fault is not null;
        end loop;
    end if;
    return v_fault;
end;
$function$;
comment on function forge._array_fault(jsonb, jsonb, jsonb, text, integer) is
'What is wrong with an array; null: nothing. Internal.';

create or replace function forge._object_fault(
    document jsonb,
    schema jsonb,
    root jsonb,
    path text,
    depth integer
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_properties constant jsonb := coalesce(schema -> 'properties', '{}');
    v_more constant jsonb := schema -> 'additionalProperties';
    v_size integer;
    v_key text;
    v_fault text;
begin
    if schema ? 'required' then
        select r.key into v_key
        from jsonb_array_elements_text(schema -> 'required') as r (key)
        where not document ? r.key
        limit 1;
        if found then
            return forge._broken(path, 'required', format('%s is missing', to_jsonb(v_key)));
        end if;
    end if;
    if schema ?| '{minProperties,maxProperties}' then
        v_size := (select count(*) from jsonb_object_keys(document));
        if v_size < (schema -> 'minProperties')::integer then
            return forge._broken(path, 'minProperties', format('%s properties', v_size));
        elsif v_size > (schema -> 'maxProperties')::integer then
            return forge._broken(path, 'maxProperties', format('%s properties', v_size));
        end if;
    end if;
    if v_properties = '{}' and v_more is null then
        return null;
    end if;
    for v_key in select k.key from jsonb_object_keys(document) as k (key) loop
        if v_properties ? v_key then
            v_fault := forge._fault(
                document -> v_key, v_properties -> v_key, root, forge._at_key(path, v_key), depth + 1
            );
        elsif v_more = 'false' then
            v_fault := forge._broken(
                path, 'additionalProperties', format('%s is not expected', to_jsonb(v_key))
            );
        elsif v_more is not null then
            v_fault := forge._fault(
                document -> v_key, v_more, root, forge._at_key(path, v_key), depth + 1
            );
        end if;
        exit when v_fault is not null;
    end loop;
    return v_fault;
end;
$function$;
comment on function forge._object_fault(jsonb, jsonb, jsonb, text, integer) is
'What is wrong with an object; null: nothing. Internal.';

create or replace function forge._combined_fault(
    document jsonb,
    schema jsonb,
    root jsonb,
    path text,
    depth integer
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_schema jsonb;
    v_fault text;
    v_kept integer := 0;
begin
    if schema ? '$ref' then
        v_fault := forge._fault(document, forge._schema_at(root, schema ->> '$ref'), root, path, depth + 1);
    end if;
    if v_fault is null and schema ? 'allOf' then
        for v_schema in select s.item from jsonb_array_elements(schema -> 'allOf') as s (item) loop
            v_fault := forge._fault(document, v_schema, root, path, depth + 1);
            exit when v_fault is not null;
        end loop;
    end if;
    if v_fault is null and schema ? 'anyOf' then
        for v_schema in select s.item from jsonb_array_elements(schema -> 'anyOf') as s (item) loop
            v_fault := forge._fault(document, v_schema, root, path, depth + 1);
            exit when v_fault is null;
        end loop;
        if v_fault is not null then
            return forge._broken(path, 'anyOf', 'it keeps to none of them; the last says ' || v_fault);
        end if;
    end if;
    if v_fault is null and schema ? 'oneOf' then
        for v_schema in select s.item from jsonb_array_elements(schema -> 'oneOf') as s (item) loop
            v_kept := v_kept + (forge._fault(document, v_schema, root, path, depth + 1) is null)::integer;
        end loop;
        if v_kept <> 1 then
            return forge._broken(path, 'oneOf', format('it keeps to %s of them', v_kept));
        end if;
    end if;
    if v_fault is null and schema ? 'not'
        and forge._fault(document, schema -> 'not', root, path, depth + 1) is null
    then
        return forge._broken(path, 'not', 'it keeps to what it must not');
    end if;
    return v_fault;
end;
$function$;
comment on function forge._combined_fault(jsonb, jsonb, jsonb, text, integer) is
'What is wrong with a document by $ref, allOf, anyOf, oneOf or not; null: nothing. Internal.';

create or replace function forge._fault(
    document jsonb,
    schema jsonb,
    root jsonb,
    path text default '#',
    depth integer default 0
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_type constant text := jsonb_typeof(document);
    v_fault text;
begin
    if jsonb_typeof(schema) = 'boolean' then
        return case when schema = 'false' then forge._broken(path, 'false', 'nothing is allowed here') end;
    end if;
    if depth > 100 then
        return forge._broken(path, 'depth', 'it is nested over 100 levels deep');
    end if;
    if not forge._is_of_type(document, schema -> 'type') then
        return forge._broken(path, 'type', format('%s is not %s', v_type, schema -> 'type'));
    end if;
    if schema -> 'const' <> document then
        return forge._broken(path, 'const', format('%s is not %s', document, schema -> 'const'));
    end if;
    if schema ? 'enum' then
        perform from jsonb_array_elements(schema -> 'enum') as e (item) where e.item = document;
        if not found then
            return forge._broken(path, 'enum', format('%s is none of %s', document, schema -> 'enum'));
        end if;
    end if;

    v_fault := case v_type
        when 'object' then forge._object_fault(document, schema, root, path, depth)
        when 'array' then forge._array_fault(document, schema, root, path, depth)
        when 'string' then forge._text_fault(document #>> '{}', schema, path)
        when 'number' then forge._number_fault(document::numeric, schema, path)
    end;
    if v_fault is null and schema ?| '{$ref,allOf,anyOf,oneOf,not}' then
        v_fault := forge._combined_fault(document, schema, root, path, depth);
    end if;
    return v_fault;
end;
$function$;
comment on function forge._fault(jsonb, jsonb, jsonb, text, integer) is
'What is wrong with a document by a schema that is a part of root: path and rule; null: nothing. Internal.';
