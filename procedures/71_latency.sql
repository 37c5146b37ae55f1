-- Latency in percentiles, by the samples of the tick.
--
-- A percentile lies in a bucket, whose ends are a factor of √2 apart; inside it, it is taken for as far
-- from the one end as its rank is. Locks: none. Raises: JQ001.

create or replace function forge.latency(
    queue text default null,
    since interval default '5 minutes',
    bucket interval default '10 seconds',
    by_queue boolean default false
)
returns setof forge.latency_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    -- The samples of all queues together bear no name.
    v_name constant text := case
        when latency.queue is not null then latency.queue
        when latency.by_queue is not true then ''
    end;
    v_first timestamptz;
    v_step interval;
begin
    perform forge._check_spans(latency.since, latency.bucket);
    if v_name is null and latency.since > interval '1 hour' then
        perform forge._invalid('since', latency.since::text, 'use up to 1 hour for all queues one by one');
    end if;
    if latency.bucket < latency.since then
        v_step := latency.bucket;
        v_first := date_bin(v_step, v_now - latency.since, 'epoch');
    else
        v_step := '3650 days';
        v_first := date_bin('10 seconds', v_now - latency.since, 'epoch');
    end if;
    return query
    with counted as (
        select date_bin(v_step, s.at, v_first) as at, s.queue, b.what, b.bucket, sum(b.jobs) as jobs
        from (
            select k.*
            from forge.latency_samples as k
            where k.queue = v_name and k.at >= v_first
            union all
            select k.*
            from forge.latency_samples as k
            where v_name is null and k.queue <> '' and k.at >= v_first
        ) as s
        cross join lateral forge._latency_buckets(
            s.wait_buckets, s.wait_jobs, s.wait_seconds, s.run_buckets, s.run_jobs, s.run_seconds
        ) as b
        group by 1, 2, 3, 4
    ),
    ranked as (
        select
            c.*,
            sum(c.jobs) over (partition by c.at, c.queue, c.what) as total,
            sum(c.jobs) over (partition by c.at, c.queue, c.what order by c.bucket) as upto
        from counted as c
    ),
    shared as (
        -- the one bucket in which as many jobs end as that share of all is
        select
            r.at, r.queue, r.what, r.total, s.share,
            make_interval(
                secs => l.shortest
                    + (forge._bucket_end(r.bucket) - l.shortest)
                    * (s.share * r.total - r.upto + r.jobs) / r.jobs
            ) as duration
        from (values (0.5::double precision), (0.95), (0.99)) as s (share)
        join ranked as r on s.share * r.total <= r.upto and s.share * r.total > r.upto - r.jobs
        cross join lateral (
            select case when r.bucket = 0 then 0 else forge._bucket_end(r.bucket - 1) end as shortest
        ) as l
    ),
    found as (
        select
            h.at,
            h.queue,
            round(max(h.total))::bigint as jobs,
            max(h.duration) filter (where h.what = 'wait' and h.share = 0.5) as w50,
            max(h.duration) filter (where h.what = 'wait' and h.share = 0.95) as w95,
            max(h.duration) filter (where h.what = 'wait' and h.share = 0.99) as w99,
            max(h.duration) filter (where h.what = 'run' and h.share = 0.5) as r50,
            max(h.duration) filter (where h.what = 'run' and h.share = 0.95) as r95,
            max(h.duration) filter (where h.what = 'run' and h.share = 0.99) as r99
        from shared as h
        group by h.at, h.queue
    )
    select
        coalesce(f.at, b.at), coalesce(nullif(f.queue, ''), nullif(v_name, ''), '*'), coalesce(f.jobs, 0),
        f.w50, f.w95, f.w99, f.r50, f.r95, f.r99
    from found as f
    full join generate_series(v_first, v_now, v_step) as b (at) on b.at = f.at
    where f.at is not null or v_name is not null
    order by 1, 2;
end;
$function$;
comment on function forge.latency(text, interval, interval, boolean) is
'How long completed jobs waited and ran, in percentiles, in each span of time.

The wait is the time from scheduled_at to the claim, of the last attempt; the run is that attempt. They are
read from the history by the tick, a second or two after the end, and where more than some 128 blocks are
written between two ticks from a part of it. Queues without a history (set_queue) have none. A percentile is
exact to the step that it lies in: from 1 ms to 1.4 ms, to 2 ms, to 2.8 ms …

Parameters:
  queue     only this one; default all together
  since     how far back, 10 seconds to 1 day, with by_queue to 1 hour; default 5 minutes
  bucket    the span, 10 seconds to 1 day, at most 2,000 of them; one that is as long as since or longer gives
            one row for all of it; default 10 seconds. What is older than a quarter of an hour is known by the
            minute, what is older than two hours by ten minutes
  by_queue  a row for each queue in which jobs were completed, instead of one for all; default false
Returns: one row a span, also where nothing was completed: at (its start), queue (* for all), jobs (about how
many), wait_p50, wait_p95, wait_p99, run_p50, run_p95, run_p99 (null where there were none).
Raises: JQ001.
Example: select at, jobs, wait_p95, run_p95 from forge.latency(since => ''1 hour'', bucket => ''1 minute'');';
