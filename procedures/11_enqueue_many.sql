-- Enqueue in bulk: new --enqueue--> PENDING, many in one call.
--
-- Locks: doorbells (shared tries); index entries of unique keys, in the order of (queue, key), so
-- that two calls with the same keys cannot deadlock. Raises: JQ001, JQ005, JQ012, JQ013, JQ014.

create or replace function forge._job_keys()
returns text[]
language sql immutable parallel safe
as $function$
    select array[
        'type', 'payload', 'queue', 'priority', 'scheduled_at', 'max_retries', 'unique_key', 'tags'
    ];
$function$;
comment on function forge._job_keys() is
'The keys that a job of enqueue_many may have. Internal.';

create or replace function forge._rare_job_keys()
returns text[]
language sql immutable parallel safe
as $function$
    select array[
        'retry_base', 'retry_factor', 'retry_cap', 'retry_jitter',
        'unique_by', 'unique_scope', 'unique_for', 'on_conflict', 'debounce', 'debounce_max',
        'concurrency_key', 'handle', 'depends_on', 'on_parent_failure', 'batch', 'timeout', 'retry_rules'
    ];
$function$;
comment on function forge._rare_job_keys() is
'Those keys that make enqueue_many take its jobs one by one. Internal.';

create or replace function forge._has_job_keys(
    job jsonb,
    keys text[]
)
returns boolean
language sql immutable parallel safe
as $function$
    select jsonb_typeof($1) = 'object'
        and $1 - $2 = '{}'
        -- without a zone the time would depend on the session that happens to run this; the -02 of a
        -- lone date is none
        and (
            $1 ->> 'scheduled_at' is null
            or $1 ->> 'scheduled_at' ~ '[Tt ]\d.*(Z|z|[+-]\d\d(:?\d\d)?)$'
        );
$function$;
comment on function forge._has_job_keys(jsonb, text[]) is
'Whether a document is an object with known keys, and its time one with a zone. Internal.';

create or replace function forge._has_job_types(job jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    -- A record turns any value into text without a word; what its casts refuse is left to them.
    select (
        jsonb_typeof($1 -> 'type') not in ('string', 'null')
        or jsonb_typeof($1 -> 'queue') not in ('string', 'null')
        or jsonb_typeof($1 -> 'unique_key') not in ('string', 'null')
        or jsonb_typeof($1 -> 'tags') not in ('array', 'null')
    ) is not true;
$function$;
comment on function forge._has_job_types(jsonb) is
'Whether the values of a job are of types that a record would not see to. Internal.';

create or replace function forge._has_rare_types(job jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    select forge._has_job_types($1) and (
        jsonb_typeof($1 -> 'retry_base') not in ('string', 'null')
        or jsonb_typeof($1 -> 'retry_cap') not in ('string', 'null')
        or jsonb_typeof($1 -> 'unique_by') not in ('array', 'null')
        or jsonb_typeof($1 -> 'unique_scope') not in ('string', 'null')
        or jsonb_typeof($1 -> 'unique_for') not in ('string', 'null')
        or jsonb_typeof($1 -> 'on_conflict') not in ('string', 'null')
        or jsonb_typeof($1 -> 'debounce') not in ('string', 'null')
        or jsonb_typeof($1 -> 'debounce_max') not in ('string', 'null')
        or jsonb_typeof($1 -> 'concurrency_key') not in ('string', 'null')
        or jsonb_typeof($1 -> 'handle') not in ('string', 'null')
        or jsonb_typeof($1 -> 'depends_on') not in ('array', 'null')
        or jsonb_typeof($1 -> 'on_parent_failure') not in ('string', 'null')
        or jsonb_typeof($1 -> 'batch') not in ('number', 'null')
        or jsonb_typeof($1 -> 'timeout') not in ('string', 'null')
    ) is not true;
$function$;
comment on function forge._has_rare_types(jsonb) is
'As _has_job_types, for jobs that say what few say. Internal.';

create or replace function forge._parse_jobs(
    jobs jsonb,
    at timestamptz
)
returns setof forge.jobs
language sql stable
as $function$
    select
        null::bigint,
        coalesce(e.scheduled_at, $2),
        $2,
        null::timestamptz, null::timestamptz, null::timestamptz, null::timestamptz,
        null::uuid,
        coalesce(e.priority, 0),
        0,
        e.max_retries,
        0,
        null::double precision,
        'PENDING',
        coalesce(e.queue, 'default'),
        e.type,
        null::text,
        e.unique_key,
        null::text,
        e.tags,
        -- a JSON null is a payload too, which the record cannot tell from none
        coalesce(e.payload, e.job -> 'payload', '{}'),
        null::jsonb,
        null::text, null::text, null::forge.job_extra, null::boolean
    from rows from (
        jsonb_array_elements($1),
        jsonb_to_recordset($1) as (
            type text,
            payload jsonb,
            queue text,
            priority integer,
            scheduled_at timestamptz,
            max_retries integer,
            unique_key text,
            tags text[]
        )
    ) with ordinality as e (
        job, type, payload, queue, priority, scheduled_at, max_retries, unique_key, tags, ordinality
    )
    order by e.ordinality;
$function$;
comment on function forge._parse_jobs(jsonb, timestamptz) is
'The argument of enqueue_many as rows, without ids, in order. In SQL, so that it becomes part of the
statement that calls it. Internal.';

create or replace function forge._check_jobs(jobs jsonb)
returns boolean
language plpgsql volatile
as $function$
declare
    v_keys constant text[] := forge._job_keys() || forge._rare_job_keys();
    v_wrong record;
begin
    if (jsonb_typeof(_check_jobs.jobs) = 'array') is not true then
        perform forge._invalid('jobs', _check_jobs.jobs::text, 'pass an array of objects');
    elsif jsonb_array_length(_check_jobs.jobs) > 10000 then
        perform forge._too_large(
            'jobs', jsonb_array_length(_check_jobs.jobs), 10000, 'split it over several calls'
        );
    end if;

    perform
    from jsonb_array_elements(_check_jobs.jobs) as e (job)
    where not (forge._has_job_keys(e.job, forge._job_keys()) and forge._has_job_types(e.job))
    limit 1;
    if not found then
        return false;
    end if;

    select e.ordinality - 1 as position, e.job, forge._has_job_keys(e.job, v_keys) as has_keys into v_wrong
    from jsonb_array_elements(_check_jobs.jobs) with ordinality as e (job, ordinality)
    where not (forge._has_job_keys(e.job, v_keys) and forge._has_rare_types(e.job))
    order by not forge._has_job_keys(e.job, v_keys) desc, e.ordinality
    limit 1;
    if found and not v_wrong.has_keys then
        perform forge._invalid(
            format('jobs[%s]', v_wrong.position), v_wrong.job::text,
            'use an object with the parameters of enqueue as keys, times with a zone'
        );
    elsif found then
        perform forge._invalid(
            'jobs', v_wrong.job::text, 'use values of the types of enqueue''s parameters'
        );
    end if;
    return true;
end;
$function$;
comment on function forge._check_jobs(jsonb) is
'Raises JQ001 or JQ005 for what is no array of objects with the parameters of enqueue; returns whether one
of them says what few say. Internal.';

create or replace function forge._check_rows(
    jobs jsonb,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
begin
    for v_job in select j.* from forge._parse_jobs(_check_rows.jobs, _check_rows.at) as j loop
        perform forge._check_enqueue(
            v_job.type, v_job.payload, v_job.queue, v_job.priority, v_job.scheduled_at,
            v_job.unique_key, v_job.tags
        );
        perform forge._check_policy(null, null, null, null, v_job.max_retries);
        perform forge._check_size('payload', v_job.payload);
    end loop;
end;
$function$;
comment on function forge._check_rows(jsonb, timestamptz) is
'Raises JQ001 or JQ005 for the first job that enqueue would refuse. Internal.';

create or replace function forge._enqueue_in_order(
    jobs forge.new_job[],
    at timestamptz,
    patient boolean
)
returns setof forge.enqueued
language plpgsql volatile
as $function$
declare
    v_ids bigint[];
    v_created boolean[];
    v_position integer;
    v_row forge.enqueued;
begin
    -- In the order of keys, whatever queue those of all queues are in: two calls cannot deadlock.
    for v_position in
        select j.ordinality
        from unnest(jobs) with ordinality as j
        order by forge._scope(j.queue, j.unique_scope), j.unique_key, j.ordinality
    loop
        v_row := forge._enqueue(
            jobs[v_position], _enqueue_in_order.at, patient => _enqueue_in_order.patient
        );
        v_ids[v_position] := v_row.id;
        v_created[v_position] := v_row.created;
    end loop;
    return query select u.id, u.created from unnest(v_ids, v_created) as u (id, created);
end;
$function$;
comment on function forge._enqueue_in_order(forge.new_job[], timestamptz, boolean) is
'Enqueues jobs one after the other, in the order of unique keys. Internal.';

create or replace function forge._enqueue_each(
    jobs jsonb,
    at timestamptz
)
returns setof forge.enqueued
language plpgsql volatile
as $function$
declare
    v_jobs forge.new_job[];
begin
    begin
        v_jobs := array(
            select forge._with_key(forge._new_job(e.job))
            from jsonb_array_elements(_enqueue_each.jobs) with ordinality as e (job, ordinality)
            order by e.ordinality
        );
    exception
        when data_exception then
            perform forge._invalid('jobs', sqlerrm, 'use values of the types of enqueue''s parameters');
    end;
    if not forge._may_change_holders(v_jobs) then
        return query select i.* from forge._enqueue_in_order(v_jobs, _enqueue_each.at, true) as i;
        return;
    end if;
    for v_try in 1 .. 50 loop
        begin
            perform forge._lock_holders(v_jobs);
            return query select i.* from forge._enqueue_in_order(v_jobs, _enqueue_each.at, false) as i;
            return;
        exception
            when lock_not_available then
                if v_try = 50 then
                    raise;
                end if;
        end;
        perform forge._await_holders(v_jobs);       -- all that it had is given back by now
    end loop;
end;
$function$;
comment on function forge._enqueue_each(jsonb, timestamptz) is
'Enqueues jobs some of which say what few say. Internal.';

create or replace function forge.enqueue_many(
    jobs jsonb
)
returns setof forge.enqueued
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_limit constant integer := (select s.payload_limit from forge.settings as s);
    v_doubtful bigint;
    v_keyed boolean;
    v_gated boolean;
    v_queues text[];
    v_queue text;
begin
    if forge._check_jobs(enqueue_many.jobs) then
        if forge._has_flows(enqueue_many.jobs) then
            return query select e.* from forge._enqueue_flows(enqueue_many.jobs, v_now) as e;
            return;
        end if;
        return query select e.* from forge._enqueue_each(enqueue_many.jobs, v_now) as e;
        return;
    end if;
    begin
        -- One pass over all of them; names are looked at once each.
        select
            count(*) filter (
                where (g.doubtful = 0 and forge._is_name(g.type) and forge._is_name(g.queue)) is not true
            ),
            bool_or(g.keyed),
            array_agg(distinct g.queue) filter (where g.due),
            bool_or(not forge._is_open(g.queue, g.type))
        into v_doubtful, v_keyed, v_queues, v_gated
        from (
            select
                j.type, j.queue,
                bool_or(j.unique_key is not null) as keyed,
                bool_or(j.scheduled_at <= v_now) as due,
                count(*) filter (
                    where (
                        j.priority between -32768 and 32767
                        and isfinite(j.scheduled_at)
                        and coalesce(j.max_retries, 0) between 0 and 100000
                        and num_nonnulls(j.unique_key, j.tags) = 0
                        and octet_length(j.payload::text) <= v_limit
                    ) is not true
                ) as doubtful
            from forge._parse_jobs(enqueue_many.jobs, v_now) as j
            group by j.type, j.queue
        ) as g;
    exception
        when data_exception then
            perform forge._invalid('jobs', sqlerrm, 'use values of the types of enqueue''s parameters');
    end;
    if v_doubtful > 0 then
        perform forge._check_rows(enqueue_many.jobs, v_now);
    end if;

    if (
        case when v_keyed then true when v_gated then not forge._admit_many(enqueue_many.jobs, v_now) end
    ) then
        return query select e.* from forge._enqueue_each(enqueue_many.jobs, v_now) as e;
        return;
    end if;
    return query
    insert into forge.jobs (
        scheduled_at, created_at, priority, max_retries, status, queue, type, tags, payload
    )
    select
        j.scheduled_at, j.created_at, j.priority, j.max_retries, j.status, j.queue, j.type, j.tags, j.payload
    from forge._parse_jobs(enqueue_many.jobs, v_now) as j
    returning jobs.id, true;

    foreach v_queue in array coalesce(v_queues, '{}') loop
        perform forge._ring(v_queue);
    end loop;
end;
$function$;
comment on function forge.enqueue_many(jsonb) is
'Adds many jobs in one call and one statement, in the caller''s transaction: all of them or none.

Parameters:
  jobs  an array of at most 10,000 objects whose keys are the parameters of forge.enqueue, with its
        defaults; scheduled_at is ISO 8601 with a zone, intervals are PostgreSQL''s text. A job may have a
        "handle", and the others of the call may name it in their "depends_on" among the ids
Returns: one row a job, in order: id, created (false: its unique_key was taken, the id is the holder''s).
Raises: JQ001, JQ003 (a parent or the batch), JQ004 (the batch), JQ005, JQ012, JQ013, JQ014.
Example: select * from forge.enqueue_many(''[{"type":"email"},{"type":"email","priority":5}]'');';
