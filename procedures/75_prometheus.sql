-- What Prometheus reads, so that a scrape needs nothing but SQL.
--
-- Locks: none. Called by: the API, `forge metrics`, an exporter that runs queries.

create or replace function forge._metric(
    name text,
    kind text,
    help text
)
returns setof text
language sql immutable parallel safe
as $function$
    values (format('# HELP %s %s', $1, $3)), (format('# TYPE %s %s', $1, $2));
$function$;
comment on function forge._metric(text, text, text) is
'The lines before the values of a metric. Internal.';

create or replace function forge._of_queue(
    queue text,
    label text default null,
    value text default null
)
returns text
language sql immutable parallel safe
as $function$
    select '{queue="'
        || replace(replace($1, '\', '\\'), '"', '\"')
        || coalesce('",' || $2 || '="' || $3, '')
        || '"}';
$function$;
comment on function forge._of_queue(text, text, text) is
'The labels of a value that is of a queue. Internal.';

create or replace function forge._latency_metric(
    name text,
    what text,
    help text
)
returns setof text
language sql stable
as $function$
    select m.line from forge._metric($1, 'histogram', $3) as m (line)
    union all
    (
        select l.line
        from forge.latency_samples as s
        cross join lateral (
            select
                array_agg(b.bucket) as buckets, array_agg(b.jobs) as jobs,
                sum(b.jobs) as total, sum(b.seconds) as seconds
            from forge._latency_buckets(
                s.wait_buckets, s.wait_jobs, s.wait_seconds, s.run_buckets, s.run_jobs, s.run_seconds
            ) as b
            where b.what = $2
        ) as f
        cross join lateral (
            -- every other bucket, up to 17 minutes: a factor of two each
            select
                e.bucket as number,
                $1 || '_bucket' || forge._of_queue(s.queue, 'le', forge._bucket_end(e.bucket)::text) || ' '
                || (
                    select coalesce(sum(u.jobs), 0)
                    from unnest(f.buckets, f.jobs) as u (bucket, jobs)
                    where u.bucket <= e.bucket
                ) as line
            from generate_series(0, 40, 2) as e (bucket)
            union all
            values
                (100, $1 || '_bucket' || forge._of_queue(s.queue, 'le', '+Inf') || ' ' || f.total),
                (101, $1 || '_sum' || forge._of_queue(s.queue) || ' ' || f.seconds),
                (102, $1 || '_count' || forge._of_queue(s.queue) || ' ' || f.total)
        ) as l
        where s.at = '-infinity'
        order by s.queue, l.number
    );
$function$;
comment on function forge._latency_metric(text, text, text) is
'The lines of a histogram of latency since the installation. Internal.';

create or replace function forge._total_metrics()
returns setof text
language sql stable
as $function$
    with totals as materialized (
        select
            u.queue,
            array[sum(u.completed), sum(u.failed), sum(u.retried), sum(u.dead), sum(u.cancelled)] as numbers
        from (
            select t.queue, t.completed, t.failed, t.retried, t.dead, t.cancelled from forge.queue_totals as t
            union all
            select
                t.queue, t.completed, t.failed, greatest(0, t.failed - t.dead - t.cancelled), t.dead,
                t.cancelled
            from forge.tallies as t
        ) as u
        group by u.queue
    )
    select l.line
    from (values
        (1, 'forge_jobs_completed_total', 'Jobs that were completed.'),
        (2, 'forge_attempts_failed_total', 'Attempts that failed.'),
        (3, 'forge_attempts_retried_total', 'Failed attempts after which the job was to run again.'),
        (4, 'forge_jobs_dead_total', 'Jobs that died.'),
        (5, 'forge_jobs_cancelled_total', 'Jobs that were cancelled.')
    ) as k (number, name, help)
    cross join lateral (
        select null as queue, m.line from forge._metric(k.name, 'counter', k.help) as m (line)
        union all
        select t.queue, k.name || forge._of_queue(t.queue) || ' ' || t.numbers[k.number] from totals as t
    ) as l
    order by k.number, l.queue nulls first, l.line;
$function$;
comment on function forge._total_metrics() is
'The lines of what happened since the installation. Internal.';

create or replace function forge.prometheus()
returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_stats constant forge.stats_row[] := array(select s from forge.stats() as s);
begin
    return query
    select m.* from forge._metric('forge_jobs', 'gauge', 'Jobs by state, up to forge_jobs_counted_to.') as m;
    return query
    select 'forge_jobs' || forge._of_queue(s.queue, 'state', v.state) || ' ' || v.jobs
    from unnest(v_stats) as s
    cross join lateral (values
        ('waiting', s.waiting), ('scheduled', s.scheduled), ('ready', s.ready),
        ('processing', s.processing), ('dead', s.dead)
    ) as v (state, jobs);

    return query
    select m.*
    from forge._metric(
        'forge_oldest_ready_seconds', 'gauge', 'How long the oldest due job has waited; 0 where none is due.'
    ) as m;
    return query
    select 'forge_oldest_ready_seconds' || forge._of_queue(s.queue) || ' '
        || greatest(0, coalesce(extract(epoch from v_now - s.oldest_ready_at), 0))
    from unnest(v_stats) as s;

    return query
    select m.* from forge._metric('forge_queue_paused', 'gauge', 'Whether the queue is paused.') as m;
    return query
    select 'forge_queue_paused' || forge._of_queue(s.queue) || ' ' || s.paused::integer
    from unnest(v_stats) as s;

    return query select m.* from forge._total_metrics() as m;

    return query
    select l.line
    from (values
        (
            'forge_jobs_enqueued_total', 'counter', 'Jobs that were enqueued, in all queues.',
            (select s.last_value - (not s.is_called)::integer from forge.job_id_seq as s)
        ),
        (
            'forge_jobs_counted_to', 'gauge', 'Up to where jobs are counted: such a number may be larger.',
            (select min(s.counted_to) from unnest(v_stats) as s)
        ),
        (
            'forge_workers', 'gauge', 'Workers that live.',
            (select count(*) from forge.workers as w where forge._lives(w, v_now))
        ),
        (
            'forge_workers_lost', 'gauge', 'Workers that are registered and do not live.',
            (select count(*) from forge.workers as w where not forge._lives(w, v_now))
        ),
        (
            'forge_worker_slots', 'gauge', 'Jobs that the living workers can run at once.',
            (select coalesce(sum(w.concurrency), 0) from forge.workers as w where forge._lives(w, v_now))
        ),
        (
            'forge_tick_age_seconds', 'gauge', 'How long ago the last tick was.',
            (
                select greatest(0, extract(epoch from v_now - t.done_at))
                from forge.tick_tasks as t
                where t.task = 'tallies'
            )
        ),
        (
            'forge_oldest_transaction_seconds', 'gauge',
            'How long the oldest transaction in this database has been open, of those that may be seen.',
            (
                select greatest(0, coalesce(extract(epoch from clock_timestamp() - min(a.xact_start)), 0))
                from pg_stat_activity as a
                where a.datname = current_database()
                    and a.pid <> pg_backend_pid()
                    and a.backend_type = 'client backend'
            )
        )
    ) as k (name, kind, help, value)
    cross join lateral (
        select m.line from forge._metric(k.name, k.kind, k.help) as m (line)
        union all
        select k.name || ' ' || k.value
    ) as l
    where k.value is not null;

    return query
    select m.*
    from forge._latency_metric(
        'forge_job_wait_seconds', 'wait', 'From the time a completed job was due to its last claim.'
    ) as m;
    return query
    select m.*
    from forge._latency_metric(
        'forge_job_run_seconds', 'run', 'The attempt that completed a job.'
    ) as m;
end;
$function$;
comment on function forge.prometheus() is
'The numbers of all queues in the text format of Prometheus.

Bounded like stats: a dozen lines a queue, and fifty for the histograms of those whose jobs were measured.
Returns: lines of text/plain; version=0.0.4, in order.
Example: select * from forge.prometheus();';
