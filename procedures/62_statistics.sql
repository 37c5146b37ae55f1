-- Statistics: tallies are added up to totals and to samples of ten seconds.
--
-- Nothing here counts jobs. Locks: rows of the statistics tables, which only the tick writes.
-- Called by: tick, and by stats for what the tick has not added up yet.

create or replace function forge._add_tallies(
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_bucket constant timestamptz := date_bin('10 seconds', _add_tallies.at, 'epoch');
    v_newest constant bigint := (
        select case when s.is_called then s.last_value else s.last_value - 1 end from forge.job_id_seq as s
    );
    v_last bigint;
    v_count bigint;
begin
    with taken as (
        delete from forge.tallies as t
        returning t.at, t.queue, t.completed, t.failed, t.dead, t.cancelled
    ),
    totalled as (
        insert into forge.queue_totals as q (queue, completed, failed, dead, cancelled, retried)
        select
            t.queue, sum(t.completed), sum(t.failed), sum(t.dead), sum(t.cancelled),
            -- each failed attempt has a tally of its own
            sum(greatest(0, t.failed - t.dead - t.cancelled))
        from taken as t
        group by t.queue
        on conflict on constraint queue_totals_pkey do update
        set completed = q.completed + excluded.completed,
            failed = q.failed + excluded.failed,
            dead = q.dead + excluded.dead,
            cancelled = q.cancelled + excluded.cancelled,
            retried = q.retried + excluded.retried
    ),
    met as (
        insert into forge.queues as q (queue, created_at, updated_at)
        select distinct t.queue, _add_tallies.at, _add_tallies.at
        from taken as t
        -- the conflict alone would wait for whoever is changing the queue
        where not exists (select from forge.queues as k where k.queue = t.queue)
        on conflict on constraint queues_pkey do nothing
    ),
    sampled as (
        insert into forge.throughput_samples as s (at, queue, completed, failed, dead, cancelled)
        select
            date_bin('10 seconds', t.at, 'epoch'), k.queue,
            sum(t.completed), sum(t.failed), sum(t.dead), sum(t.cancelled)
        from taken as t
        cross join lateral (values (t.queue), ('')) as k (queue)
        group by 1, 2
        on conflict on constraint throughput_samples_pkey do update
        set completed = s.completed + excluded.completed,
            failed = s.failed + excluded.failed,
            dead = s.dead + excluded.dead,
            cancelled = s.cancelled + excluded.cancelled
    )
    select count(*) into v_count from taken;

    -- What was enqueued, in all queues, is how far the sequence of ids has come.
    select t.mark into v_last from forge.tick_tasks as t where t.task = 'statistics';
    insert into forge.throughput_samples as s (at, queue, enqueued)
    values (v_bucket, '', v_newest - coalesce(v_last, v_newest))
    on conflict on constraint throughput_samples_pkey do update
    set enqueued = coalesce(s.enqueued, 0) + excluded.enqueued;
    insert into forge.tick_tasks as t (task, done_at, mark)
    values ('statistics', _add_tallies.at, v_newest)
    on conflict on constraint tick_tasks_pkey do update
    set done_at = excluded.done_at, mark = excluded.mark;
    return v_count;
end;
$function$;
comment on function forge._add_tallies(timestamptz) is
'Adds the tallies up and takes them away; returns how many there were. Internal.';

create or replace function forge._roll_up_throughput(before timestamptz)
returns void
language plpgsql volatile
as $function$
begin
    with taken as (
        delete from forge.throughput_samples as s
        where s.at >= before - interval '10 minutes' and s.at < before and s.at <> date_trunc('minute', s.at)
        returning s.at, s.queue, s.enqueued, s.completed, s.failed, s.dead, s.cancelled
    )
    insert into forge.throughput_samples as s (at, queue, enqueued, completed, failed, dead, cancelled)
    select
        date_trunc('minute', t.at), t.queue,
        sum(t.enqueued), sum(t.completed), sum(t.failed), sum(t.dead), sum(t.cancelled)
    from taken as t
    group by 1, 2
    on conflict on constraint throughput_samples_pkey do update
    set enqueued = coalesce(s.enqueued + excluded.enqueued, s.enqueued, excluded.enqueued),
        completed = s.completed + excluded.completed,
        failed = s.failed + excluded.failed,
        dead = s.dead + excluded.dead,
        cancelled = s.cancelled + excluded.cancelled;
end;
$function$;
comment on function forge._roll_up_throughput(timestamptz) is
'Puts the samples of ten seconds together to those of minutes, up to a full minute. Internal.';

create or replace function forge._queue_names()
returns setof text
language plpgsql stable
as $function$
declare
    v_queue text := '';
    v_laned text;
    v_next text;
    v_keyed text;
begin
    -- From one name to the next over job_ready_idx and turn_due_idx: two probes a queue, however many jobs
    -- there are. In a queue with lanes the first would walk over its dead rows: it is stepped over, and
    -- named.
    loop
        select q.queue into v_laned
        from forge.queues as q
        where q.lanes is not null and q.queue > v_queue
        order by q.queue
        limit 1;
        if v_laned is null then
            select j.queue into v_next
            from forge.jobs as j
            where j.status = 'PENDING' and j.concurrency_key is null and j.queue > v_queue
            order by j.queue
            limit 1;
        else
            select j.queue into v_next
            from forge.jobs as j
            where j.status = 'PENDING' and j.concurrency_key is null
                and j.queue > v_queue and j.queue < v_laned
            order by j.queue
            limit 1;
        end if;
        select t.queue into v_keyed
        from forge.turns as t
        where t.queue > v_queue
        order by t.queue
        limit 1;
        v_queue := least(coalesce(v_next, v_laned), v_keyed);
        exit when v_queue is null;
        return next v_queue;
    end loop;
end;
$function$;
comment on function forge._queue_names() is
'The queues that have pending jobs, or had some a moment ago. Internal.';
