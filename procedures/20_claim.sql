-- The claim: PENDING --dequeue--> PROCESSING, and acknowledge-and-claim in one.
--
-- Jobs with a concurrency_key are claimed in 22_turns.sql, queues with limits begin in 23_limits.sql.
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
    v_limited boolean;
    v_lane forge.lane;
    v_priority integer;
begin
    select q.limited into v_limited from forge.queues as q where q.queue = _due.queue;
    if v_limited and not forge._has_room(_due.queue, _due.at) then
        return false;
    elsif forge._has_turn(_due.queue, _due.at) then
        return true;
    end if;
    -- Priority by priority, each a probe of the index: jobs scheduled ahead are never walked over.
    foreach v_lane in array forge._lanes(_due.queue) loop
        v_priority := v_lane.high + 1;
        loop
            v_priority := forge._next_priority(_due.queue, v_lane, v_priority);
            exit when v_priority is null;
            perform from forge.jobs as j
            where j.queue = _due.queue
                and j.status = 'PENDING'
                and j.concurrency_key is null
                and j.priority = v_priority
                and j.scheduled_at >= v_lane.floor
                and j.scheduled_at <= _due.at
            limit 1;
            if found then
                return true;
            end if;
        end loop;
    end loop;
    return false;
end;
$function$;
comment on function forge._due(text, timestamptz) is
'Whether a queue has a job that is due, and its limits let it start. Internal.';

create or replace function forge._choose(
    queue text,
    max_jobs integer,
    types text[],
    at timestamptz,
    plain boolean default false
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_space constant integer := forge._lock_space('claim');
    v_left integer := _choose.max_jobs;
    v_paused boolean;
    v_limited boolean;
    v_lanes forge.lane[];
    v_lane forge.lane;
    v_number integer := 1;
    v_floor timestamptz;
    v_priority integer;
    v_ids bigint[];
    v_last timestamptz;
    v_chosen bigint[];
begin
    select q.paused_at is not null, q.lanes, q.limited into v_paused, v_lanes, v_limited
    from forge.queues as q
    where q.queue = _choose.queue;
    if v_paused then
        return null;
    end if;
    -- Where nobody ever used a key, that is known for less than a look would cost.
    if v_limited is not true and pg_sequence_last_value('forge.turn_ticket_seq') is not null then
        v_limited := forge._has_turn(_choose.queue, _choose.at);
    end if;
    if v_limited and not _choose.plain then
        return forge._choose_limited(_choose.queue, _choose.max_jobs, _choose.types, _choose.at);
    end if;

    loop
        v_lane := (coalesce(v_lanes, forge._one_lane()))[v_number];
        exit when v_lane is null;
        v_number := v_number + 1;
        v_priority := v_lane.high + 1;
        v_floor := v_lane.floor;
        if v_lane.sticky then
            v_floor := greatest(
                v_floor, forge._passed(_choose.queue, _choose.types, v_lane, _choose.at)
            );
        end if;
        -- One priority after the other, highest first: each round is one range of job_ready_idx that
        -- ends now, so that a hundred thousand jobs scheduled ahead cost nothing.
        loop
            if v_lane.high = v_lane.low then
                v_priority := v_lane.low;
            else
                -- As _next_priority, without the price of a call. Not within the next statement: as soon
                -- as another session has changed a row that it is to lock, it would evaluate this again.
                select j.priority into v_priority
                from forge.jobs as j
                where j.queue = _choose.queue
                    and j.status = 'PENDING'
                    and j.concurrency_key is null
                    and j.priority >= v_lane.low
                    and j.priority < v_priority
                order by j.priority desc
                limit 1;
                exit when not found;
            end if;

            select array_agg(f.id), max(f.scheduled_at) into v_ids, v_last
            from (                      -- a fence: the limit holds under any plan
                select j.id, j.scheduled_at
                from forge.jobs as j
                where j.queue = _choose.queue
                    and j.status = 'PENDING'
                    and j.concurrency_key is null
                    and j.priority = v_priority
                    and j.scheduled_at >= v_floor
                    and j.scheduled_at <= _choose.at
                    and (_choose.types is null or j.type = any(_choose.types))
                order by j.scheduled_at, j.id
                limit v_left
                for no key update skip locked
            ) as f
            -- tried for these rows only, so never more locks than jobs
            where pg_try_advisory_xact_lock(v_space, forge._claim_key(f.id));

            if v_ids is not null then
                v_chosen := v_chosen || v_ids;
                if v_lane.sticky then
                    perform forge._pass(v_lane, v_last);
                end if;
                v_left := v_left - cardinality(v_ids);
                if v_left <= 0 then
                    return v_chosen;
                end if;
            end if;
            exit when v_lane.high = v_lane.low;
        end loop;
    end loop;
    return v_chosen;
end;
$function$;
comment on function forge._choose(text, integer, text[], timestamptz, boolean) is
'The jobs that come next, their rows and claim locks taken until the transaction ends; null: none. plain: of
those without a concurrency_key, and within the limits as the caller sees them. Internal.';

-- The planner settings hold the claim to job_ready_idx whatever the statistics of a table say that is
-- empty at one moment and holds a million rows at the next. They price other plans at 10^10, which
-- would set off the just-in-time compiler: off too. And with prices like these PL/pgSQL would take each
-- plan for a bad one and make it anew in every call: the generic one is the right one.
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
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_lease constant uuid := gen_random_uuid();
    v_expires timestamptz;
    v_ids bigint[];
begin
    if forge._is_claim(dequeue.queue, dequeue.worker, dequeue.max_jobs, dequeue.lease) is not true then
        perform forge._check_claim(dequeue.queue, dequeue.worker, dequeue.max_jobs, dequeue.lease);
    end if;
    v_expires := v_now + dequeue.lease;
    if exists (
        select from forge.workers as w
        where w.worker = dequeue.worker and w.draining_at is not null
    ) then
        return;
    end if;
    v_ids := forge._choose(dequeue.queue, dequeue.max_jobs, dequeue.types, v_now);
    if v_ids is null then
        return;
    end if;

    -- In dequeue and in exchange alike: rows that one function hands on to another cost a fifth more.
    return query
    with claimed as (
        update forge.jobs as j
        set status = 'PROCESSING',
            attempts = j.attempts + 1,
            attempted_at = v_now,
            worker = dequeue.worker,
            lease = v_lease,
            lease_expires_at = forge._lease_end(v_expires, v_now, (j.extra).timeout)
        where j.id = any(v_ids)
        returning
            j.id, j.queue, j.type, j.payload, j.priority, j.attempts, j.max_retries,
            j.scheduled_at, j.created_at, j.lease_expires_at, j.tags,
            j.concurrency_key, j.extra
    )
    select
        c.id, c.queue, c.type, c.payload, c.priority, c.attempts,
        coalesce(
            c.max_retries,
            case    -- most installations have no types with settings of their own: once, not per row
                when (select true from forge.types limit 1)
                then (select t.max_retries from forge.types as t where t.type = c.type)
            end,
            (select q.max_retries from forge.queues as q where q.queue = dequeue.queue),
            (select s.max_retries from forge.settings as s)
        ),
        c.scheduled_at, c.created_at, v_now, v_lease, c.lease_expires_at,
        coalesce(
            (c.extra).timeout,
            case
                when (select true from forge.types limit 1)
                then (select t.timeout from forge.types as t where t.type = c.type)
            end
        ),
        c.tags,
        c.concurrency_key, (c.extra).schedule, (c.extra).nominal_at
    from claimed as c
    order by c.priority desc, c.scheduled_at, c.id;
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
Returns: the jobs, at most max_jobs; none where none is due, the queue is paused, or the worker drains
(drain_worker).
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
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now timestamptz;
    v_lease constant uuid := gen_random_uuid();
    v_expires timestamptz;
    v_ids bigint[];
    v_done bigint[];
    v_lost bigint[];
begin
    if forge._is_claim(exchange.queue, exchange.worker, exchange.max_jobs, exchange.lease) is not true then
        perform forge._check_claim(exchange.queue, exchange.worker, exchange.max_jobs, exchange.lease);
    end if;
    if exchange.ids is distinct from '{}' or exchange.leases is distinct from '{}' then
        perform forge._check_finish(exchange.ids, exchange.leases, exchange.results);
        v_done := forge._complete(exchange.ids, exchange.leases, exchange.results, null);
        if cardinality(v_done) < cardinality(exchange.ids) then
            v_lost := array(
                select i.id from unnest(exchange.ids) as i (id) where i.id <> all (v_done) order by i.id
            );
        end if;
        -- The rest is done and must be committed: a warning, not an error.
        if cardinality(v_lost) > 0 then
            raise warning using
                errcode = 'JQ002',
                message = 'the lease is not the current one of a running job',
                detail = format('ids=%s', array_to_string(v_lost, ',')),
                hint = 'somebody else owns these jobs, or they have ended; drop what you did for them';
        end if;
    end if;

    v_now := forge.now();       -- after what may have waited for a row
    v_expires := v_now + exchange.lease;
    if exists (
        select from forge.workers as w
        where w.worker = exchange.worker and w.draining_at is not null
    ) then
        return;
    end if;
    v_ids := forge._choose(exchange.queue, exchange.max_jobs, exchange.types, v_now);
    if v_ids is null then
        return;
    end if;

    -- In dequeue and in exchange alike: rows that one function hands on to another cost a fifth more.
    return query
    with claimed as (
        update forge.jobs as j
        set status = 'PROCESSING',
            attempts = j.attempts + 1,
            attempted_at = v_now,
            worker = exchange.worker,
            lease = v_lease,
            lease_expires_at = forge._lease_end(v_expires, v_now, (j.extra).timeout)
        where j.id = any(v_ids)
        returning
            j.id, j.queue, j.type, j.payload, j.priority, j.attempts, j.max_retries,
            j.scheduled_at, j.created_at, j.lease_expires_at, j.tags,
            j.concurrency_key, j.extra
    )
    select
        c.id, c.queue, c.type, c.payload, c.priority, c.attempts,
        coalesce(
            c.max_retries,
            case    -- most installations have no types with settings of their own: once, not per row
                when (select true from forge.types limit 1)
                then (select t.max_retries from forge.types as t where t.type = c.type)
            end,
            (select q.max_retries from forge.queues as q where q.queue = exchange.queue),
            (select s.max_retries from forge.settings as s)
        ),
        c.scheduled_at, c.created_at, v_now, v_lease, c.lease_expires_at,
        coalesce(
            (c.extra).timeout,
            case
                when (select true from forge.types limit 1)
                then (select t.timeout from forge.types as t where t.type = c.type)
            end
        ),
        c.tags,
        c.concurrency_key, (c.extra).schedule, (c.extra).nominal_at
    from claimed as c
    order by c.priority desc, c.scheduled_at, c.id;
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
