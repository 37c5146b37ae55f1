-- Changes make jobs: on_change puts statement triggers on a table, which enqueue in the writer's transaction.
--
-- With whose rights: CREATE TRIGGER asks for the table's owner, so on_change and off_change run with their
-- caller's rights. The one trigger function belongs to forge_trigger, a role that may enqueue what a trigger
-- was made for and nothing else: the writer of the table needs no right on Forge, and an expression of the
-- table's owner gets none that the owner has not.
--
-- Everything about a change is the argument of its triggers: it goes with the table when that is renamed,
-- dumped or dropped. Locks: the table, against writers, while its triggers change; then as enqueue_many.
-- Raises: JQ001. Called by: owners of tables who may enqueue.

create or replace function forge._change_options(arguments bytea)
returns jsonb
language sql stable
as $function$
    -- one argument, and the zero byte after it
    select pg_catalog.convert_from(
        pg_catalog.substring($1, 1, pg_catalog.octet_length($1) - 1), pg_catalog.getdatabaseencoding()
    )::jsonb;
$function$;
comment on function forge._change_options(bytea) is
'What a trigger of on_change was told, from pg_trigger.tgargs. Internal.';

create or replace function forge._fit_change(
    payload jsonb,
    most integer
)
returns jsonb
language plpgsql immutable
as $function$
declare
    v_over constant integer := octet_length(_fit_change.payload::text) - _fit_change.most;
    v_left_out text[];
    v_column text;
    v_payload jsonb := _fit_change.payload;
begin
    if v_over <= 0 then
        return _fit_change.payload;
    end if;

    -- The largest first, until the rest and the names of what is missing have room.
    select array_agg(s.name order by s.bytes desc, s.name) into v_left_out
    from (
        select
            c.name, c.bytes,
            sum(c.bytes - octet_length(c.name)) over (order by c.bytes desc, c.name)
                - (c.bytes - octet_length(c.name)) as saved_before
        from (
            select e.key as name, sum(octet_length(e.value::text)) as bytes
            from (values ('old'), ('new')) as s (side)
            cross join lateral jsonb_each(
                case jsonb_typeof(_fit_change.payload -> s.side)
                    when 'object' then _fit_change.payload -> s.side
                    else '{}'
                end
            ) as e
            group by e.key
        ) as c
    ) as s
    where s.saved_before < v_over + 20;
    foreach v_column in array coalesce(v_left_out, '{}') loop
        v_payload := v_payload #- array['old', v_column] #- array['new', v_column];
    end loop;
    v_payload := v_payload || jsonb_build_object('left_out', v_left_out);
    if v_left_out is null or octet_length(v_payload::text) > _fit_change.most then
        v_payload := (_fit_change.payload - array['old', 'new']) || '{"left_out": ["old", "new"]}';
    end if;
    return v_payload;
end;
$function$;
comment on function forge._fit_change(jsonb, integer) is
'A payload without its largest columns, as many as are too much for the limit, or without the rows altogether;
it names what is missing. Internal.';

create or replace function forge._enqueue_changes(
    job jsonb,
    payloads jsonb[],
    keys text[],
    concurrency_keys text[]
)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_most constant integer := (select s.payload_limit from forge.settings as s);
    v_job forge.new_job;
begin
    if _enqueue_changes.keys is not null or _enqueue_changes.concurrency_keys is not null
        or _enqueue_changes.job ?| forge._rare_job_keys()
        or not forge._is_open(_enqueue_changes.job ->> 'queue', _enqueue_changes.job ->> 'type')
    then
        perform count(*)
        from forge.enqueue_many(
            (
                select jsonb_agg(
                    _enqueue_changes.job || jsonb_strip_nulls(jsonb_build_object(
                        -- a key has an end, and what is longer is told apart by its digest
                        'unique_key',
                        case when octet_length(u.key) <= 500 then nullif(u.key, '') else md5(u.key) end,
                        'concurrency_key', left(nullif(u.concurrency_key, ''), 200)
                    )) || jsonb_build_object('payload', forge._fit_change(u.payload, v_most))
                    order by u.ordinality
                )
                from unnest(
                    _enqueue_changes.payloads, _enqueue_changes.keys, _enqueue_changes.concurrency_keys
                ) with ordinality as u (payload, key, concurrency_key, ordinality)
            )
        );
    elsif cardinality(_enqueue_changes.payloads) = 1
        and _enqueue_changes.job - array['type', 'queue', 'priority'] = '{}'
    then
        perform forge.enqueue(
            _enqueue_changes.job ->> 'type',
            forge._fit_change(_enqueue_changes.payloads[1], v_most),
            _enqueue_changes.job ->> 'queue',
            (_enqueue_changes.job ->> 'priority')::integer
        );
    else
        -- The short way of enqueue_many, without a document of all jobs in between.
        v_job := forge._new_job(_enqueue_changes.job);
        perform forge._check_enqueue(
            v_job.type, v_job.payload, v_job.queue, v_job.priority, null, null, v_job.tags
        );
        perform forge._check_policy(
            v_job.retry_base, v_job.retry_factor, v_job.retry_cap, v_job.retry_jitter, v_job.max_retries
        );
        insert into forge.jobs (
            scheduled_at, created_at, priority, max_retries, status, queue, type, tags, payload
        )
        select
            v_now, v_now, v_job.priority, v_job.max_retries,
            'PENDING', v_job.queue, v_job.type, v_job.tags,
            case
                when octet_length(u.payload::text) <= v_most then u.payload
                else forge._fit_change(u.payload, v_most)
            end
        from unnest(_enqueue_changes.payloads) as u (payload);
        perform forge._ring(v_job.queue);
    end if;
end;
$function$;
comment on function forge._enqueue_changes(jsonb, jsonb[], text[], text[]) is
'Enqueues a batch of changes: job is what they have in common, and the keys are null where none have any.
forge_trigger may call it. Internal.';

create or replace function forge._changes_from(
    operation text,
    shape text,
    options jsonb
)
returns text
language plpgsql immutable
as $function$
declare
    v_rows constant text := case _changes_from.shape
        when 'one' then '%s as %s'
        else '(select row_number() over () as "forge #", r.* from %s as r) as %s'
    end;
    v_none constant text := '(select null::bigint as "forge #", r.* from %s as r where false) as %s';
    v_from text;
    v_changed text;
    v_present text;
begin
    -- A row before and after an update: both tables hold them in the order in which they were changed, and
    -- so the n-th of one is the n-th of the other, whatever became of the primary key. If a trigger has
    -- swallowed a row on its way from one partition to another, the numbers differ and nothing is paired.
    v_from := case _changes_from.operation
        when 'INSERT' then concat(
            format(v_none, 'new_rows', 'old'), ' right join ', format(v_rows, 'new_rows', 'new'), ' on true'
        )
        when 'DELETE' then concat(
            format(v_rows, 'old_rows', 'old'), ' left join ', format(v_none, 'old_rows', 'new'), ' on true'
        )
        else concat(
            format(v_rows, 'old_rows', 'old'),
            case _changes_from.shape when 'one' then ' cross join ' else ' full join ' end,
            format(v_rows, 'new_rows', 'new'),
            case _changes_from.shape
                when 'many' then ' on new."forge #" = old."forge #"'
                when 'unpaired' then ' on new."forge #" = old."forge #" + 1000000000000'
            end
        )
    end;
    if _changes_from.operation = 'UPDATE' and _changes_from.options ? 'if_changed' then
        select format(
            ' and pg_catalog.record_image_ne(row(%s), row(%s))',
            string_agg(format('old.%I', c.name), ', '), string_agg(format('new.%I', c.name), ', ')
        )
        into v_changed
        from jsonb_array_elements_text(_changes_from.options -> 'if_changed') as c (name);
    end if;
    if _changes_from.options ? 'without' then
        -- A secret that is called otherwise today must not slip through: its old name has to be there.
        select string_agg(format(' and (old.%I is null or true)', c.name), '')
        into v_present
        from jsonb_array_elements_text(_changes_from.options -> 'without') as c (name);
    end if;
    return concat(
        'from ', v_from, ' where true', v_changed, v_present,
        e' and (\n' || (_changes_from.options ->> 'when_condition') || e'\n)'
    );
end;
$function$;
comment on function forge._changes_from(text, text, jsonb) is
'The rows of a statement that a change is interested in, as the end of a query; shape is one, many or
unpaired. Internal.';

create or replace function forge._changes_query(
    operation text,
    shape text,
    options jsonb
)
returns text
language plpgsql immutable
as $function$
declare
    v_key constant text := e'(\n' || (_changes_query.options ->> 'key') || e'\n)::text';
    v_by constant text := e'(\n' || (_changes_query.options ->> 'concurrency_key') || e'\n)::text';
    v_keys constant text := concat(coalesce(v_key, 'null::text'), ', ', coalesce(v_by, 'null::text'));
    v_whole constant boolean := _changes_query.options ->> 'each' = 'statement';
    v_from constant text := forge._changes_from(
        _changes_query.operation, _changes_query.shape, _changes_query.options
    );
    v_side constant text := format(
        case _changes_query.shape
            when 'one' then 'to_jsonb(%%1$s.*) - %1$L::text[]'
            else 'case when %%1$s."forge #" > 0 then to_jsonb(%%1$s.*) - %1$L::text[] end'
        end,
        array['forge #'] || array(
            select e.name from jsonb_array_elements_text(_changes_query.options -> 'without') as e (name)
        )
    );
    v_old constant text := case _changes_query.operation
        when 'INSERT' then 'null::jsonb' else format(v_side, 'old') end;
    v_new constant text := case _changes_query.operation
        when 'DELETE' then 'null::jsonb' else format(v_side, 'new') end;
begin
    return case
        when _changes_query.operation = 'TRUNCATE' then concat(
            'select jsonb_build_object(''table'', $1, ''operation'', $2), ',
            case when v_whole then v_keys else 'null, null' end
        )
        when v_whole and _changes_query.shape = 'one' then concat(
            'select jsonb_build_object(''table'', $1, ''operation'', $2, ''rows'', 1, ',
                '''old'', nullif(jsonb_build_array(', v_old, '), ''[null]''), ',
                '''new'', nullif(jsonb_build_array(', v_new, '), ''[null]'')), ', v_keys, ' ', v_from
        )
        -- The rows themselves only where they are few.
        when v_whole then concat(
            'select jsonb_build_object(''table'', $1, ''operation'', $2, ''rows'', s.rows) ',
                '|| case when s.rows <= 100 then jsonb_build_object(''old'', s.old, ''new'', s.new) ',
                'else ''{"left_out": ["old", "new"]}'' end, ', v_keys, ' ',
            'from (select max(r.rows) as rows, ',
                'jsonb_agg(r.old order by r.number) filter (where r.old is not null) as old, ',
                'jsonb_agg(r.new order by r.number) filter (where r.new is not null) as new ',
            'from (select count(*) over () as rows, row_number() over () as number, ',
                'case when row_number() over () <= 100 then ', v_old, ' end as old, ',
                'case when row_number() over () <= 100 then ', v_new, ' end as new ', v_from, ') as r) as s ',
            'where s.rows > 0'
        )
        -- In the order of keys, so that two statements with the same keys cannot deadlock.
        else concat(
            'select jsonb_build_object(''table'', $1, ''operation'', $2, ',
                '''old'', ', v_old, ', ''new'', ', v_new, '), ', v_keys, ' ', v_from,
            case when _changes_query.shape <> 'one' then ' order by ' || v_key || ' collate "C"' end
        )
    end;
end;
$function$;
comment on function forge._changes_query(text, text, jsonb) is
'The query for what the jobs of one statement say: payload, key, concurrency_key; its parameters are the table
and the operation. Internal.';

create or replace function forge._enqueue_rows(
    rows refcursor,
    job jsonb,
    keyed boolean
)
returns void
language plpgsql volatile
as $function$
declare
    v_payload jsonb;
    v_key text;
    v_by text;
    v_payloads jsonb[];
    v_keys text[];
    v_bys text[];
    v_count integer := 0;
    v_bytes bigint := 0;
    v_more boolean := true;
begin
    while v_more loop
        fetch _enqueue_rows.rows into v_payload, v_key, v_by;
        v_more := found;
        if v_more then
            v_count := v_count + 1;
            v_bytes := v_bytes + pg_column_size(v_payload);
            v_payloads[v_count] := v_payload;
            if _enqueue_rows.keyed then
                v_keys[v_count] := v_key;
                v_bys[v_count] := v_by;
            end if;
        end if;
        -- In batches, as there is an end to what an array or a document can hold.
        if v_count >= 1000 or v_bytes > 33554432 or (v_count > 0 and not v_more) then
            perform forge._enqueue_changes(_enqueue_rows.job, v_payloads, v_keys, v_bys);
            v_payloads := null;
            v_keys := null;
            v_bys := null;
            v_count := 0;
            v_bytes := 0;
        end if;
    end loop;
end;
$function$;
comment on function forge._enqueue_rows(refcursor, jsonb, boolean) is
'Enqueues the jobs that a query of a change gives; the query goes on with the rights of the caller, as
this does. Internal.';

create or replace function forge._on_change()
returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_options constant jsonb := tg_argv[0]::jsonb;
    v_job constant jsonb := v_options -> 'job';
    v_must constant boolean := v_options ->> 'on_error' = 'raise';
    v_table constant text := format('%I.%I', tg_table_schema, tg_table_name);
    v_what constant text := format('name=%s table=%s operation=', v_options ->> 'name', v_table);
    v_keyed constant boolean := v_options ?| '{key,concurrency_key}';
    v_old bigint := 0;
    v_new bigint := 0;
    v_query text;
    v_rows refcursor;
begin
    if tg_op in ('UPDATE', 'DELETE') then
        select count(*) into v_old from old_rows;
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        select count(*) into v_new from new_rows;
    end if;
    -- A statement that changed nothing is found out for little; on_change tries one nevertheless.
    if v_old + v_new = 0 and tg_op <> 'TRUNCATE' and not v_options ? 'try' then
        return null;
    end if;

    v_query := forge._changes_query(
        tg_op,
        case
            when greatest(v_old, v_new) = 1 and (tg_op <> 'UPDATE' or v_old = v_new) then 'one'
            when tg_op = 'UPDATE' and v_old <> v_new then 'unpaired'
            else 'many'
        end,
        v_options
    );
    -- The path of whoever made the change, for the names in its expressions.
    perform set_config('search_path', v_options ->> 'path', true);
    if v_must then
        open v_rows for execute v_query using v_table, tg_op;
        perform forge._enqueue_rows(v_rows, v_job, v_keyed);
    else
        begin
            open v_rows for execute v_query using v_table, tg_op;
            perform forge._enqueue_rows(v_rows, v_job, v_keyed);
        exception
            when others then
                raise warning using
                    errcode = 'JQ001',
                    message = 'a change made no job',
                    detail = pg_catalog.concat(v_what, tg_op, ': ', sqlerrm),
                    hint = 'mend it with forge.on_change, then make up for what was changed meanwhile';
        end;
    end if;
    return null;
end;
$function$;
comment on function forge._on_change() is
'The trigger function of on_change. Belongs to forge_trigger, which may only enqueue; those who may call
on_change may make triggers of it. Internal.';
