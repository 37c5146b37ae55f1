-- Numbers for dashboards and alarms: bounded, whatever the size of the queue.
--
-- Live jobs are counted through their partial indexes, up to 10,000 a number and 40,000 in all queues; what
-- is finished was tallied when it happened. Locks: none. Raises: JQ001.

create or replace function forge.stats(
    queue text default null
)
returns setof forge.stats_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    -- All that is counted is bounded, too: 10,000 a number in up to five queues.
    v_most constant bigint := case
        when stats.queue is not null then 10000
        else greatest(100, least(10000, 40000 / (1 + (select count(*) from forge.queues))))
    end;
    v_from constant timestamptz := forge._leases_from();
begin
    return query
    with running as materialized (
        select p.queue, count(*) as jobs
        from (
            select j.queue
            from forge.jobs as j
            where j.status = 'PROCESSING' and j.lease_expires_at >= v_from
            limit 10000
        ) as p
        group by p.queue
    ),
    names as (
        select q.queue from forge.queues as q
        union
        select n.queue from forge._queue_names() as n (queue)
        union
        select r.queue from running as r
        union
        select t.queue from forge.queue_totals as t
        union
        select t.queue from forge.tallies as t
    ),
    finished as (
        select
            f.queue,
            sum(f.completed)::bigint as completed,
            sum(f.cancelled)::bigint as cancelled,
            sum(f.failed)::bigint as failed
        from (
            select t.queue, t.completed, t.cancelled, t.failed from forge.queue_totals as t
            union all
            select t.queue, t.completed, t.cancelled, t.failed from forge.tallies as t
        ) as f
        group by f.queue
    )
    select
        n.queue,
        q.paused_at is not null,
        waiting.jobs,
        least(pending.jobs - pending.ready, v_most),
        least(pending.ready, v_most),
        coalesce(r.jobs, 0),
        dead.jobs,
        coalesce(f.completed, 0),
        coalesce(f.cancelled, 0),
        coalesce(f.failed, 0),
        pending.oldest,
        greatest(waiting.jobs, pending.jobs, dead.jobs) >= v_most
            or coalesce(r.jobs, 0) >= 10000,
        v_most::integer
    from names as n
    left join forge.queues as q on q.queue = n.queue
    left join running as r on r.queue = n.queue
    left join finished as f on f.queue = n.queue
    -- One plain count each, and only those that the queue is in need of: a count is all that this costs.
    cross join lateral (
        select sum(c.jobs)::bigint as jobs, sum(c.ready)::bigint as ready, min(c.oldest) as oldest
        from (
            select
                count(*) as jobs,
                count(*) filter (where b.scheduled_at <= v_now) as ready,
                min(b.scheduled_at) filter (where b.scheduled_at <= v_now) as oldest
            from (
                select p.scheduled_at
                from forge.jobs as p
                where q.lanes is null
                    and p.queue = n.queue and p.status = 'PENDING' and p.concurrency_key is null
                limit v_most
            ) as b
            union all
            select
                count(*),
                count(*) filter (where b.scheduled_at <= v_now),
                min(b.scheduled_at) filter (where b.scheduled_at <= v_now)
            from (
                select p.scheduled_at
                from forge.jobs as p
                where p.queue = n.queue and p.status = 'PENDING' and p.aside and p.concurrency_key is not null
                limit v_most
            ) as b
            union all
            select
                count(*),
                count(*) filter (where b.scheduled_at <= v_now),
                min(b.scheduled_at) filter (where b.scheduled_at <= v_now)
            from (
                select j.scheduled_at
                from unnest(q.lanes) as l
                cross join lateral (
                    (
                        select p.scheduled_at
                        from forge.jobs as p
                        where p.queue = n.queue and p.status = 'PENDING' and p.concurrency_key is null
                            and l.low < l.high and p.priority between l.low and l.high
                        order by p.priority desc, p.scheduled_at, p.id
                        limit v_most
                    )
                    union all
                    (
                        select p.scheduled_at
                        from forge.jobs as p
                        where p.queue = n.queue and p.status = 'PENDING' and p.concurrency_key is null
                            and l.low = l.high and p.priority = l.low and p.scheduled_at >= l.floor
                        order by p.scheduled_at, p.id
                        limit v_most
                    )
                ) as j
                limit v_most
            ) as b
        ) as c
    ) as pending
    cross join lateral (
        select count(*) as jobs
        from (
            select from forge.jobs as j
            where j.queue = n.queue and j.status = 'WAITING' and j.aside
            limit v_most
        ) as b
    ) as waiting
    cross join lateral (
        select count(*) as jobs
        from (select from forge.dead_jobs as d where d.queue = n.queue limit v_most) as b
    ) as dead
    where stats.queue is null or n.queue = stats.queue
    order by n.queue;
end;
$function$;
comment on function forge.stats(text) is
'The numbers of each queue.

Parameters:
  queue  only this one; default all
Returns: one row a queue: paused; waiting, scheduled (PENDING, not due), ready (PENDING, due), processing and
dead, now, counted up to counted_to each, which is 10,000 in up to four queues and less in more (capped: one
of them reached that); completed, cancelled and failed (attempts) since the installation; oldest_ready_at.
Example: select queue, ready, processing, dead from forge.stats();';

create or replace function forge._check_spans(
    since interval,
    bucket interval
)
returns void
language plpgsql immutable
as $function$
begin
    if (since between interval '10 seconds' and interval '1 day') is not true then
        perform forge._invalid('since', since::text, 'use 10 seconds to 1 day');
    elsif (bucket between interval '10 seconds' and interval '1 day') is not true
        or since > bucket * 2000
    then
        perform forge._invalid('bucket', bucket::text, 'use 10 seconds to 1 day, and at most 2000 of them');
    end if;
end;
$function$;
comment on function forge._check_spans(interval, interval) is
'Raises JQ001 where samples are not kept for so long, or the spans are too many. Internal.';

create or replace function forge.throughput(
    queue text default null,
    since interval default '5 minutes',
    bucket interval default '10 seconds',
    by_queue boolean default false
)
returns setof forge.throughput_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    -- The samples of all queues together bear no name.
    v_name constant text := case
        when throughput.queue is not null then throughput.queue
        when throughput.by_queue is not true then ''
    end;
    v_first timestamptz;
begin
    perform forge._check_spans(throughput.since, throughput.bucket);
    v_first := date_bin(throughput.bucket, v_now - throughput.since, 'epoch');
    return query
    with summed as (
        select
            date_bin(throughput.bucket, s.at, 'epoch') as at, s.queue,
            sum(s.enqueued)::bigint as enqueued, sum(s.completed)::bigint as completed,
            sum(s.failed)::bigint as failed, sum(s.dead)::bigint as dead,
            sum(s.cancelled)::bigint as cancelled
        from (
            select k.* from forge.throughput_samples as k where k.queue = v_name and k.at >= v_first
            union all
            select k.*
            from forge.throughput_samples as k
            where v_name is null and k.queue <> '' and k.at >= v_first
        ) as s
        group by 1, 2
    )
    select
        coalesce(m.at, b.at), coalesce(nullif(m.queue, ''), nullif(v_name, ''), '*'),
        case when v_name = '' then coalesce(m.enqueued, 0) end,
        coalesce(m.completed, 0), coalesce(m.failed, 0), coalesce(m.dead, 0), coalesce(m.cancelled, 0)
    from summed as m
    full join generate_series(v_first, v_now, throughput.bucket) as b (at) on b.at = m.at
    where m.at is not null or v_name is not null
    order by 1, 2;
end;
$function$;
comment on function forge.throughput(text, interval, interval, boolean) is
'What happened in each span of time, by the samples of the tick.

Parameters:
  queue     only this one; default all together
  since     how far back, 10 seconds to 1 day; default 5 minutes
  bucket    the span, 10 seconds to 1 day, at most 2,000 of them; default 10 seconds. What is older than an
            hour is known by the minute
  by_queue  a row for each queue in which something happened, instead of one for all; default false
Returns: one row a span, also where nothing happened: at (its start), queue (* for all), enqueued (null for
a single queue: it is known only in sum), completed, failed (attempts), dead, cancelled.
Raises: JQ001.
Example: select at, completed from forge.throughput(since => ''1 minute'');';
