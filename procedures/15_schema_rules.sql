-- JSON Schema: whether a schema is one that 14_schema.sql can hold documents to.
--
-- An unknown keyword is refused, not ignored: a rule that is misspelt would hold nobody to anything.
-- Locks: none. Called by: 16_payload_checks.sql.

create or replace function forge._is_pattern(text text)
returns boolean
language plpgsql immutable parallel safe
as $function$
begin
    return '' ~ _is_pattern.text is not null;
exception
    when invalid_regular_expression then
        return false;
end;
$function$;
comment on function forge._is_pattern(text) is
'Whether a text is a regular expression of PostgreSQL''s. Internal.';

create or replace function forge._are_distinct_texts(document jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    select case
        when jsonb_typeof($1) = 'array' then not exists (
            select
            from jsonb_array_elements($1) as e (item)
            group by e.item
            having count(*) > 1 or jsonb_typeof(e.item) <> 'string'
        )
        else false
    end;
$function$;
comment on function forge._are_distinct_texts(jsonb) is
'Whether a document is an array of strings of which no two are equal. Internal.';

create or replace function forge._is_length(document jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    select case
        when jsonb_typeof($1) = 'number'
        then $1::numeric between 0 and 2147483647 and trunc($1::numeric) = $1::numeric
        else false
    end;
$function$;
comment on function forge._is_length(jsonb) is
'Whether a document is a whole number that can be a length. Internal.';

create or replace function forge._is_keyword_value(
    key text,
    rule jsonb,
    root jsonb
)
returns boolean
language plpgsql immutable parallel safe
as $function$
declare
    v_type constant text := jsonb_typeof(_is_keyword_value.rule);
    v_text constant text := case when v_type = 'string' then _is_keyword_value.rule #>> '{}' end;
begin
    return case
        when _is_keyword_value.key in ('title', 'description', '$comment') then v_type = 'string'
        when _is_keyword_value.key in ('default', 'const') then true
        when _is_keyword_value.key in ('examples', 'enum') then v_type = 'array'
        when _is_keyword_value.key in ('deprecated', 'readOnly', 'writeOnly', 'uniqueItems')
        then v_type = 'boolean'
        when _is_keyword_value.key = '$schema'
        then v_text ~ '^https://json-schema\.org/draft/2020-12/schema#?$'
        when _is_keyword_value.key = 'type' then
            case when v_type = 'string' then jsonb_build_array(_is_keyword_value.rule) else rule end
                <@ '["null", "boolean", "object", "array", "number", "string", "integer"]'
            and (v_type = 'string' or forge._are_distinct_texts(rule) and rule <> '[]')
        when _is_keyword_value.key in ('properties', '$defs') then v_type = 'object'
        when _is_keyword_value.key = 'required' then forge._are_distinct_texts(rule)
        when _is_keyword_value.key in ('additionalProperties', 'items', 'not')
        then v_type in ('object', 'boolean')
        when _is_keyword_value.key in ('allOf', 'anyOf', 'oneOf') then v_type = 'array' and rule <> '[]'
        when _is_keyword_value.key in ('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')
        then v_type = 'number'
        when _is_keyword_value.key in (
            'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'
        )
        then forge._is_length(rule)
        when _is_keyword_value.key = 'pattern' then forge._is_pattern(v_text)
        when _is_keyword_value.key = 'format' then forge._has_format('', v_text) is not null
        when _is_keyword_value.key = '$ref' then forge._schema_at(_is_keyword_value.root, v_text) is not null
    end;
end;
$function$;
comment on function forge._is_keyword_value(text, jsonb, jsonb) is
'Whether a keyword of JSON Schema may have a value; null: there is no such keyword here. Internal.';

create or replace function forge._schema_fault(
    schema jsonb,
    root jsonb,
    path text default '#',
    depth integer default 0
)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_key text;
    v_rule jsonb;
    v_part record;
    v_fault text;
begin
    if jsonb_typeof(schema) = 'boolean' then
        return null;
    elsif (jsonb_typeof(schema) = 'object') is not true then
        return forge._broken(path, 'schema', 'it is neither an object nor a boolean');
    elsif depth > 50 then
        return forge._broken(path, 'schema', 'it is nested over 50 levels deep');
    end if;
    for v_key, v_rule in select e.key, e.value from jsonb_each(schema) as e loop
        if forge._is_keyword_value(v_key, v_rule, root) is null
            or (v_key in ('$schema', '$defs') and path <> '#')
        then
            return forge._broken(path, v_key, 'no such keyword is known here');
        elsif not forge._is_keyword_value(v_key, v_rule, root) then
            return forge._broken(path, v_key, format('it cannot be %s', v_rule));
        end if;
        for v_part in
            select forge._at_key(forge._at_key(path, v_key), p.key) as path, p.schema
            from (
                select e.key, e.value as schema
                from jsonb_each(case when v_key in ('properties', '$defs') then v_rule end) as e
                union all
                select (a.ordinality - 1)::text, a.item
                from jsonb_array_elements(case when v_key in ('allOf', 'anyOf', 'oneOf') then v_rule end)
                    with ordinality as a (item, ordinality)
            ) as p
            union all
            select forge._at_key(path, v_key), v_rule
            where v_key in ('additionalProperties', 'items', 'not')
        loop
            v_fault := forge._schema_fault(v_part.schema, root, v_part.path, depth + 1);
            if v_fault is not null then
                return v_fault;
            end if;
        end loop;
    end loop;
    return null;
end;
$function$;
comment on function forge._schema_fault(jsonb, jsonb, text, integer) is
'Where a schema is none that documents can be held to; null: nowhere. Internal.';

create or replace function forge._refs_in_place(schema jsonb)
returns text[]
language plpgsql immutable parallel safe
as $function$
declare
    v_refs text[] := array[]::text[];
    v_part jsonb;
begin
    if jsonb_typeof(schema) <> 'object' then
        return v_refs;
    end if;
    if schema ? '$ref' then
        v_refs := array[schema ->> '$ref'];
    end if;
    for v_part in
        select p.item
        from jsonb_array_elements(
            coalesce(schema -> 'allOf', '[]') || coalesce(schema -> 'anyOf', '[]')
            || coalesce(schema -> 'oneOf', '[]') || jsonb_build_array(schema -> 'not')
        ) as p (item)
    loop
        v_refs := v_refs || forge._refs_in_place(v_part);
    end loop;
    return v_refs;
end;
$function$;
comment on function forge._refs_in_place(jsonb) is
'The $refs that a schema holds the document itself to, and no part of it. Internal.';

create or replace function forge._looping_ref(root jsonb)
returns text
language sql immutable parallel safe
as $function$
    -- A $ref that leads to itself without going deeper into the document would never come to an end.
    with recursive step as (
        select '#'::text as ref, unnest(forge._refs_in_place($1)) as next_ref
        union
        select d.ref, unnest(forge._refs_in_place(forge._schema_at($1, d.ref)))
        from (
            select '#/$defs/' || replace(replace(k.key, '~', '~0'), '/', '~1') as ref
            from jsonb_object_keys(case when jsonb_typeof($1) = 'object' then $1 -> '$defs' end) as k (key)
        ) as d
    ),
    way as (
        select s.ref, s.next_ref from step as s
        union
        select w.ref, s.next_ref from way as w join step as s on s.ref = w.next_ref
    )
    select w.ref from way as w where w.ref = w.next_ref order by w.ref limit 1;
$function$;
comment on function forge._looping_ref(jsonb) is
'A $ref of a schema that leads back to itself in place; null: there is none. Internal.';
