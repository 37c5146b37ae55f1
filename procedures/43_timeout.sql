-- Timeouts: how long an attempt may take.
--
-- The worker ends an attempt at its timeout. In case it does not, the tick does five seconds later: a lease
-- cannot be had for longer, and those by type are looked for. Locks: rows of forge.jobs that nobody else
-- holds. Raises: JQ001. Called by: claims, heartbeat, enqueue, the tick, explain.

create or replace function forge._lease_end(
    expires timestamptz,
    attempted_at timestamptz,
    timeout interval
)
returns timestamptz
language sql stable parallel safe
as $function$
    -- five seconds: the handler is told, given two to stop, and its failure is on its way
    select least($1, $2 + $3 + interval '5 seconds');
$function$;
comment on function forge._lease_end(timestamptz, timestamptz, interval) is
'When a lease ends that is asked for until expires: not after the timeout and what its end takes. Internal.';

create or replace function forge._check_timeout(timeout interval)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_timeout.timeout between interval '1 second' and interval '1 day') is false then
        perform forge._invalid('timeout', _check_timeout.timeout::text, 'use 1 second to 1 day');
    end if;
end;
$function$;
comment on function forge._check_timeout(interval) is
'Raises JQ001 for a timeout out of range; null is allowed. Internal.';

create or replace function forge._timeout_of(job forge.jobs)
returns interval
language sql stable
as $function$
    select coalesce((($1).extra).timeout, (select t.timeout from forge.types as t where t.type = ($1).type));
$function$;
comment on function forge._timeout_of(forge.jobs) is
'How long an attempt of a job may take: what it says itself, else its type; null: without end. Internal.';

create or replace function forge._is_timed_out(
    job forge.jobs,
    at timestamptz
)
returns boolean
language plpgsql stable
as $function$
begin
    return coalesce(_is_timed_out.at >= job.attempted_at + forge._timeout_of(job), false);
end;
$function$;
comment on function forge._is_timed_out(forge.jobs, timestamptz) is
'Whether an attempt has taken longer than it may. Internal.';

create or replace function forge._time_out(job forge.jobs)
returns void
language plpgsql volatile
as $function$
begin
    -- The job's own failure, unlike the loss of a worker: it backs off from the first time on.
    perform forge._settle(
        job, format('the attempt took longer than its timeout of %s', forge._timeout_of(job)), 'Timeout',
        null, true, null, job.attempts
    );
end;
$function$;
comment on function forge._time_out(forge.jobs) is
'Ends the attempt of a job, locked by the caller, that its worker has not ended in time. Internal.';

create or replace function forge._time_out_types(at timestamptz)
returns bigint
language plpgsql volatile
as $function$
declare
    v_from constant timestamptz := forge._leases_from();
    v_late bigint[];
    v_job forge.jobs;
    v_count bigint := 0;
begin
    -- A claim does not ask for the timeout of a type, as all claims would pay for it: the leases of such
    -- jobs may last longer. They are found among all that run, where a type has a timeout at all.
    perform from forge.types as t where t.timeout is not null limit 1;
    if not found then
        return 0;
    end if;
    select array_agg(l.id) into v_late
    from (
        select j.id
        from forge.jobs as j
        join forge.types as t on t.type = j.type
        where j.status = 'PROCESSING'
            and j.lease_expires_at >= v_from
            and (j.extra).timeout is null
            and _time_out_types.at > forge._lease_end('infinity', j.attempted_at, t.timeout)
        order by j.lease_expires_at
        limit 1000
    ) as l;

    for v_job in
        select j.* from forge.jobs as j where j.id = any(v_late) order by j.id for update skip locked
    loop
        -- it may have ended, and even begun again, before it was locked
        if v_job.status = 'PROCESSING' and _time_out_types.at > forge._lease_end(
            'infinity', v_job.attempted_at, forge._timeout_of(v_job)
        )
        then
            perform forge._time_out(v_job);
            v_count := v_count + 1;
        end if;
    end loop;
    return v_count;
end;
$function$;
comment on function forge._time_out_types(timestamptz) is
'Ends attempts that have taken longer than their type allows and whose worker goes on; returns how many.
Called by the tick. Internal.';

create or replace function forge._explain_timeout(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_timeout constant interval := forge._timeout_of(job);
    v_end constant timestamptz := job.attempted_at + v_timeout;
begin
    if job.status = 'PROCESSING' and v_timeout is not null then
        return next (
            'timeout',
            case
                when v_end > _explain_timeout.at
                then format('its attempt may take %s: until %s', v_timeout, v_end)
                else format('its attempt was to end at %s, after %s, and is being ended', v_end, v_timeout)
            end,
            jsonb_build_object('timeout_seconds', extract(epoch from v_timeout), 'timeout_at', v_end)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_timeout(forge.jobs, timestamptz) is
'When the attempt of a running job has to end. Internal.';
