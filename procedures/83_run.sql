-- Running SQL handlers: PROCESSING --complete, fail--> as ever, with the handler's work in the same commit.
--
-- run claims and runs in one transaction, whose subtransactions are the jobs; run_claimed runs what a worker
-- has claimed and committed. A failure undoes the handler's own work; the claim and the record of the failure
-- stay. The handler runs as the owner of its wrapper (81_sql_handlers), called by a role that may do nothing
-- else: whatever its owner makes of it, it never has Forge's rights or its caller's.
--
-- Locks: as dequeue, complete and fail; run_claimed holds none while the handler runs. Raises: JQ001, JQ002,
-- JQ006. Called by: workers, psql, schedulers in the database.

create or replace function forge._call_handler(
    wrapper name,
    payload jsonb
)
returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_result jsonb;
begin
    execute format('select forge_handlers.%I($1)', _call_handler.wrapper)
    into v_result
    using _call_handler.payload;
    return v_result;
end;
$function$;
comment on function forge._call_handler(name, jsonb) is
'Calls the wrapper of an SQL handler. Belongs to forge_runner, which has no other rights. Internal.';

create or replace function forge._is_cut_off()
returns boolean
language plpgsql volatile
as $function$
declare
    v_limit constant interval := current_setting('statement_timeout')::interval;
begin
    return v_limit > interval '0' and clock_timestamp() >= statement_timestamp() + v_limit;
end;
$function$;
comment on function forge._is_cut_off() is
'Whether the statement that is running has had the time that the session gives it. Internal.';

create or replace function forge._run_job(
    job forge.jobs,
    path text
)
returns forge.run_row
language plpgsql volatile
as $function$
declare
    v_timeout constant interval := forge._timeout_of(job);
    v_until constant timestamptz := job.attempted_at + v_timeout;
    v_handler forge.sql_handlers;
    v_problem text;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_context text;
    v_failed forge.failed;
    v_row forge.run_row;
begin
    select h.* into v_handler from forge.sql_handlers as h where h.type = job.type;
    if not found then
        v_problem := 'no SQL function is registered for this type';
    else
        v_problem := forge._sql_handler_problem(v_handler);
    end if;

    if v_problem is not null then
        v_state := 'NoHandler';
        v_message := v_problem;
    else
        begin
            perform set_config('forge.job_id', job.id::text, true);
            v_row.result := forge._call_handler(v_handler.wrapper, job.payload);
            -- A plain SET outlives the function that makes it, and here a path would decide what is called
            -- with the owner's rights. Until it is known to be the old one, nothing is looked up by it.
            if pg_catalog.textne(pg_catalog.current_setting('search_path'), _run_job.path) then
                perform pg_catalog.set_config('search_path', _run_job.path, true);
                perform forge._invalid(
                    'search_path', null,
                    'a handler sets it for itself: set local, or a set clause of the function'
                );
            end if;
            if forge.now() > v_until then
                v_state := 'Timeout';
                perform forge._invalid('timeout', v_timeout::text, 'the work is undone');
            end if;
            -- false: another call ran the same claim meanwhile, and its work is committed already
            if not forge.complete(job.id, job.lease, v_row.result, job.queue) then
                perform forge._refuse_lease(job.id, job.lease);
            end if;
        exception
            when query_canceled then
                -- Somebody else's wish to stop is the caller's affair.
                if forge.now() > v_until then
                    v_state := 'Timeout';
                elsif not forge._is_cut_off() then
                    raise;
                end if;
                get stacked diagnostics
                    v_message = message_text, v_context = pg_exception_context;
                v_state := coalesce(v_state, sqlstate);
            when others or assert_failure then
                get stacked diagnostics
                    v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint,
                    v_context = pg_exception_context;
                v_state := coalesce(v_state, sqlstate);
        end;
    end if;

    v_row.id := job.id;
    v_row.type := job.type;
    v_row.attempts := job.attempts;
    if v_state is null then
        v_row.status := 'COMPLETED';
        return v_row;
    end if;
    if v_state = 'Timeout' then
        v_message := format('the attempt took longer than its timeout of %s', v_timeout);
    end if;
    v_failed := forge.fail(
        job.id, job.lease, v_message, queue => job.queue, error_type => v_state,
        -- a result that cannot be kept will not be smaller the next time
        retryable => v_state <> 'JQ005',
        traceback => concat_ws(
            e'\n', 'DETAIL: ' || nullif(v_detail, ''), 'HINT: ' || nullif(v_hint, ''), v_context
        )
    );
    v_row.status := v_failed.status;
    v_row.scheduled_at := v_failed.scheduled_at;
    v_row.result := null;
    v_row.error_type := v_state;
    v_row.error := v_message;
    return v_row;
end;
$function$;
comment on function forge._run_job(forge.jobs, text) is
'Runs the SQL handler of a claimed job, and completes or fails it; path is the search_path that has to
hold. Internal.';

create or replace function forge.run_claimed(
    id bigint,
    lease uuid,
    queue text default null
)
returns forge.run_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_job forge.jobs;
begin
    -- Not locked: heartbeats and a cancellation go on. Whoever lost the lease learns it from complete.
    select j.* into v_job
    from forge.jobs as j
    where j.id = run_claimed.id
        and j.status = 'PROCESSING'
        and j.lease = run_claimed.lease
        and (run_claimed.queue is null or j.queue = run_claimed.queue);
    if not found then
        perform forge._refuse_lease(run_claimed.id, run_claimed.lease);
    end if;
    return forge._run_job(v_job, current_setting('search_path'));
end;
$function$;
comment on function forge.run_claimed(bigint, uuid, text) is
'Runs the SQL handler of a job that the caller has claimed, and completes or fails it, all in one commit.

Commit the claim first; set statement_timeout to the job''s timeout before the call, as nothing can end a
statement from within. A call that is cancelled for another reason raises and leaves the job claimed.

Parameters:
  id, lease  of the claim
  queue      of the job; default any
Returns: id, type, status (COMPLETED; PENDING, DEAD or CANCELLED after a failure), result, error_type (the
SQLSTATE; Timeout; NoHandler), error, scheduled_at (of the retry), attempts.
Raises: JQ001, JQ002 (the work is undone), JQ005.
Example: select * from forge.run_claimed(1, ''00000000-0000-0000-0000-000000000000'');';

create or replace function forge.run(
    queue text default 'default',
    max_jobs integer default 10,
    worker text default null,
    types text[] default null,
    time_limit interval default null
)
returns setof forge.run_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_path constant text := current_setting('search_path');
    v_until timestamptz;
    v_types constant text[] := array(
        select h.type
        from forge.sql_handlers as h
        where (h.queue is null or h.queue = run.queue)
            and (run.types is null or h.type = any(run.types))
    );
    v_claim forge.claimed_job;
    v_job forge.jobs;
begin
    perform forge._check_claim(run.queue, run.worker, run.max_jobs, '1 day');
    if (run.time_limit between interval '0' and interval '1 day') is false then
        perform forge._invalid('time_limit', run.time_limit::text, 'use 0 to 1 day');
    end if;
    v_until := forge.now() + run.time_limit;
    if v_types = '{}' then
        return;
    end if;

    for v_number in 1..run.max_jobs loop
        exit when forge.now() >= v_until or forge._is_cut_off();
        -- one by one: those that are not begun stay free for others
        select d.* into v_claim from forge.dequeue(run.queue, run.worker, 1, '1 day', v_types) as d;
        exit when v_claim.id is null;
        select j.* into v_job from forge.jobs as j where j.id = v_claim.id;
        if v_number > 1 then
            set constraints all deferred;    -- the handler before this one made them immediate
        end if;
        return next forge._run_job(v_job, v_path);
    end loop;
end;
$function$;
comment on function forge.run(text, integer, text, text[], interval) is
'Claims due jobs that have an SQL handler and runs them, here and now: a worker that needs nothing but psql.

One call is one transaction, in which each job is a subtransaction: a failure undoes the work of its own job
only. Others see nothing of the claims, results and failures before it commits; cancel waits for it. Where it
does not commit, nothing has happened. Call it in a transaction of its own, in READ COMMITTED.
A job that comes back after its timeout is undone and failed. What ends a job in time is the session''s
statement_timeout: the job fails, the call ends, and what was done before stays.

Parameters:
  queue       which queue; default default
  max_jobs    1 to 1000; above some 60 the subtransactions slow other sessions down; default 10
  worker      a name to show; default none
  types       only these of the registered types; default all
  time_limit  begin no job after so long, 0 to 1 day; default none
Returns: the jobs that ran, in order, as forge.run_claimed.
Raises: JQ001, JQ002, JQ005, JQ006.
Example: select * from forge.run(''default'', max_jobs => 5);';
