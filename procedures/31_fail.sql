-- Failure: PROCESSING --fail--> PENDING (backoff), DEAD or CANCELLED.
--
-- Failing must never fail: texts are cut, arithmetic is clamped, and whatever is not fit to be kept is
-- left out. Locks: the row of forge.jobs. Raises: JQ001, JQ002. Called by: workers, and the tick for
-- attempts whose worker is lost.

create or replace function forge._archive(
    job forge.jobs,
    status text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    delete from forge.jobs as j where j.id = job.id;
    perform forge._keep(job, _archive.status, _archive.at);
    perform forge._after(job, _archive.status, _archive.at);
end;
$function$;
comment on function forge._archive(forge.jobs, text, timestamptz) is
'Moves one live job, locked by the caller, to the history. Internal.';

create or replace function forge._bury(
    job forge.jobs,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_error constant jsonb := job.errors -> -1;
    v_fingerprint constant text := (
        forge.fingerprint(v_error ->> 'error_type', v_error ->> 'error')
    ).fingerprint;
begin
    delete from forge.jobs as j where j.id = job.id;
    insert into forge.dead_jobs (
        id, scheduled_at, created_at, attempted_at, finished_at, cancel_requested_at, revived_at,
        lease, priority, attempts, max_retries, revivals,
        status, queue, type, worker, unique_key, unique_scope, concurrency_key, tags, payload,
        errors, extra, fingerprint
    )
    values (
        job.id, job.scheduled_at, job.created_at, job.attempted_at, _bury.at,
        job.cancel_requested_at, job.revived_at, job.lease, job.priority, job.attempts,
        job.max_retries, job.revivals, 'DEAD', job.queue, job.type, job.worker, job.unique_key,
        job.unique_scope, job.concurrency_key, job.tags, job.payload, job.errors, job.extra, v_fingerprint
    );
    insert into forge.dead_tallies (at, queue, type, fingerprint, jobs)
    values (_bury.at, job.queue, job.type, v_fingerprint, 1);
    perform forge._after(job, 'DEAD', _bury.at);
end;
$function$;
comment on function forge._bury(forge.jobs, timestamptz) is
'Moves one live job, locked by the caller, to the dead-letter queue. Internal.';

create or replace function forge._settle(
    job forge.jobs,
    error text,
    error_type text,
    traceback text,
    retryable boolean,
    retry_in interval,
    failures integer
)
returns forge.failed
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_past constant integer := coalesce(jsonb_array_length(job.errors), 0);
    -- A job that fails for the hundredth time no longer needs every traceback in full.
    v_most constant integer := case when v_past < 100 then 8000 else 200 end;
    v_type constant text := left(_settle.error_type, 200);
    v_error constant text := left(coalesce(_settle.error, ''), v_most);
    v_verdict constant forge.verdict := forge._verdict(
        job, v_type, v_error, _settle.retryable, _settle.retry_in, _settle.failures
    );
    v_row forge.failed;
begin
    job.errors := coalesce(job.errors, '[]') || jsonb_strip_nulls(jsonb_build_object(
        'attempt', job.attempts,
        'revival', nullif(job.revivals, 0),
        'worker', job.worker,
        'started_at', job.attempted_at,
        'failed_at', v_now,
        'error_type', v_type,
        'error', v_error,
        'traceback', left(_settle.traceback, v_most * 2),
        'rule', v_verdict.rule,
        'counted', v_verdict.counted
    ));
    v_row.id := job.id;
    v_row.attempts := job.attempts;
    v_row.status := v_verdict.status;
    v_row.max_retries := v_verdict.max_retries;

    if v_row.status = 'CANCELLED' then
        perform forge._archive(job, 'CANCELLED', v_now);
    elsif v_row.status = 'DEAD' then
        perform forge._bury(job, v_now);
    else
        v_row.scheduled_at := v_now + v_verdict.delay;
        update forge.jobs as j
        set status = 'PENDING',
            scheduled_at = v_row.scheduled_at,
            lease = null,
            lease_expires_at = null,
            aside = forge._aside('PENDING', j.concurrency_key),
            progress = null,
            progress_note = null,
            errors = job.errors
        where j.id = job.id;
        if v_verdict.pauses then
            perform forge._pause_for(job, v_verdict.rule, v_now);
        elsif v_verdict.delay <= interval '0' then
            perform forge._ring(job.queue);
        end if;
        perform forge._free_place(job, v_now, v_row.scheduled_at);
    end if;

    insert into forge.tallies (at, queue, failed, dead, cancelled)
    values (
        v_now, job.queue, 1,
        (v_row.status = 'DEAD')::integer, (v_row.status = 'CANCELLED')::integer
    );
    return v_row;
end;
$function$;
comment on function forge._settle(forge.jobs, text, text, text, boolean, interval, integer) is
'Records a failed attempt of a job, locked by the caller, and decides what becomes of it. failures is
the n of the backoff; 0 is no delay at all. Internal.';

create or replace function forge.fail(
    id bigint,
    lease uuid,
    error text,
    retryable boolean default true,
    retry_in interval default null,
    queue text default null,
    error_type text default null,
    traceback text default null
)
returns forge.failed
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_job forge.jobs;
begin
    if (fail.retry_in between interval '0' and interval '365 days') is false then
        perform forge._invalid('retry_in', fail.retry_in::text, 'use 0 to 365 days');
    end if;

    select j.* into v_job
    from forge.jobs as j
    where j.id = fail.id
        and j.status = 'PROCESSING'
        and j.lease = fail.lease
        and (fail.queue is null or j.queue = fail.queue)
    for update;
    if not found then
        perform forge._refuse_lease(fail.id, fail.lease);
    end if;

    return forge._settle(
        v_job, fail.error, fail.error_type, fail.traceback,
        coalesce(fail.retryable, true), fail.retry_in, v_job.attempts
    );
end;
$function$;
comment on function forge.fail(
    bigint, uuid, text, boolean, interval, text, text, text
) is
'Reports that an attempt failed: the job is retried after its backoff, or goes to the dead-letter queue.

Retry rules by class of error, where there are any, decide which; see set_retry_rules.

Parameters:
  id, lease   of the claim
  error       what went wrong; kept up to 8,000 characters
  retryable   false: the error is permanent, no more retries, whatever a retry rule says; default true
  retry_in    wait so long instead of any backoff, 0 to 365 days; default the backoff
  queue       of the job; default any
  error_type  the class of the error, up to 200 characters; default none
  traceback   kept up to 16,000 characters; default none
Returns: id, status (PENDING; DEAD; CANCELLED where a cancellation was asked for), scheduled_at (of the
retry), attempts, max_retries.
Raises: JQ001, JQ002.
Example: select * from forge.fail(1, ''00000000-0000-0000-0000-000000000000'', ''no route to host'');';
