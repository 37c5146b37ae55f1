-- Run many jobs now, or again, by a filter, in batches that say how far they came.
-- PENDING --retry_jobs--> PENDING (now instead of later); CANCELLED --retry_jobs--> PENDING.
--
-- A batch walks over 10,000 jobs at most, by ascending id, whether they match or not. Locks: rows of
-- forge.jobs or of forge.history by ascending id, those that somebody else holds are skipped; then index
-- entries of unique keys in their order, which are not waited for. Raises: JQ001, JQ005.

create or replace function forge._find_cancelled(
    filter forge.job_filter,
    after bigint,
    max_jobs integer
)
returns forge.job_batch
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_window constant integer := 10000;
    v_looked integer;
    v_batch forge.job_batch;
begin
    if filter.ids is not null then
        select
            coalesce(array_agg(w.id order by w.id) filter (where w.is_meant), '{}'), max(w.id), 0
        into v_batch.ids, v_batch.after_id, v_looked
        from (
            select
                i.id,
                forge._matches(
                    filter, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at, null, h.tags,
                    null, h.errors, h.payload
                ) as is_meant
            from (select distinct u.id from unnest(filter.ids) as u (id)) as i
            -- Each by itself: the days of the history are many tables, and a join may read all of each.
            left join lateral (select r.* from forge.history as r where r.id = i.id limit 1) as h on true
            where i.id > _find_cancelled.after
        ) as w;
    else
        select
            coalesce(array_agg(w.id order by w.id) filter (where w.is_meant), '{}'), max(w.id), count(*)
        into v_batch.ids, v_batch.after_id, v_looked
        from (
            select
                h.id,
                forge._matches(
                    filter, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at, null, h.tags,
                    null, h.errors, h.payload
                ) as is_meant
            from forge.history as h
            where h.id > _find_cancelled.after
            order by h.id
            limit v_window
        ) as w;
    end if;
    v_batch.more := v_looked = v_window;
    v_batch.after_id := coalesce(v_batch.after_id, _find_cancelled.after);
    if cardinality(v_batch.ids) >= _find_cancelled.max_jobs then
        v_batch.ids := v_batch.ids[: _find_cancelled.max_jobs];
        v_batch.after_id := v_batch.ids[_find_cancelled.max_jobs];
        v_batch.more := true;
    end if;
    return v_batch;
end;
$function$;
comment on function forge._find_cancelled(forge.job_filter, bigint, integer) is
'The jobs that match among the next 10,000 of the history, and how far one had to look. Internal.';

create or replace function forge._run_now(
    ids bigint[],
    filter forge.job_filter,
    at timestamptz
)
returns text[]
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
    v_queues text[] := array[]::text[];
begin
    for v_job in
        select j.*
        from forge.jobs as j
        where j.id = any(_run_now.ids) and forge._matches(
            filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags, null,
            j.errors, j.payload
        )
        order by j.id
        for update skip locked
    loop
        update forge.jobs as j set scheduled_at = _run_now.at where j.id = v_job.id;
        if v_job.concurrency_key is not null then
            perform forge._call_turn(v_job.queue, v_job.concurrency_key, _run_now.at);
        end if;
        v_queues := v_queues || v_job.queue;
    end loop;
    return v_queues;
end;
$function$;
comment on function forge._run_now(bigint[], forge.job_filter, timestamptz) is
'Makes jobs due that wait for their time; returns the queue of each. Internal.';

create or replace function forge._revive_cancelled(
    ids bigint[],
    filter forge.job_filter,
    at timestamptz
)
returns text[]
language plpgsql volatile
as $function$
declare
    v_locked bigint[];
    v_job forge.history;
    v_queues text[] := array[]::text[];
begin
    v_locked := array(
        select h.id
        from forge.history as h
        where h.id = any(_revive_cancelled.ids) and forge._matches(
            filter, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at, null, h.tags, null,
            h.errors, h.payload
        )
        order by h.id
        for update skip locked
    );
    for v_job in
        select h.*
        from forge.history as h
        where h.id = any(v_locked)
        -- By key: in the order of ids it would deadlock with an enqueue_many.
        order by h.unique_scope, h.unique_key, h.id
    loop
        v_job.extra.origin := forge._origin(v_job, 'retry_jobs', session_user::text, null);
        continue when not case
            when v_job.unique_key is null then forge._revive(v_job, _revive_cancelled.at)
            else forge._try_revive(v_job, _revive_cancelled.at)
        end;
        delete from forge.history as h where h.id = v_job.id;
        v_queues := v_queues || v_job.queue;
    end loop;
    return v_queues;
end;
$function$;
comment on function forge._revive_cancelled(bigint[], forge.job_filter, timestamptz) is
'Revives cancelled jobs; those stay whose unique_key is taken, or about to be. Returns the queue of each that
is back. Internal.';

create or replace function forge.retry_jobs(
    queue text default null,
    type text default null,
    tag text default null,
    status text default 'PENDING',
    payload_contains jsonb default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    scheduled_before timestamptz default null,
    priority integer default null,
    ids bigint[] default null,
    after bigint default 0,
    max_jobs integer default 1000,
    dry_run boolean default false
)
returns forge.edited
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_filter forge.job_filter := (
        retry_jobs.queue, retry_jobs.type, retry_jobs.tag, retry_jobs.status, retry_jobs.payload_contains,
        retry_jobs.created_after, retry_jobs.created_before, null, retry_jobs.scheduled_before,
        retry_jobs.priority, retry_jobs.ids, null, null, null
    );
    v_found forge.job_batch;
    v_batch forge.edited;
    v_queues text[];
    v_queue text;
begin
    if (retry_jobs.status in ('PENDING', 'CANCELLED')) is not true then
        perform forge._invalid(
            'status', retry_jobs.status, 'use PENDING or CANCELLED; dead jobs are retry_dead''s'
        );
    end if;
    if retry_jobs.status = 'PENDING' then
        v_filter.scheduled_after := v_now;
        v_found := forge._find_batch(v_filter, array['PENDING'], retry_jobs.after, retry_jobs.max_jobs);
    else
        perform forge._check_batch(v_filter, retry_jobs.after, retry_jobs.max_jobs);
        v_found := forge._find_cancelled(v_filter, retry_jobs.after, retry_jobs.max_jobs);
    end if;
    v_batch := forge._edited(v_found);
    if (retry_jobs.dry_run) is not false then
        return v_batch;
    end if;

    v_queues := case retry_jobs.status
        when 'PENDING' then forge._run_now(v_found.ids, v_filter, v_now)
        else forge._revive_cancelled(v_found.ids, v_filter, v_now)
    end;
    for v_queue in select distinct q.queue from unnest(v_queues) as q (queue) loop
        perform forge._ring(v_queue);
    end loop;
    v_batch.changed := cardinality(v_queues);
    v_batch.skipped := v_batch.matched - v_batch.changed;
    if v_batch.changed > 0 then
        perform forge._announce('jobs');
    end if;
    return v_batch;
end;
$function$;
comment on function forge.retry_jobs(
    text, text, text, text, jsonb, timestamptz, timestamptz, timestamptz, integer, bigint[], bigint, integer,
    boolean
) is
'Runs jobs that match a filter now, or again after a cancellation, a bounded number at a time.

A call looks at 10,000 jobs at most, the oldest first. Call it again with after => last_id while more is true.
A job that comes back keeps its id and its errors and starts with fresh retries, as with retry.

Parameters:
  queue, type       of the jobs; default any
  tag               one that they have; default any
  status            PENDING: those that wait for their time, or out their backoff, become due; CANCELLED:
                    those come back; default PENDING
  payload_contains  what their payload contains, as @> has it: an object or an array; default anything
  created_after     only those created then or later; default any
  created_before, scheduled_before
                    only those whose created_at or scheduled_at is before; default any
  priority          the one they have; default any
  ids               only these, at most 10000; default any
  after             only jobs with ids above this one; default all
  max_jobs          1 to 10000; default 1000
  dry_run           true: only count; default false
Returns: matched, changed, skipped (somebody else holds them, or a live job holds their unique_key), last_id
(how far it came), more (whether there may be others beyond).
Raises: JQ001, JQ005.
Example: select * from forge.retry_jobs(queue => ''default'', type => ''email'', dry_run => true);';
