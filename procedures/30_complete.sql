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

create or replace function forge._complete(
    ids bigint[],
    leases uuid[],
    results jsonb[],
    queue text
)
returns setof bigint
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    return query
    -- Row by row through the primary key, in the order of ids, so that two calls cannot deadlock. The
    -- lease says that the job is PROCESSING (jobs_lease_iff_processing). Once locked, the rows are
    -- ours to move: joining them again would walk a table that was empty when it was last analyzed.
    with finished as materialized (
        select distinct on (j.id) j.*, f.result, coalesce(q.keep_history, true) as keep
        from (
            select u.id, u.lease, u.result
            from unnest(_complete.ids, _complete.leases, _complete.results) as u (id, lease, result)
            order by u.id
        ) as f
        cross join lateral (
            select l.*
            from forge.jobs as l
            where l.id = f.id
                and l.lease = f.lease
                and (_complete.queue is null or l.queue = _complete.queue)
            for update
        ) as j
        left join forge.queues as q on q.queue = j.queue
        order by j.id
    ),
    gone as (
        delete from forge.jobs as j
        where j.id = any(array(select f.id from finished as f))
    ),
    kept as (
        insert into forge.history (
            id, scheduled_at, created_at, attempted_at, finished_at, cancel_requested_at, revived_at,
            lease, priority, attempts, max_retries, revivals,
            retry_base, retry_factor, retry_cap, retry_jitter,
            status, queue, type, worker, unique_key, tags, payload, result, errors
        )
        select
            f.id, f.scheduled_at, f.created_at, f.attempted_at, v_now, f.cancel_requested_at,
            f.revived_at, f.lease, f.priority, f.attempts, f.max_retries, f.revivals,
            f.retry_base, f.retry_factor, f.retry_cap, f.retry_jitter,
            'COMPLETED', f.queue, f.type, f.worker, f.unique_key, f.tags, f.payload, f.result, f.errors
        from finished as f
        where f.keep
    ),
    tallied as (
        insert into forge.tallies (at, queue, completed)
        select v_now, f.queue, count(*)
        from finished as f
        group by f.queue
    )
    select f.id from finished as f order by f.id;
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
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    if complete.result is not null then
        perform forge._check_size('result', complete.result);
    end if;

    perform from forge._complete(
        array[complete.id], array[complete.lease], array[complete.result], complete.queue
    );
    if found then
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
  result     any JSON, at most 1 MiB, kept with the job in the history; default none
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
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    perform forge._check_finish(complete_many.ids, complete_many.leases, complete_many.results);
    return query
    select c.id
    from forge._complete(
        complete_many.ids, complete_many.leases, complete_many.results, complete_many.queue
    ) as c (id);
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
