-- Admission: how many jobs a queue takes in, and what becomes of those beyond.
--
-- Nothing is counted on the way in. The tick looks how deep the queue is, and a sequence counts what has come
-- in since; so the depth is too high by what was claimed since the last look, and too low by what was not yet
-- committed then. Locks: the row of the job that is dropped (skip locked). Raises: JQ013. Called by:
-- _enqueue, enqueue_many, the tick.

create or replace function forge._depth(
    queue text,
    before timestamptz,
    most integer
)
returns integer
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_lane forge.lane;
    v_priority integer;
    v_count integer;
    v_depth integer := 0;
begin
    foreach v_lane in array forge._lanes(_depth.queue) loop
        v_priority := v_lane.high + 1;
        loop
            v_priority := forge._next_priority(_depth.queue, v_lane, v_priority);
            exit when v_priority is null or v_depth >= _depth.most;
            select count(*) into v_count
            from (
                select
                from forge.jobs as j
                where j.queue = _depth.queue
                    and j.status = 'PENDING'
                    and j.concurrency_key is null
                    and j.priority = v_priority
                    and j.scheduled_at >= v_lane.floor
                    and j.scheduled_at <= _depth.before
                limit _depth.most - v_depth
            ) as f;
            v_depth := v_depth + v_count;
        end loop;
    end loop;
    -- jobs with a concurrency_key, which have an index of their own
    select count(*) into v_count
    from (
        select
        from forge.jobs as j
        where j.queue = _depth.queue
            and j.status = 'PENDING'
            and j.aside
            and j.concurrency_key is not null
            and j.scheduled_at <= _depth.before
        limit _depth.most - v_depth
    ) as f;
    return v_depth + v_count;
end;
$function$;
comment on function forge._depth(text, timestamptz, integer) is
'How many PENDING jobs a queue has that are due before some time, counted up to a bound. Internal.';

create or replace function forge._sample_depth(
    admission forge.admissions,
    at timestamptz
)
returns forge.admissions
language plpgsql volatile
as $function$
declare
    v_began constant timestamptz := clock_timestamp();
begin
    -- First the mark, then the count: what comes in between is counted twice rather than not at all.
    admission.mark := pg_sequence_last_value(admission.arrivals);
    admission.depth := forge._depth(
        admission.queue,
        -- what was put off must not have the next one put off
        case when admission.on_full = 'defer' then _sample_depth.at else 'infinity' end,
        admission.max_depth
    );
    admission.sampled_at := _sample_depth.at;
    admission.took := clock_timestamp() - v_began;
    return admission;
end;
$function$;
comment on function forge._sample_depth(forge.admissions, timestamptz) is
'An admission with the depth of now. Internal.';

create or replace function forge._refuse_full(
    admission forge.admissions,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_ended bigint;
begin
    select sum(s.completed + s.dead + s.cancelled) into v_ended
    from forge.throughput_samples as s
    where s.at > _refuse_full.at - interval '1 minute' and s.queue = admission.queue;
    raise exception using
        errcode = 'JQ013',
        message = 'the queue is full',
        detail = format(
            'queue=%s max_depth=%s retry_after=%s', admission.queue, admission.max_depth,
            -- until a hundredth of it is worked off, at the pace of the last minute
            greatest(1, least(60, ceil(admission.max_depth * 0.6 / greatest(v_ended, 1))))
        ),
        hint = 'try again after so many seconds, or run more workers';
end;
$function$;
comment on function forge._refuse_full(forge.admissions, timestamptz) is
'Raises JQ013, with an idea of when to come back. Internal.';

create or replace function forge._lock_oldest(
    queue text,
    keep bigint
)
returns forge.jobs
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
declare
    v_priority integer := -32769;
    v_floor timestamptz;
    v_job forge.jobs;
begin
    loop
        select j.priority into v_priority
        from forge.jobs as j
        where j.queue = _lock_oldest.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority > v_priority
        order by j.priority
        limit 1;
        if not found then
            return null;
        end if;
        select l.floor into v_floor
        from unnest(forge._lanes(_lock_oldest.queue)) as l
        where v_priority between l.low and l.high;
        select j.* into v_job
        from forge.jobs as j
        where j.queue = _lock_oldest.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority = v_priority
            and j.scheduled_at >= v_floor
            and j.id <> _lock_oldest.keep
        order by j.scheduled_at, j.id
        limit 1
        for update skip locked;
        exit when found;
    end loop;
    return v_job;
end;
$function$;
comment on function forge._lock_oldest(text, bigint) is
'Of the jobs without a concurrency_key that of the lowest priority which was due first. Internal.';

create or replace function forge._lock_oldest_of_key(
    queue text,
    key text,
    keep bigint
)
returns forge.jobs
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_key text := _lock_oldest_of_key.key;
    v_job forge.jobs;
begin
    if v_key is null then
        select j.concurrency_key into v_key
        from forge.jobs as j
        where j.queue = _lock_oldest_of_key.queue
            and j.status = 'PENDING'
            and j.aside
            and j.concurrency_key is not null
        order by j.concurrency_key
        limit 1;
    end if;
    select j.* into v_job
    from forge.jobs as j
    where j.queue = _lock_oldest_of_key.queue
        and j.status = 'PENDING'
        and j.aside
        and j.concurrency_key = v_key
        and j.id <> _lock_oldest_of_key.keep
    order by j.priority desc, j.scheduled_at, j.id
    limit 1
    for update skip locked;
    return v_job;
end;
$function$;
comment on function forge._lock_oldest_of_key(text, text, bigint) is
'The job that comes next of a concurrency_key; null: of the first one. Internal.';

create or replace function forge._drop_oldest(
    job forge.jobs,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
begin
    -- Who has a concurrency_key makes room among its own: no tenant pushes out another's jobs.
    if job.concurrency_key is not null then
        v_job := forge._lock_oldest_of_key(job.queue, job.concurrency_key, job.id);
    end if;
    if v_job.id is null then
        v_job := forge._lock_oldest(job.queue, job.id);
    end if;
    if v_job.id is null and job.concurrency_key is null then
        v_job := forge._lock_oldest_of_key(job.queue, null, job.id);
    end if;
    if v_job.id is null then
        return;     -- others hold them all, and are about to take them away
    end if;
    v_job.cancel_requested_at := _drop_oldest.at;
    v_job.errors := coalesce(v_job.errors, '[]') || jsonb_build_object(
        'attempt', v_job.attempts,
        'failed_at', _drop_oldest.at,
        'error_type', 'queue_full',
        'error', format('dropped, as the queue was full when job %s came', job.id)
    );
    perform forge._archive(v_job, 'CANCELLED', _drop_oldest.at);
    insert into forge.tallies (at, queue, cancelled) values (_drop_oldest.at, v_job.queue, 1);
end;
$function$;
comment on function forge._drop_oldest(forge.jobs, timestamptz) is
'Cancels a job to make room for another. Internal.';

create or replace function forge._defer(
    id bigint,
    until timestamptz
)
returns void
language plpgsql volatile
set enable_seqscan = off
as $function$
begin
    update forge.jobs as j set scheduled_at = _defer.until where j.id = _defer.id;
    insert into forge.deferrals (id, until) values (_defer.id, _defer.until);
end;
$function$;
comment on function forge._defer(bigint, timestamptz) is
'Puts a job off that was just inserted into a full queue. Internal.';

create or replace function forge._admit(
    job forge.jobs,
    at timestamptz
)
returns forge.jobs
language plpgsql volatile
as $function$
declare
    v_admission forge.admissions;
begin
    -- What a schedule makes is bounded by it; and refusing it would hold up the tick.
    if forge._is_open(job.queue, job.type) or job.status <> 'PENDING' or (job.extra).schedule is not null then
        return job;
    end if;
    select a.* into v_admission from forge.admissions as a where a.queue = job.queue;
    if not found or v_admission.on_full = 'defer' and job.scheduled_at > _admit.at then
        return job;
    end if;
    -- Counted before it is looked at: of two that come at once, one is beyond the limit.
    if v_admission.depth + nextval(v_admission.arrivals) - v_admission.mark <= v_admission.max_depth then
        return job;
    end if;
    if v_admission.on_full = 'drop_oldest' then
        perform forge._drop_oldest(job, _admit.at);
    elsif v_admission.on_full = 'defer' then
        job.scheduled_at := _admit.at + v_admission.defer_for;
        perform forge._defer(job.id, job.scheduled_at);
    else
        perform forge._refuse_full(v_admission, _admit.at);
    end if;
    return job;
end;
$function$;
comment on function forge._admit(forge.jobs, timestamptz) is
'Lets a job that was just inserted into its queue, or does what the queue does when it is full. Internal.';

create or replace function forge._admit_many(
    jobs jsonb,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_full boolean;
begin
    perform forge._check_payload(j.type, j.payload)
    from forge._parse_jobs(_admit_many.jobs, _admit_many.at) as j
    where exists (select from forge.payload_checks as p where p.type = j.type);

    select bool_or(a.depth + pg_sequence_last_value(a.arrivals) - a.mark + n.jobs > a.max_depth) into v_full
    from (
        select j.queue, count(*) as jobs
        from forge._parse_jobs(_admit_many.jobs, _admit_many.at) as j
        group by j.queue
    ) as n
    join forge.admissions as a on a.queue = n.queue;
    if v_full then
        return false;
    end if;
    perform nextval(a.arrivals)
    from forge._parse_jobs(_admit_many.jobs, _admit_many.at) as j
    join forge.admissions as a on a.queue = j.queue
    where a.on_full <> 'defer' or j.scheduled_at <= _admit_many.at;
    return true;
end;
$function$;
comment on function forge._admit_many(jsonb, timestamptz) is
'Whether there is room for all of these jobs, which count as taken in then; if not, they must go one by one.
Raises JQ014 for the first payload that its type does not allow. Internal.';
