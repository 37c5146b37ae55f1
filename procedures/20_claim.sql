-- The claim: PENDING --dequeue--> PROCESSING, and acknowledge-and-claim in one.
--
-- Locks: rows of forge.jobs (skip locked: never waits), then one claim lock a job, for the jobs that
-- are returned and no others. Raises: JQ001, JQ002 (as a warning, in exchange), JQ006.
-- Called by: workers.

create or replace function forge._due(
    queue text,
    at timestamptz
)
returns boolean
language plpgsql stable
as $function$
declare
    v_priority integer;
begin
    -- Priority by priority, each a probe of the index: jobs scheduled ahead are never walked over.
    loop
        select j.priority into v_priority
        from forge.jobs as j
        where j.queue = _due.queue
            and j.status = 'PENDING'
            and j.priority < coalesce(v_priority, 32768)
        order by j.priority desc
        limit 1;
        exit when not found;
        perform from forge.jobs as j
        where j.queue = _due.queue
            and j.status = 'PENDING'
            and j.priority = v_priority
            and j.scheduled_at <= _due.at
        limit 1;
        exit when found;
    end loop;
    return found;
end;
$function$;
comment on function forge._due(text, timestamptz) is
'Whether a queue has a job that is due. Internal.';

create or replace function forge._claim(
    queue text,
    worker text,
    max_jobs integer,
    lease interval,
    types text[]
)
returns setof forge.claimed_job
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_lease constant uuid := gen_random_uuid();
    v_expires constant timestamptz := v_now + _claim.lease;
    v_space constant integer := forge._lock_space('claim');
    v_left integer := _claim.max_jobs;
    v_priority integer := 32768;
    v_count integer;
begin
    perform from forge.queues as q where q.queue = _claim.queue and q.paused_at is not null;
    if found then
        return;
    end if;

    -- One priority after the other, highest first: each round is one range of job_ready_idx that
    -- ends at v_now, so that a hundred thousand jobs scheduled ahead cost nothing.
    loop
        select j.priority into v_priority
        from forge.jobs as j
        where j.queue = _claim.queue
            and j.status = 'PENDING'
            and j.priority < v_priority
        order by j.priority desc
        limit 1;
        exit when not found;

        return query
        with candidate as materialized (    -- a fence: the limit holds under any plan
            select j.id
            from forge.jobs as j
            where j.queue = _claim.queue
                and j.status = 'PENDING'
                and j.priority = v_priority
                and j.scheduled_at <= v_now
                and (_claim.types is null or j.type = any(_claim.types))
            order by j.scheduled_at, j.id
            limit v_left
            for no key update skip locked
        ),
        locked as materialized (            -- tried for these rows only, so never more locks than jobs
            select c.id
            from candidate as c
            where pg_try_advisory_xact_lock(v_space, forge._claim_key(c.id))
        ),
        claimed as (
            update forge.jobs as j
            set status = 'PROCESSING',
                attempts = j.attempts + 1,
                attempted_at = v_now,
                worker = _claim.worker,
                lease = v_lease,
                lease_expires_at = v_expires
            -- not a join: where the table was empty when it was last analyzed, that walks all of it
            where j.id = any(array(select l.id from locked as l))
            returning
                j.id, j.queue, j.type, j.payload, j.priority, j.attempts, j.max_retries,
                j.scheduled_at, j.created_at, j.attempted_at, j.lease, j.lease_expires_at, j.tags
        ),
        policies as materialized (          -- once a type, not once a job
            select t.type, (forge._policy(_claim.queue, t.type)).max_retries as max_retries
            from (select distinct c.type from claimed as c where c.max_retries is null) as t
        )
        select
            c.id, c.queue, c.type, c.payload, c.priority, c.attempts,
            coalesce(c.max_retries, p.max_retries),
            c.scheduled_at, c.created_at, c.attempted_at, c.lease, c.lease_expires_at,
            null::interval, c.tags
        from claimed as c
        left join policies as p on p.type = c.type
        order by c.scheduled_at, c.id;

        get diagnostics v_count = row_count;
        v_left := v_left - v_count;
        exit when v_left <= 0;
    end loop;
end;
$function$;
comment on function forge._claim(text, text, integer, interval, text[]) is
'Claims jobs for checked arguments. Internal.';

-- The planner settings hold the claim to job_ready_idx whatever the statistics of a table say that is
-- empty at one moment and holds a million rows at the next. They price other plans at 10^10, which
-- would set off the just-in-time compiler: off too.
create or replace function forge.dequeue(
    queue text default 'default',
    worker text default null,
    max_jobs integer default 1,
    lease interval default '60 seconds',
    types text[] default null
)
returns setof forge.claimed_job
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    perform forge._check_claim(dequeue.queue, dequeue.worker, dequeue.max_jobs, dequeue.lease);
    return query
    select c.*
    from forge._claim(
        dequeue.queue, dequeue.worker, dequeue.max_jobs, dequeue.lease, dequeue.types
    ) as c;
end;
$function$;
comment on function forge.dequeue(text, text, integer, interval, text[]) is
'Claims up to max_jobs due jobs of one queue: higher priority first, then earlier scheduled_at, then id.

The caller owns them until lease_expires_at and finishes each with complete, fail, release or snooze,
passing the lease; heartbeat extends it. Commit before running them. Each claim counts an attempt.

Parameters:
  queue     which queue; default default
  worker    a name to show, and under which a registered worker''s jobs are found again; default none
  max_jobs  1 to 1000; default 1
  lease     how long the jobs are the caller''s; 1 second to 1 day; default 60 seconds
  types     the types that the caller can run, others stay PENDING; default all
Returns: the jobs, at most max_jobs; none where none is due, or the queue is paused.
Raises: JQ001, JQ006.
Example: select * from forge.dequeue(''default'', ''psql'');';

create or replace function forge.exchange(
    ids bigint[] default '{}',
    leases uuid[] default '{}',
    results jsonb[] default null,
    queue text default 'default',
    worker text default null,
    max_jobs integer default 1,
    lease interval default '60 seconds',
    types text[] default null
)
returns setof forge.claimed_job
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_done bigint[];
    v_lost bigint[];
begin
    perform forge._check_claim(exchange.queue, exchange.worker, exchange.max_jobs, exchange.lease);
    perform forge._check_finish(exchange.ids, exchange.leases, exchange.results);

    if cardinality(exchange.ids) > 0 then
        v_done := array(
            select c.id
            from forge._complete(exchange.ids, exchange.leases, exchange.results, null) as c (id)
        );
        v_lost := array(
            select i.id from unnest(exchange.ids) as i (id) where i.id <> all (v_done) order by i.id
        );
        -- The rest is done and must be committed: a warning, not an error.
        if cardinality(v_lost) > 0 then
            raise warning using
                errcode = 'JQ002',
                message = 'the lease is not the current one of a running job',
                detail = format('ids=%s', array_to_string(v_lost, ',')),
                hint = 'somebody else owns these jobs, or they have ended; drop what you did for them';
        end if;
    end if;

    return query
    select c.*
    from forge._claim(
        exchange.queue, exchange.worker, exchange.max_jobs, exchange.lease, exchange.types
    ) as c;
end;
$function$;
comment on function forge.exchange(
    bigint[], uuid[], jsonb[], text, text, integer, interval, text[]
) is
'Completes finished jobs and claims the next ones, in one round trip and one commit.

Parameters:
  ids, leases, results
                as complete_many: jobs of any queue that the caller has finished; default none
  queue, worker, max_jobs, lease, types
                as dequeue
Returns: as dequeue. Jobs whose lease was lost are told in a WARNING with SQLSTATE JQ002, their ids in
its detail; all the others are completed.
Raises: JQ001, JQ005, JQ006.
Example: select * from forge.exchange(''{1}'', array[''00000000-0000-0000-0000-000000000000''::uuid]);';
