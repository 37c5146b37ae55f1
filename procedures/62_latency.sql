-- Latency without a cost on the way of a job: the tick reads what has been appended to the history.
--
-- It looks at the blocks that came since it last looked, at 128 of them at most, spread evenly: where there
-- are more, each job read stands for several. What it counts are jobs that had ended when it last looked,
-- so that whoever completes a job has until then to commit. Locks: rows of the statistics tables, which
-- only the tick writes. Called by: tick.

create or replace function forge._latency_bucket(seconds double precision)
returns smallint
language sql immutable parallel safe
as $function$
    -- steps of √2 from 1 ms to 34 days
    select case
        when $1 <= 0.001 then 0
        when $1 >= 2960000 then 63
        else ceil(2 * ln($1 * 1000) / ln(2::double precision))
    end::smallint;
$function$;
comment on function forge._latency_bucket(double precision) is
'The bucket of a duration: number n ends at 2^(n/2) ms. Internal.';

create or replace function forge._bucket_end(bucket integer)
returns double precision
language sql immutable parallel safe
as $function$
    select 0.001 * 2 ^ ($1 / 2.0::double precision);
$function$;
comment on function forge._bucket_end(integer) is
'The longest duration, in seconds, that a bucket holds. Internal.';

create or replace function forge._timed_jobs(
    partition text,
    first bigint,
    past bigint,
    since timestamptz,
    till timestamptz
)
returns setof forge.timed_job
language plpgsql stable
as $function$
declare
    v_blocks constant bigint := past - first;
    v_read constant bigint := least(v_blocks, 128);
begin
    if (v_blocks > 0) is not true then
        return;
    end if;
    -- "offset 0" keeps the inner query apart, as only there a block's bounds can begin a scan of its rows.
    return query execute format(
        $query$
        select
            date_bin('10 seconds', r.finished_at, 'epoch'), r.queue,
            greatest(0, extract(epoch from r.attempted_at - r.scheduled_at))::double precision,
            greatest(0, extract(epoch from r.finished_at - r.attempted_at))::double precision,
            $1::double precision / $2
        from generate_series(0, $2 - 1) as n
        cross join lateral (select $3 + n * $1 / $2 as number) as b
        cross join lateral (
            select h.queue, h.scheduled_at, h.attempted_at, h.finished_at
            from forge.%I as h
            where h.ctid >= ('(' || b.number || ',0)')::tid
                and h.ctid < ('(' || b.number + 1 || ',0)')::tid
                and h.finished_at >= $4
                and h.finished_at < $5
                and h.status = 'COMPLETED'
                and h.attempted_at is not null
            offset 0
        ) as r
        $query$,
        partition
    )
    using v_blocks, v_read, first, since, till;
end;
$function$;
comment on function forge._timed_jobs(text, bigint, bigint, timestamptz, timestamptz) is
'The jobs that were completed in a span of time, from these blocks of a day of the history. Internal.';

create or replace function forge._latency_buckets(
    wait_buckets smallint[],
    wait_jobs double precision[],
    wait_seconds double precision,
    run_buckets smallint[],
    run_jobs double precision[],
    run_seconds double precision
)
returns setof forge.latency_bucket
language sql immutable parallel safe
as $function$
    -- The sum of the durations stands with the first bucket.
    select 'wait', w.bucket, w.jobs, case when w.number = 1 then $3 end
    from unnest($1, $2) with ordinality as w (bucket, jobs, number)
    union all
    select 'run', r.bucket, r.jobs, case when r.number = 1 then $6 end
    from unnest($4, $5) with ordinality as r (bucket, jobs, number);
$function$;
comment on function forge._latency_buckets(
    smallint[], double precision[], double precision, smallint[], double precision[], double precision
) is
'The buckets of a sample that are not empty, a row each. Internal.';

create or replace function forge._add_latencies(counts forge.latency_count[])
returns void
language plpgsql volatile
as $function$
begin
    with added as (
        select c.* from unnest(counts) as c
    ),
    summed as (
        select u.at, u.queue, u.what, u.bucket, sum(u.jobs) as jobs, sum(u.seconds) as seconds
        from (
            select a.* from added as a
            union all
            select s.at, s.queue, b.*
            from (select distinct a.at, a.queue from added as a) as k
            join forge.latency_samples as s on s.at = k.at and s.queue = k.queue
            cross join lateral forge._latency_buckets(
                s.wait_buckets, s.wait_jobs, s.wait_seconds, s.run_buckets, s.run_jobs, s.run_seconds
            ) as b
        ) as u
        group by u.at, u.queue, u.what, u.bucket
    )
    insert into forge.latency_samples (
        at, queue, wait_buckets, wait_jobs, wait_seconds, run_buckets, run_jobs, run_seconds
    )
    select
        s.at, s.queue,
        array_agg(s.bucket order by s.bucket) filter (where s.what = 'wait'),
        array_agg(s.jobs order by s.bucket) filter (where s.what = 'wait'),
        sum(s.seconds) filter (where s.what = 'wait'),
        array_agg(s.bucket order by s.bucket) filter (where s.what = 'run'),
        array_agg(s.jobs order by s.bucket) filter (where s.what = 'run'),
        sum(s.seconds) filter (where s.what = 'run')
    from summed as s
    group by s.at, s.queue
    on conflict on constraint latency_samples_pkey do update
    set wait_buckets = excluded.wait_buckets,
        wait_jobs = excluded.wait_jobs,
        wait_seconds = excluded.wait_seconds,
        run_buckets = excluded.run_buckets,
        run_jobs = excluded.run_jobs,
        run_seconds = excluded.run_seconds;
end;
$function$;
comment on function forge._add_latencies(forge.latency_count[]) is
'Adds jobs to the samples of latency. Internal.';

create or replace function forge._measure(at timestamptz)
returns void
language plpgsql volatile
as $function$
declare
    v_look forge.history_looks;
    v_blocks jsonb;
    v_counts forge.latency_count[];
begin
    select l.* into v_look from forge.history_looks as l;
    select coalesce(
        jsonb_object_agg(c.relname, pg_relation_size(c.oid) / current_setting('block_size')::bigint), '{}'
    )
    into v_blocks
    from pg_class as c
    where c.relnamespace = 'forge'::regnamespace
        and c.relname = any(
            'history_default'::name
            || array(
                select forge._partition('history', (d.at at time zone 'UTC')::date)::name
                from (values
                    (v_look.from_at), (_measure.at), (_measure.at + interval '1 day')
                ) as d (at)
            )
        );

    select array_agg((k.at, k.queue, k.what, k.bucket, k.jobs, k.seconds)::forge.latency_count)
    into v_counts
    from (
        select
            p.at, p.queue, w.what, forge._latency_bucket(w.seconds) as bucket,
            sum(j.jobs) as jobs, sum(j.jobs * w.seconds) as seconds
        from jsonb_each_text(v_blocks) as b (partition, blocks)
        cross join lateral (select (v_look.from_blocks ->> b.partition)::bigint as blocks) as f
        cross join lateral forge._timed_jobs(
            b.partition,
            -- Behind the end of the table sessions still fill blocks: their own, and those by which many at
            -- once have made it longer.
            greatest(0, f.blocks - greatest(32, least(512, b.blocks::bigint - f.blocks))),
            b.blocks::bigint,
            v_look.from_at,
            v_look.till_at
        ) as j
        cross join lateral (values (j.at, j.queue), (j.at, ''), ('-infinity', j.queue)) as p (at, queue)
        cross join lateral (values ('wait', j.wait), ('run', j.run)) as w (what, seconds)
        group by 1, 2, 3, 4
    ) as k;
    if v_counts is not null then
        perform forge._add_latencies(v_counts);
    end if;

    update forge.history_looks as l
    set from_at = l.till_at, from_blocks = l.till_blocks, till_at = _measure.at, till_blocks = v_blocks;
end;
$function$;
comment on function forge._measure(timestamptz) is
'Adds the jobs that ended between the last look and the one before it to the samples of latency. Internal.';

create or replace function forge._roll_up_latencies(
    before timestamptz,
    span interval
)
returns void
language plpgsql volatile
as $function$
declare
    v_before constant timestamptz := date_bin(span, before, 'epoch');
    v_counts forge.latency_count[];
begin
    -- What no tick was there for stays as fine as it is: it is read like the rest.
    with taken as (
        delete from forge.latency_samples as s
        where s.at >= v_before - interval '20 minutes'
            and s.at < v_before
            and s.at <> date_bin(span, s.at, 'epoch')
        returning s.*
    )
    select
        array_agg((
            date_bin(span, s.at, 'epoch'), s.queue, b.what, b.bucket, b.jobs, b.seconds
        )::forge.latency_count)
    into v_counts
    from taken as s
    cross join lateral forge._latency_buckets(
        s.wait_buckets, s.wait_jobs, s.wait_seconds, s.run_buckets, s.run_jobs, s.run_seconds
    ) as b;
    if v_counts is not null then
        perform forge._add_latencies(v_counts);
    end if;
end;
$function$;
comment on function forge._roll_up_latencies(timestamptz, interval) is
'Puts samples together to such of a longer span. Internal.';
