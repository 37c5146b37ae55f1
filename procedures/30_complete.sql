-- Complete: PROCESSING --complete--> COMPLETED; the job moves from forge.jobs to forge.history.
--
-- One statement that names the status and the lease: a stale worker finds no row. Locks: rows of
-- forge.jobs by ascending id. Raises: JQ001, JQ002, JQ005. Called by: workers, or a handler in its
-- own transaction.

create or replace function forge._check_finish(
    ids bigint[],
    leases uuid[],
    results jsonb[]
)
returns void
language plpgsql volatile
as $function$
begin
    if _check_finish.ids is null or _check_finish.leases is null
        or cardinality(_check_finish.ids) <> cardinality(_check_finish.leases)
        or cardinality(_check_finish.ids) > 10000
    then
        perform forge._invalid(
            'leases',
            format('%s leases for %s ids', cardinality(_check_finish.leases), cardinality(_check_finish.ids)),
            'pass one lease an id, and at most 10000 of them'
        );
    end if;
    if _check_finish.results is not null then
        if cardinality(_check_finish.results) <> cardinality(_check_finish.ids) then
            perform forge._invalid(
                'results',
                format(
                    '%s results for %s ids',
                    cardinality(_check_finish.results), cardinality(_check_finish.ids)
                ),
                'pass one result an id, or no results at all'
            );
        end if;
        perform forge._check_size('results', r.result)
        from unnest(_check_finish.results) as r (result)
        where r.result is not null;
    end if;
end;
$function$;
comment on function forge._check_finish(bigint[], uuid[], jsonb[]) is
'Raises JQ001 or JQ005 for arguments that complete cannot work with. Internal.';

create or replace function forge._keep(
    job forge.jobs,
    status text,
    at timestamptz,
    result jsonb default null
)
returns void
language plpgsql volatile
as $function$
begin
    insert into forge.history (
        id, scheduled_at, created_at, attempted_at, finished_at, cancel_requested_at, revived_at,
        lease, priority, attempts, max_retries, revivals,
        status, queue, type, worker, unique_key, unique_scope, concurrency_key, tags, payload,
        result, errors, extra
    )
    select
        job.id, job.scheduled_at, job.created_at, job.attempted_at, _keep.at,
        job.cancel_requested_at, job.revived_at, job.lease, job.priority, job.attempts,
        job.max_retries, job.revivals, _keep.status, job.queue, job.type, job.worker, job.unique_key,
        job.unique_scope, job.concurrency_key, job.tags, job.payload,
        case when q.keep_result is not false then _keep.result end, job.errors, job.extra
    from (select) as one
    left join forge.queues as q on q.queue = job.queue
    where q.keep_history is not false;
end;
$function$;
comment on function forge._keep(forge.jobs, text, timestamptz, jsonb) is
'Writes one job that was live into the history, unless its queue keeps none. Internal.';

create or replace function forge._complete_one(
    id bigint,
    lease uuid,
    result jsonb,
    queue text
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.jobs;
begin
    delete from forge.jobs as j
    where j.id = _complete_one.id
        and j.lease = _complete_one.lease
        and (_complete_one.queue is null or j.queue = _complete_one.queue)
    returning j.* into v_job;
    if not found then
        return false;
    end if;
    perform forge._keep(v_job, 'COMPLETED', v_now, _complete_one.result);
    insert into forge.tallies (at, queue, completed) values (v_now, v_job.queue, 1);
    if v_job.aside or (v_job.extra).unique_for is not null then
        perform forge._let_go(v_job, 'COMPLETED', v_now);
    end if;
    if forge._are_any_awaited() then
        perform forge._spread_awaited(array[v_job.id], 'COMPLETED', v_now);
    end if;
    return true;
end;
$function$;
comment on function forge._complete_one(bigint, uuid, jsonb, text) is
'Moves a job whose lease is current to the history; returns whether it was. Internal.';

create or replace function forge._complete(
    ids bigint[],
    leases uuid[],
    results jsonb[],
    queue text
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_done bigint[];
    v_rare forge.jobs[];
    v_job forge.jobs;
begin
    if cardinality(_complete.ids) = 1 then      -- a third cheaper than what follows
        return case
            when forge._complete_one(
                _complete.ids[1], _complete.leases[1], _complete.results[1], _complete.queue
            )
            then _complete.ids
            else '{}'
        end;
    end if;

    -- The lease says that the job is PROCESSING. The primary key's index gives the rows in the order of
    -- ids, so that two calls cannot deadlock; "case" keeps the pairs a filter, as a join might begin with
    -- the whole table.
    with gone as (
        delete from forge.jobs as j
        where j.id = any(_complete.ids)
            and case
                when (j.id, j.lease) in (
                    select u.id, u.lease from unnest(_complete.ids, _complete.leases) as u (id, lease)
                )
                then true
            end
            and (_complete.queue is null or j.queue = _complete.queue)
        returning j.*, case when j.aside or (j.extra).unique_for is not null then j end as rare
    ),
    finished as (
        select
            g.queue, g.jobs,
            (select q.keep_history from forge.queues as q where q.queue = g.queue) is not false as keep,
            (select q.keep_result from forge.queues as q where q.queue = g.queue) is not false as keep_result
        from (select c.queue, count(*) as jobs from gone as c group by c.queue) as g
    ),
    kept as (
        insert into forge.history (
            id, scheduled_at, created_at, attempted_at, finished_at, cancel_requested_at, revived_at,
            lease, priority, attempts, max_retries, revivals,
            status, queue, type, worker, unique_key, unique_scope, concurrency_key, tags, payload,
            result, errors, extra
        )
        select
            g.id, g.scheduled_at, g.created_at, g.attempted_at, v_now, g.cancel_requested_at,
            g.revived_at, g.lease, g.priority, g.attempts, g.max_retries, g.revivals,
            'COMPLETED', g.queue, g.type, g.worker, g.unique_key, g.unique_scope, g.concurrency_key, g.tags,
            g.payload,
            case
                when _complete.results is not null and f.keep_result
                then _complete.results[array_position(_complete.ids, g.id)]
            end,
            g.errors,
            g.extra
        from finished as f
        join gone as g on g.queue = f.queue
        where f.keep
    ),
    tallied as (
        insert into forge.tallies (at, queue, completed)
        select v_now, f.queue, f.jobs from finished as f
    )
    select
        array_agg(g.id order by g.id),
        array_agg(g.rare order by g.id) filter (where (g.rare).id is not null)
    into v_done, v_rare
    from gone as g;
    if v_rare is not null then
        foreach v_job in array v_rare loop
            perform forge._let_go(v_job, 'COMPLETED', v_now);
        end loop;
    end if;
    if v_done is not null and forge._are_any_awaited() then
        perform forge._spread_awaited(v_done, 'COMPLETED', v_now);
    end if;
    return coalesce(v_done, '{}');
end;
$function$;
comment on function forge._complete(bigint[], uuid[], jsonb[], text) is
'Moves the jobs whose lease is current to the history; returns their ids. Internal.';

create or replace function forge._refuse_lease(
    id bigint,
    lease uuid
)
returns void
language plpgsql volatile
as $function$
declare
    v_status text;
begin
    select a.status into v_status from forge.all_jobs as a where a.id = _refuse_lease.id;
    raise exception using
        errcode = 'JQ002',
        message = 'the lease is not the current one of a running job',
        detail = format(
            'id=%s lease=%s status=%s',
            coalesce(_refuse_lease.id::text, 'null'),
            coalesce(_refuse_lease.lease::text, 'null'),
            coalesce(v_status, 'no such job')
        ),
        hint = 'somebody else owns the job, or it has ended; drop what you did for it';
end;
$function$;
comment on function forge._refuse_lease(bigint, uuid) is
'Raises JQ002, with a look at why. Internal.';

create or replace function forge.complete(
    id bigint,
    lease uuid,
    result jsonb default null,
    queue text default null
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
begin
    if complete.result is not null then
        perform forge._check_size('result', complete.result);
    end if;

    if forge._complete_one(complete.id, complete.lease, complete.result, complete.queue) then
        return true;
    end if;

    -- The answer to an earlier call may have been lost on its way: say that it had worked.
    perform from forge.history as h
    where h.id = complete.id and h.lease = complete.lease and h.status = 'COMPLETED';
    if not found then
        perform forge._refuse_lease(complete.id, complete.lease);
    end if;
    return false;
end;
$function$;
comment on function forge.complete(bigint, uuid, jsonb, text) is
'Completes one claimed job, with its result, in the caller''s transaction.

Parameters:
  id, lease  of the claim
  result     any JSON, at most 1 MiB, kept with the job in the history, unless set_queue says that those of
             its queue are not; default none
  queue      of the job; needed only where queues are spread over servers; default any
Returns: true; false where this same lease had completed the job already and nothing was changed.
Raises: JQ002 (the lease is not the current one: nothing was changed), JQ005.
Example: select forge.complete(1, ''00000000-0000-0000-0000-000000000000'', ''{"sent":true}'');';

create or replace function forge.complete_many(
    ids bigint[],
    leases uuid[],
    results jsonb[] default null,
    queue text default null
)
returns setof bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
begin
    perform forge._check_finish(complete_many.ids, complete_many.leases, complete_many.results);
    return query
    select unnest(
        forge._complete(
            complete_many.ids, complete_many.leases, complete_many.results, complete_many.queue
        )
    );
end;
$function$;
comment on function forge.complete_many(bigint[], uuid[], jsonb[], text) is
'Completes many claimed jobs in one call.

Parameters:
  ids, leases  of the claims, in the same order; at most 10,000
  results      one an id, null for none; default none at all
  queue        of the jobs; default any
Returns: the ids that were completed; the lease of the others was lost, and nothing was changed there.
Raises: JQ001, JQ005.
Example: select * from forge.complete_many(''{1,2}'', array_fill(gen_random_uuid(), array[2]));';
