-- Attempts whose worker is gone: PROCESSING --tick--> PENDING, DEAD or CANCELLED.
--
-- A loss counts as a failed attempt, so that a job that kills its worker ends in the dead-letter queue
-- like any other. The first is retried at once, as it is the worker that failed as a rule; the n-th
-- waits as the (n-1)-th failure would. Locks: the row of the worker, then rows of forge.jobs that
-- nobody else holds. Called by: tick.

create or replace function forge._leases_from()
returns timestamptz
language plpgsql stable
as $function$
begin
    return coalesce(
        (select t.done_at - interval '10 seconds' from forge.tick_tasks as t where t.task = 'leases'),
        timestamptz '-infinity'
    );
end;
$function$;
comment on function forge._leases_from() is
'Where in job_processing_idx the jobs that run begin: before it lie the dead rows of those that ended well,
and nothing else but claims that took long to commit. Internal.';

create or replace function forge._lose(
    job forge.jobs,
    error text,
    error_type text
)
returns void
language plpgsql volatile
as $function$
declare
    v_row constant forge.failed := forge._settle(
        job, _lose.error, _lose.error_type, null, true, null, job.attempts - 1
    );
begin
    -- Whoever is gone may have taken the bell along, and then nobody hears it.
    if v_row.scheduled_at <= forge.now() then
        perform forge._tell_due(job.queue);
    end if;
end;
$function$;
comment on function forge._lose(forge.jobs, text, text) is
'Ends the attempt of a job, locked by the caller, whose worker is gone or late. Internal.';

create or replace function forge._lose_jobs_of(
    worker text
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_from constant timestamptz := forge._leases_from();
    v_job forge.jobs;
    v_count bigint := 0;
begin
    -- Locked, and looked at again under the lock: whoever finished the job meanwhile has won.
    for v_job in
        select j.*
        from forge.jobs as j
        where j.status = 'PROCESSING'
            and j.worker = _lose_jobs_of.worker
            and j.lease_expires_at >= v_from
        order by j.id
        for update skip locked
    loop
        perform forge._lose(v_job, 'the worker is gone', 'WorkerLost');
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$function$;
comment on function forge._lose_jobs_of(text) is
'Ends the attempts of a worker that is gone; returns how many. Internal.';

create or replace function forge._lose_expired(
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_from timestamptz := timestamptz '-infinity';
    v_job forge.jobs;
    v_count bigint := 0;
begin
    -- Now and then from the very beginning, for claims that took long to commit.
    if not forge._is_time_for('all_leases', _lose_expired.at, interval '30 seconds') then
        v_from := forge._leases_from();
    end if;

    for v_job in
        select j.*
        from forge.jobs as j
        where j.status = 'PROCESSING'
            and j.lease_expires_at >= v_from
            and j.lease_expires_at < _lose_expired.at
        order by j.lease_expires_at
        limit 1000
        for update skip locked
    loop
        if forge._is_timed_out(v_job, _lose_expired.at) then
            perform forge._time_out(v_job);
        else
            perform forge._lose(v_job, 'the lease ended before the job did', 'LeaseExpired');
        end if;
        v_count := v_count + 1;
    end loop;

    -- More may have ended than one look takes: then the next begins where this one did.
    if v_count < 1000 then
        insert into forge.tick_tasks as t (task, done_at)
        values ('leases', _lose_expired.at)
        on conflict on constraint tick_tasks_pkey do update
        set done_at = excluded.done_at;
    end if;
    return v_count;
end;
$function$;
comment on function forge._lose_expired(timestamptz) is
'Ends the attempts whose lease is over, at most 1,000 of them; returns how many. Internal.';

create or replace function forge._lose_workers(
    at timestamptz
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_space constant integer := forge._lock_space('worker');
    v_worker forge.workers;
    v_gone bigint := 0;
    v_jobs bigint := 0;
    v_suspects bigint := 0;
begin
    for v_worker in
        select w.*
        from forge.workers as w
        where w.liveness_key is not null
            -- a session can take its own lock twice, so it cannot tell this way that it lives
            and w.backend_pid <> pg_backend_pid()
        order by w.worker
        for update skip locked
    loop
        if not pg_try_advisory_xact_lock(v_space, v_worker.liveness_key) then
            update forge.workers as w
            set missing_since = null
            where w.worker = v_worker.worker and w.missing_since is not null;
        elsif v_worker.missing_since is null then
            -- Perhaps it is just reconnecting: it gets until the next look, 0.3 seconds on.
            v_suspects := v_suspects + 1;
            update forge.workers as w
            set missing_since = _lose_workers.at
            where w.worker = v_worker.worker;
        elsif v_worker.missing_since <= _lose_workers.at - interval '0.25 seconds' then
            v_gone := v_gone + 1;
            v_jobs := v_jobs + forge._lose_jobs_of(v_worker.worker);
            delete from forge.workers as w where w.worker = v_worker.worker;
        else
            v_suspects := v_suspects + 1;
        end if;
    end loop;

    -- Workers without the lock are listed until they have been silent for as long as any lease that
    -- they may hold; their jobs come back by lease.
    delete from forge.workers as w
    where w.liveness_key is null and w.heartbeat_at < _lose_workers.at - interval '5 minutes';

    return query values
        ('suspect_workers', v_suspects), ('lost_workers', v_gone), ('jobs_of_lost_workers', v_jobs);
end;
$function$;
comment on function forge._lose_workers(timestamptz) is
'Finds workers whose liveness lock is free, and ends their attempts at the second look. Internal.';
