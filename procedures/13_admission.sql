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
    ) as k;
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

create or replace function forge._oldest_of_key(
    queue text,
    key text,
    keep bigint
)
returns forge.jobs
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
declare
    v_priority integer;
    v_job forge.jobs;
begin
    select j.priority into v_priority
    from forge.jobs as j
    where j.queue = _oldest_of_key.queue
        and j.status = 'PENDING'
        and j.aside
        and j.concurrency_key = _oldest_of_key.key
        and j.id <> _oldest_of_key.keep
    order by j.priority
    limit 1;
    select j.* into v_job
    from forge.jobs as j
    where j.queue = _oldest_of_key.queue
        and j.status = 'PENDING'
        and j.aside
        and j.concurrency_key = _oldest_of_key.key
        and j.priority = v_priority
        and j.id <> _oldest_of_key.keep
    order by j.scheduled_at, j.id
    limit 1
    for update skip locked;
    return v_job;
end;
$function$;
comment on function forge._oldest_of_key(text, text, bigint) is
'The job of a key that has been due for longest among those of its lowest priority, locked. Internal.';

create or replace function forge._drop_oldest(
    queue text,
    keep bigint,
    at timestamptz,
    key text default null
)
returns void
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
    if _drop_oldest.key is not null then        -- who fills the queue makes room in it
        v_job := forge._oldest_of_key(_drop_oldest.queue, _drop_oldest.key, _drop_oldest.keep);
        if v_job.id is null then
            return;
        end if;
    end if;
    while v_job.id is null loop
        select j.priority into v_priority
        from forge.jobs as j
        where j.queue = _drop_oldest.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority > v_priority
        order by j.priority
        limit 1;
        if not found then
            return;     -- others hold them all, and are about to take them away
        end if;
        select l.floor into v_floor
        from unnest(forge._lanes(_drop_oldest.queue)) as l
        where v_priority between l.low and l.high;
        select j.* into v_job
        from forge.jobs as j
        where j.queue = _drop_oldest.queue
            and j.status = 'PENDING'
            and j.concurrency_key is null
            and j.priority = v_priority
            and j.scheduled_at >= v_floor
            and j.id <> _drop_oldest.keep
        order by j.scheduled_at, j.id
        limit 1
        for update skip locked;
    end loop;
    v_job.cancel_requested_at := _drop_oldest.at;
    v_job.errors := coalesce(v_job.errors, '[]') || jsonb_build_object(
        'attempt', v_job.attempts,
        'failed_at', _drop_oldest.at,
        'error_type', 'queue_full',
        'error', format('dropped, as the queue was full when job %s came', _drop_oldest.keep)
    );
    perform forge._archive(v_job, 'CANCELLED', _drop_oldest.at);
    insert into forge.tallies (at, queue, cancelled) values (_drop_oldest.at, v_job.queue, 1);
end;
$function$;
comment on function forge._drop_oldest(text, bigint, timestamptz, text) is
'Cancels the job of a queue, or of one of its keys, that has been due for longest among those of the lowest
priority. Internal.';

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
        perform forge._drop_oldest(job.queue, job.id, _admit.at, job.concurrency_key);
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
