-- Limits in forge.explain: which one holds a job back, and who has the places.
--
-- Bounded looks at indexes. Locks: none.

create or replace function forge._running_list(
    queue text,
    key text
)
returns jsonb
language plpgsql stable
as $function$
declare
    v_ids bigint[];
begin
    if _running_list.key is null then
        v_ids := array(
            select j.id
            from forge.jobs as j
            where j.queue = _running_list.queue and j.status = 'PROCESSING' and j.aside
            order by j.concurrency_key
            limit 5
        );
    else
        v_ids := array(
            select j.id
            from forge.jobs as j
            where j.queue = _running_list.queue
                and j.status = 'PROCESSING'
                and j.aside
                and j.concurrency_key = _running_list.key
            order by j.priority desc, j.scheduled_at, j.id
            limit 5
        );
    end if;
    return (
        select jsonb_agg(jsonb_build_object('id', j.id, 'worker', j.worker) order by j.id)
        from forge.jobs as j
        where j.id = any(v_ids)
    );
end;
$function$;
comment on function forge._running_list(text, text) is
'Up to five of the jobs that run, of a key or in all of a limited queue. Internal.';

create or replace function forge._explain_place(
    code text,
    what text,
    most integer,
    running jsonb
)
returns forge.reason
language plpgsql stable
as $function$
begin
    return (
        _explain_place.code,
        format(
            '%s runs at most %s at once, and does: %s', _explain_place.what, _explain_place.most,
            (
                select string_agg(format('job %s', r.job ->> 'id'), ', ')
                from jsonb_array_elements(_explain_place.running) as r (job)
            )
        ) || case when _explain_place.most > 5 then ', …' else '' end,
        jsonb_build_object('most', _explain_place.most, 'running', _explain_place.running)
    )::forge.reason;
end;
$function$;
comment on function forge._explain_place(text, text, integer, jsonb) is
'That all places of a limit are taken, and by whom. Internal.';

create or replace function forge._explain_rate(
    code text,
    what text,
    rate integer,
    per interval,
    more_at timestamptz
)
returns forge.reason
language plpgsql stable
as $function$
begin
    return (
        _explain_rate.code,
        format(
            '%s starts at most %s in %s; the next may start at %s', _explain_rate.what,
            _explain_rate.rate, _explain_rate.per, _explain_rate.more_at
        ),
        jsonb_build_object(
            'rate', _explain_rate.rate, 'per', _explain_rate.per, 'until', _explain_rate.more_at
        )
    )::forge.reason;
end;
$function$;
comment on function forge._explain_rate(text, text, integer, interval, timestamptz) is
'That a rate is used up, and until when. Internal.';

create or replace function forge._explain_key(
    job forge.jobs,
    limits forge.limits,
    at timestamptz
)
returns setof forge.reason
language plpgsql volatile
as $function$
declare
    v_what constant text := format('the key %s', job.concurrency_key);
    v_head forge.jobs;
    v_rate forge.allowance;
    v_turn forge.turns;
    v_before bigint;
begin
    if limits.key_fifo then
        v_head := forge._head(job.queue, job.concurrency_key);
        if v_head.id <> job.id then
            return next (
                'key_order',
                format('%s runs its jobs one by one: job %s goes first', v_what, v_head.id),
                jsonb_build_object(
                    'id', v_head.id, 'status', v_head.status, 'worker', v_head.worker,
                    'scheduled_at', v_head.scheduled_at
                )
            )::forge.reason;
            return;
        end if;
    end if;
    if limits.key_max_running is not null
        and forge._running_of_key(job.queue, job.concurrency_key, limits.key_max_running)
            >= limits.key_max_running
    then
        return next forge._explain_place(
            'key_limit', v_what, limits.key_max_running,
            forge._running_list(job.queue, job.concurrency_key)
        );
    end if;
    if limits.key_rate is not null then
        v_rate := forge._allowance(
            job.queue, job.concurrency_key, limits.key_rate, limits.key_per, _explain_key.at
        );
        if v_rate.jobs <= 0 then
            return next forge._explain_rate(
                'key_rate', v_what, limits.key_rate, limits.key_per, v_rate.more_at
            );
        end if;
    end if;

    select t.* into v_turn
    from forge.turns as t
    where t.queue = job.queue and t.key = job.concurrency_key
    order by t.turn_at, t.ticket
    limit 1;
    select count(*) into v_before
    from (
        select from forge.turns as t
        where t.queue = job.queue
            and (t.turn_at, t.ticket) < (v_turn.turn_at, v_turn.ticket)
            and t.turn_at <= _explain_key.at
        limit 10000
    ) as b;
    if v_before > 0 then
        return next (
            'key_turn',
            format(
                'keys take turns: %s%s are before %s',
                case when v_before >= 10000 then 'at least ' else '' end, v_before, v_what
            ),
            jsonb_build_object('keys', v_before, 'capped', v_before >= 10000)
        )::forge.reason;
    end if;

    select count(*) into v_before
    from (
        select from forge.jobs as j
        where j.queue = job.queue
            and j.status = 'PENDING'
            and j.aside
            and j.concurrency_key = job.concurrency_key
            and j.scheduled_at <= _explain_key.at
            and (j.priority > job.priority
                or (j.priority = job.priority and (j.scheduled_at, j.id) < (job.scheduled_at, job.id)))
        limit 10000
    ) as b;
    if v_before > 0 and not coalesce(limits.key_fifo, false) then
        return next (
            'behind',
            format(
                '%s%s jobs of %s come before it',
                case when v_before >= 10000 then 'at least ' else '' end, v_before, v_what
            ),
            jsonb_build_object('jobs', v_before, 'capped', v_before >= 10000)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_key(forge.jobs, forge.limits, timestamptz) is
'What holds back a job with a concurrency_key. Internal.';

create or replace function forge._explain_limits(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql volatile
as $function$
declare
    v_limits forge.limits;
    v_rate forge.allowance;
    v_what constant text := format('the queue %s', job.queue);
begin
    if job.status <> 'PENDING' then
        return;
    end if;
    select l.* into v_limits from forge.limits as l where l.queue = job.queue;
    if v_limits.max_running is not null
        and forge._running_of_queue(job.queue, v_limits.max_running) >= v_limits.max_running
    then
        return next forge._explain_place(
            'queue_limit', v_what, v_limits.max_running, forge._running_list(job.queue, null)
        );
    end if;
    if v_limits.rate is not null then
        v_rate := forge._allowance(job.queue, '', v_limits.rate, v_limits.per, _explain_limits.at);
        if v_rate.jobs <= 0 then
            return next forge._explain_rate(
                'queue_rate', v_what, v_limits.rate, v_limits.per, v_rate.more_at
            );
        end if;
    end if;
    if job.concurrency_key is not null then
        return query select r.* from forge._explain_key(job, v_limits, _explain_limits.at) as r;
    end if;
end;
$function$;
comment on function forge._explain_limits(forge.jobs, timestamptz) is
'Which limits hold a job back, and who has the places. Internal.';
