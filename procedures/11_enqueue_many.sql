-- Enqueue in bulk: new --enqueue--> PENDING, many in one call.
--
-- Locks: doorbells (shared tries); index entries of unique keys, in the order of (queue, key), so
-- that two calls with the same keys cannot deadlock. Raises: JQ001, JQ005.

create or replace function forge._parse_jobs(
    jobs jsonb,
    at timestamptz
)
returns forge.jobs[]
language plpgsql volatile
as $function$
declare
    v_keys constant text[] := array[
        'type', 'payload', 'queue', 'priority', 'scheduled_at', 'max_retries', 'unique_key',
        'retry_base', 'retry_factor', 'retry_cap', 'retry_jitter', 'tags'
    ];
    v_jobs forge.jobs[];
    v_wrong record;
begin
    if (jsonb_typeof(_parse_jobs.jobs) = 'array') is not true then
        perform forge._invalid('jobs', _parse_jobs.jobs::text, 'pass an array of objects');
    elsif jsonb_array_length(_parse_jobs.jobs) > 10000 then
        perform forge._too_large(
            'jobs', jsonb_array_length(_parse_jobs.jobs), 10000, 'split it over several calls'
        );
    end if;

    select e.ordinality - 1 as position, e.job into v_wrong
    from jsonb_array_elements(_parse_jobs.jobs) with ordinality as e (job, ordinality)
    where jsonb_typeof(e.job) <> 'object'
        or e.job - v_keys <> '{}'
        -- without a zone the time would depend on the session that happens to run this; the -02 of a
        -- lone date is none
        or not coalesce(e.job ->> 'scheduled_at', 'T0Z') ~ '[Tt ]\d.*(Z|z|[+-]\d\d(:?\d\d)?)$'
    order by e.ordinality
    limit 1;
    if found then
        perform forge._invalid(
            format('jobs[%s]', v_wrong.position), v_wrong.job::text,
            'use an object with the parameters of enqueue as keys, times with a zone'
        );
    end if;

    -- A record turns any value into text without a word; what the casts below refuse is left to them.
    select e.job into v_wrong
    from jsonb_array_elements(_parse_jobs.jobs) as e (job)
    where jsonb_typeof(e.job -> 'type') not in ('string', 'null')
        or jsonb_typeof(e.job -> 'queue') not in ('string', 'null')
        or jsonb_typeof(e.job -> 'unique_key') not in ('string', 'null')
        or jsonb_typeof(e.job -> 'retry_base') not in ('string', 'null')
        or jsonb_typeof(e.job -> 'retry_cap') not in ('string', 'null')
        or jsonb_typeof(e.job -> 'tags') not in ('array', 'null')
    limit 1;
    if found then
        perform forge._invalid(
            'jobs', v_wrong.job::text, 'use values of the types of enqueue''s parameters'
        );
    end if;

    begin
        select array_agg(
            row(
                nextval('forge.job_id_seq'),
                coalesce(e.scheduled_at, _parse_jobs.at),
                _parse_jobs.at,
                null, null, null, null, null,
                coalesce(e.priority, 0),
                0,
                e.max_retries,
                0,
                e.retry_base, e.retry_factor, e.retry_cap, e.retry_jitter,
                null,
                'PENDING',
                coalesce(e.queue, 'default'),
                e.type,
                null,
                e.unique_key,
                null,
                e.tags,
                -- a JSON null is a payload too, which the record cannot tell from none
                coalesce(e.payload, _parse_jobs.jobs -> (e.ordinality - 1)::integer -> 'payload', '{}'),
                null
            )::forge.jobs
            order by e.ordinality
        ) into v_jobs
        from rows from (
            jsonb_to_recordset(_parse_jobs.jobs) as (
                type text,
                payload jsonb,
                queue text,
                priority integer,
                scheduled_at timestamptz,
                max_retries integer,
                unique_key text,
                retry_base interval,
                retry_factor double precision,
                retry_cap interval,
                retry_jitter double precision,
                tags text[]
            )
        ) with ordinality as e;
    exception
        when data_exception then
            perform forge._invalid('jobs', sqlerrm, 'use values of the types of enqueue''s parameters');
    end;
    return coalesce(v_jobs, '{}');
end;
$function$;
comment on function forge._parse_jobs(jsonb, timestamptz) is
'Turns the argument of enqueue_many into rows with ids, in order. Internal.';

create or replace function forge._check_jobs(jobs forge.jobs[])
returns void
language plpgsql volatile
as $function$
declare
    v_limit constant integer := (select s.payload_limit from forge.settings as s);
    v_wrong forge.jobs;
begin
    -- One pass over all of them; the functions that word the error are called for the first culprit.
    select j.* into v_wrong
    from unnest(_check_jobs.jobs) as j
    where (
            forge._is_name(j.type)
            and forge._is_name(j.queue)
            and j.priority between -32768 and 32767
            and isfinite(j.scheduled_at)
            and j.tags is null
            and j.retry_base is null and j.retry_factor is null and j.retry_cap is null
            and j.retry_jitter is null
            and (j.max_retries is null or j.max_retries between 0 and 100000)
            and (
                j.unique_key is null
                or char_length(j.unique_key) between 1 and 500 and octet_length(j.unique_key) <= 1800
            )
            and octet_length(j.payload::text) <= v_limit
        ) is not true
    limit 1;
    if not found then
        return;
    end if;
    for v_wrong in select j.* from unnest(_check_jobs.jobs) as j loop
        perform forge._check_enqueue(
            v_wrong.type, v_wrong.payload, v_wrong.queue, v_wrong.priority, v_wrong.scheduled_at,
            v_wrong.unique_key, v_wrong.tags
        );
        perform forge._check_policy(
            v_wrong.retry_base, v_wrong.retry_factor, v_wrong.retry_cap, v_wrong.retry_jitter,
            v_wrong.max_retries
        );
        perform forge._check_size('payload', v_wrong.payload);
    end loop;
end;
$function$;
comment on function forge._check_jobs(forge.jobs[]) is
'Raises JQ001 or JQ005 for the first job that enqueue would refuse. Internal.';

create or replace function forge.enqueue_many(
    jobs jsonb
)
returns setof forge.enqueued
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_jobs constant forge.jobs[] := forge._parse_jobs(enqueue_many.jobs, v_now);
    v_ids bigint[] := array(select j.id from unnest(v_jobs) with ordinality as j order by j.ordinality);
    v_created boolean[] := array_fill(true, array[cardinality(v_jobs)]);
    v_position integer;
    v_row forge.enqueued;
    v_queue text;
begin
    perform forge._check_jobs(v_jobs);

    insert into forge.jobs (
        id, scheduled_at, created_at, priority, max_retries,
        retry_base, retry_factor, retry_cap, retry_jitter,
        status, queue, type, tags, payload
    )
    select
        j.id, j.scheduled_at, j.created_at, j.priority, j.max_retries,
        j.retry_base, j.retry_factor, j.retry_cap, j.retry_jitter,
        j.status, j.queue, j.type, j.tags, j.payload
    from unnest(v_jobs) as j
    where j.unique_key is null;

    for v_position in
        select j.ordinality
        from unnest(v_jobs) with ordinality as j
        where j.unique_key is not null
        order by j.queue, j.unique_key, j.ordinality
    loop
        v_row := forge._enqueue_unique(v_jobs[v_position]);
        v_ids[v_position] := v_row.id;
        v_created[v_position] := v_row.created;
    end loop;

    for v_queue in
        select distinct j.queue from unnest(v_jobs) as j where j.scheduled_at <= v_now
    loop
        perform forge._ring(v_queue);
    end loop;

    return query select u.id, u.created from unnest(v_ids, v_created) as u (id, created);
end;
$function$;
comment on function forge.enqueue_many(jsonb) is
'Adds many jobs in one call and one statement, in the caller''s transaction: all of them or none.

Parameters:
  jobs  an array of at most 10,000 objects whose keys are the parameters of forge.enqueue, with its
        defaults; scheduled_at is ISO 8601 with a zone, intervals are PostgreSQL''s text
Returns: one row a job, in order: id, created (false: its unique_key was taken, the id is the holder''s).
Raises: JQ001, JQ005.
Example: select * from forge.enqueue_many(''[{"type":"email"},{"type":"email","priority":5}]'');';
