-- Why a job does not run, in words and codes: what an operator asks at three in the morning.
--
-- Each part of Forge says of its own whether it holds a job back; here they are asked one after the other.
-- Bounded looks at indexes. Locks: none. Raises: JQ003. Called by: anyone who may read.

create or replace function forge._explain_end(job forge.all_jobs)
returns forge.reason
language plpgsql stable
as $function$
begin
    return (
        lower(job.status),
        case job.status
            when 'COMPLETED' then format('it was completed at %s', job.finished_at)
            when 'CANCELLED' then format('it was cancelled at %s', job.finished_at)
            else format(
                'it died at %s: %s', job.finished_at,
                coalesce(nullif(left(job.errors -> -1 ->> 'error', 300), ''), 'no error is recorded')
            )
        end,
        jsonb_strip_nulls(jsonb_build_object(
            'finished_at', job.finished_at,
            'attempts', job.attempts,
            'worker', job.worker,
            'error_type', job.errors -> -1 ->> 'error_type'
        ))
    )::forge.reason;
end;
$function$;
comment on function forge._explain_end(forge.all_jobs) is
'How a job ended. Internal.';

create or replace function forge._explain_running(job forge.jobs)
returns setof forge.reason
language plpgsql stable
as $function$
begin
    if job.status <> 'PROCESSING' then
        return;
    end if;
    return next (
        'running',
        format(
            'worker %s holds its lease until %s', coalesce(job.worker, '(without a name)'),
            job.lease_expires_at
        ),
        jsonb_build_object(
            'worker', job.worker,
            'attempt', job.attempts,
            'attempted_at', job.attempted_at,
            'lease_expires_at', job.lease_expires_at
        )
    )::forge.reason;
    if job.cancel_requested_at is not null then
        return next (
            'cancel_requested',
            format('its worker was asked to stop at %s', job.cancel_requested_at),
            jsonb_build_object('cancel_requested_at', job.cancel_requested_at)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_running(forge.jobs) is
'Who runs a job, and until when. Internal.';

create or replace function forge._explain_time(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
begin
    if job.status = 'PENDING' and job.scheduled_at > _explain_time.at then
        return next (
            'scheduled',
            format('it is due at %s', job.scheduled_at),
            jsonb_build_object(
                'scheduled_at', job.scheduled_at,
                'seconds', extract(epoch from job.scheduled_at - _explain_time.at)
            )
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_time(forge.jobs, timestamptz) is
'Whether a job waits for its time. Internal.';

create or replace function forge._explain_queue(job forge.jobs)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_paused_at timestamptz;
    v_reason text;
    v_workers bigint;
    v_able bigint;
    v_draining bigint;
begin
    select q.paused_at, q.pause_reason into v_paused_at, v_reason
    from forge._queue_row(job.queue) as q;
    if v_paused_at is not null then
        return next (
            'queue_paused',
            format('the queue %s is paused since %s%s', job.queue, v_paused_at, ': ' || v_reason),
            jsonb_build_object('queue', job.queue, 'paused_at', v_paused_at, 'reason', v_reason)
        )::forge.reason;
    end if;

    select
        count(*) filter (where w.draining_at is null),
        count(*) filter (where w.draining_at is null and (w.types is null or job.type = any(w.types))),
        count(*) filter (where w.draining_at is not null)
    into v_workers, v_able, v_draining
    from forge.list_workers() as w
    where w.alive and job.queue = any(w.queues);
    if v_workers = 0 then
        return next (
            'no_worker',
            format(
                case
                    when v_draining > 0 then 'all live workers of the queue %s drain'
                    else 'no live worker is registered for the queue %s'
                end,
                job.queue
            ),
            jsonb_build_object('queue', job.queue, 'draining', v_draining)
        )::forge.reason;
    elsif v_able = 0 then
        return next (
            'no_worker_for_type',
            format('none of the live workers of the queue %s runs the type %s', job.queue, job.type),
            jsonb_build_object('queue', job.queue, 'type', job.type, 'workers', v_workers)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_queue(forge.jobs) is
'Whether the queue of a job is paused, or nobody pulls from it who could run the job. Internal.';

create or replace function forge._explain_order(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_most constant bigint := 10000;
    v_before bigint;
    v_ended bigint;
    v_seconds double precision;
begin
    select count(*) into v_before
    from (
        (
            -- jobs that are not due stand among these: so many entries are looked at, at most
            select
            from (
                select j.scheduled_at
                from forge.jobs as j
                where j.queue = job.queue and j.status = 'PENDING' and j.concurrency_key is null
                    and j.priority > job.priority
                order by j.priority desc, j.scheduled_at, j.id
                limit v_most
            ) as higher
            where higher.scheduled_at <= _explain_order.at
        )
        union all
        (
            select
            from forge.jobs as j
            where j.queue = job.queue
                and j.status = 'PENDING'
                and j.concurrency_key is null
                and j.priority = job.priority
                and (j.scheduled_at, j.id) < (job.scheduled_at, job.id)
            limit v_most
        )
    ) as b;

    select sum(s.completed + s.failed) into v_ended
    from forge.throughput_samples as s
    where s.queue = job.queue and s.at >= _explain_order.at - interval '5 minutes';
    v_seconds := 300.0 * v_before / nullif(v_ended, 0);
    if v_before > 0 then
        return next (
            'behind',
            case when v_before >= v_most then 'at least ' else '' end
                || format('%s jobs of its queue come before it', v_before)
                || case
                    when v_seconds is null then '; none has ended in the last five minutes'
                    else format(
                        ', about %s at the pace of the last five minutes',
                        make_interval(secs => ceil(v_seconds))
                    )
                end,
            jsonb_build_object(
                'jobs', v_before,
                'capped', v_before >= v_most,
                'ended_in_5_minutes', coalesce(v_ended, 0),
                'expected_seconds', v_seconds
            )
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_order(forge.jobs, timestamptz) is
'How many jobs are claimed before this one, and about how long that takes. Internal.';

create or replace function forge.explain(
    id bigint,
    queue text default null
)
returns setof forge.reason
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.jobs;
    v_ended forge.all_jobs;
    v_reason forge.reason;
    v_found boolean := false;
begin
    select j.* into v_job
    from forge.jobs as j
    where j.id = explain.id and (explain.queue is null or j.queue = explain.queue);
    if not found then
        select a.* into v_ended
        from forge.all_jobs as a
        where a.id = explain.id and (explain.queue is null or a.queue = explain.queue);
        if not found then
            perform forge._not_found(explain.id);
        end if;
        return next forge._explain_end(v_ended);
        return;
    end if;

    for v_reason in
        select r.* from forge._explain_running(v_job) as r
        union all
        select r.* from forge._explain_retry(v_job, v_now) as r
        union all
        select r.* from forge._explain_timeout(v_job, v_now) as r
        union all
        select r.* from forge._explain_time(v_job, v_now) as r
        union all
        select r.* from forge._explain_admission(v_job, v_now) as r
        union all
        select r.* from forge._explain_limits(v_job, v_now) as r
        union all
        select r.* from forge._explain_flows(v_job) as r
        union all
        select r.* from forge._explain_condition(v_job, v_now) as r
    loop
        v_found := true;
        return next v_reason;
    end loop;
    if v_job.status = 'PROCESSING' then
        return;
    end if;

    for v_reason in
        select r.* from forge._explain_sql_handler(v_job) as r
        union all
        select r.* from forge._explain_queue(v_job) as r
    loop
        v_found := true;
        return next v_reason;
    end loop;
    -- who stands before it says something only of a job that stands in line
    if v_job.status = 'PENDING' and v_job.scheduled_at <= v_now and v_job.concurrency_key is null then
        for v_reason in select r.* from forge._explain_order(v_job, v_now) as r loop
            v_found := true;
            return next v_reason;
        end loop;
    end if;
    if not v_found then
        return next ('next', 'nothing holds it back: the next claim takes it', '{}')::forge.reason;
    end if;
    return query select r.* from forge._explain_schedules(v_job) as r;
end;
$function$;
comment on function forge.explain(bigint, text) is
'Why a job does not run, or what it does, in words and codes.

Parameters:
  id     of the job
  queue  of the job; default any
Returns: one row a reason, all that hold: code (running, cancel_requested, timeout, retry_backoff, scheduled,
deferred, queue_paused, no_worker, no_worker_for_type, queue_limit, queue_rate, key_limit, key_rate,
key_order, key_turn, behind, next, from_schedule, waits_for_jobs, parent_failed, batch_open, condition,
condition_error, sql_handler_broken, sql_handler_of_another_queue, completed, cancelled, dead), sentence,
detail (the values in it: ids, times, counts up to 10,000, seconds).
Raises: JQ003.
Example: select code, sentence from forge.explain(forge.enqueue(''email''));';
