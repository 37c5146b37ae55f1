-- While a job runs: heartbeat and progress keep it; release and snooze give it back.
-- PROCESSING --release, snooze--> PENDING, or CANCELLED where that was asked for.
--
-- Every statement names the lease: a stale worker changes nothing. Locks: rows of forge.jobs by
-- ascending id. Raises: JQ001, JQ002. Called by: workers.

create or replace function forge.heartbeat(
    worker text,
    ids bigint[] default '{}',
    leases uuid[] default '{}',
    extend interval default '60 seconds'
)
returns setof forge.beat
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_expires timestamptz;
begin
    perform forge._check_name('worker', heartbeat.worker);
    perform forge._check_finish(heartbeat.ids, heartbeat.leases, null);
    if (heartbeat.extend between interval '1 second' and interval '1 day') is false then
        perform forge._invalid('extend', heartbeat.extend::text, 'use 1 second to 1 day');
    end if;
    if heartbeat.extend is null then
        return query
        select h.id, case when j.id is null then 'lease_lost' else 'cancel_requested' end
        from unnest(heartbeat.ids, heartbeat.leases) as h (id, lease)
        left join forge.jobs as j on j.id = h.id and j.lease = h.lease
        where j.id is null or j.cancel_requested_at is not null
        order by h.id;
        return;
    end if;

    v_expires := v_now + heartbeat.extend;
    update forge.workers as w set heartbeat_at = v_now where w.worker = heartbeat.worker;

    return query
    with held as materialized (
        select j.id
        from (
            select u.id, u.lease
            from unnest(heartbeat.ids, heartbeat.leases) as u (id, lease)
            order by u.id
        ) as h
        cross join lateral (
            select l.id
            from forge.jobs as l
            where l.id = h.id and l.lease = h.lease
            for no key update
        ) as j
    ),
    beaten as (
        update forge.jobs as j
        set lease_expires_at = greatest(
            j.lease_expires_at, forge._lease_end(v_expires, j.attempted_at, (j.extra).timeout)
        )
        where j.id = any(array(select h.id from held as h))
        returning j.id, j.lease, j.cancel_requested_at
    )
    -- By the pair: who claimed a job anew after its lease was lost may still name the old one.
    select
        i.id,
        case when b.id is null then 'lease_lost' else 'cancel_requested' end
    from unnest(heartbeat.ids, heartbeat.leases) as i (id, lease)
    left join beaten as b on b.id = i.id and b.lease = i.lease
    where b.id is null or b.cancel_requested_at is not null
    order by i.id;
end;
$function$;
comment on function forge.heartbeat(text, bigint[], uuid[], interval) is
'Says that a worker lives, and extends the leases of the jobs it holds.

Parameters:
  worker       its name
  ids, leases  of the claims it holds, in the same order; default none
  extend       the leases end so long from now, never earlier than before, and never later than 5 seconds
               after the timeout of the attempt; 1 second to 1 day; null: only look, and change nothing, for a
               worker that hears no notifications and wants to know of cancellations soon; default 60 s
Returns: the jobs that need attention: id and reason, lease_lost (stop: somebody else owns it, or it has
ended) or cancel_requested (stop, then call fail).
Raises: JQ001.
Example: select * from forge.heartbeat(''psql'', ''{1}'', array[gen_random_uuid()]);';

create or replace function forge.progress(
    id bigint,
    lease uuid,
    value double precision,
    note text default null,
    queue text default null
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    if (progress.value between 0 and 1) is not true then
        perform forge._invalid('value', progress.value::text, 'use 0 to 1');
    end if;

    update forge.jobs as j
    set progress = progress.value,
        progress_note = left(progress.note, 500)
    where j.id = progress.id
        and j.status = 'PROCESSING'
        and j.lease = progress.lease
        and (progress.queue is null or j.queue = progress.queue);
    if not found then
        perform forge._refuse_lease(progress.id, progress.lease);
    end if;
    return true;
end;
$function$;
comment on function forge.progress(bigint, uuid, double precision, text, text) is
'Records how far a running job has come, for others to see.

Parameters:
  id, lease  of the claim
  value      0 to 1
  note       kept up to 500 characters; default none
  queue      of the job; default any
Returns: true.
Raises: JQ001, JQ002.
Example: select forge.progress(1, ''00000000-0000-0000-0000-000000000000'', 0.5, ''half way'');';

create or replace function forge._give_back(
    id bigint,
    lease uuid,
    queue text,
    scheduled_at timestamptz,
    note text
)
returns forge.change
language plpgsql volatile
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.jobs;
    v_row forge.change;
begin
    select j.* into v_job
    from forge.jobs as j
    where j.id = _give_back.id
        and j.lease = _give_back.lease
        and (_give_back.queue is null or j.queue = _give_back.queue)
    for update;
    if not found then
        perform forge._refuse_lease(_give_back.id, _give_back.lease);
    end if;

    if v_job.cancel_requested_at is not null then
        perform forge._archive(v_job, 'CANCELLED', v_now);
        insert into forge.tallies (at, queue, cancelled) values (v_now, v_job.queue, 1);
        v_row := (v_job.id, v_job.queue, v_job.type, 'PROCESSING', 'CANCELLED');
    else
        update forge.jobs as j
        set status = 'PENDING',
            attempts = j.attempts - 1,
            scheduled_at = coalesce(_give_back.scheduled_at, j.scheduled_at),
            lease = null,
            lease_expires_at = null,
            aside = forge._aside('PENDING', j.concurrency_key),
            progress = null,
            progress_note = left(_give_back.note, 500)
        where j.id = v_job.id;
        perform forge._free_place(v_job, v_now, coalesce(_give_back.scheduled_at, v_job.scheduled_at));
        v_row := (v_job.id, v_job.queue, v_job.type, 'PROCESSING', 'PENDING');
    end if;
    return v_row;
end;
$function$;
comment on function forge._give_back(bigint, uuid, text, timestamptz, text) is
'Makes a claimed job PENDING again and takes its attempt off; CANCELLED where that was asked for. Internal.';

create or replace function forge.release(
    id bigint,
    lease uuid,
    queue text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_row forge.change;
begin
    v_row := forge._give_back(release.id, release.lease, release.queue, null, null);
    perform forge._ring(v_row.queue);
    return v_row;
end;
$function$;
comment on function forge.release(bigint, uuid, text) is
'Gives a claimed job back at once, as if it had not been claimed: the attempt does not count.

Parameters:
  id, lease  of the claim
  queue      of the job; default any
Returns: id, queue, type, from_status, to_status (PENDING; CANCELLED where a cancellation was asked for).
Raises: JQ002.
Example: select * from forge.release(1, ''00000000-0000-0000-0000-000000000000'');';

create or replace function forge.snooze(
    id bigint,
    lease uuid,
    delay interval,
    queue text default null,
    note text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    if (snooze.delay between interval '0' and interval '365 days') is not true then
        perform forge._invalid('delay', snooze.delay::text, 'use 0 to 365 days');
    end if;
    return forge._give_back(
        snooze.id, snooze.lease, snooze.queue, forge.now() + snooze.delay, snooze.note
    );
end;
$function$;
comment on function forge.snooze(bigint, uuid, interval, text, text) is
'Puts a claimed job off: due again after the delay. The attempt does not count.

Parameters:
  id, lease  of the claim
  delay      0 to 365 days
  queue      of the job; default any
  note       what it waits for, kept up to 500 characters as its progress_note; default none
Returns: id, queue, type, from_status, to_status (PENDING; CANCELLED where a cancellation was asked for).
Raises: JQ001, JQ002.
Example: select * from forge.snooze(1, ''00000000-0000-0000-0000-000000000000'', ''10 minutes'',
    note => ''the bank is closed'');';
