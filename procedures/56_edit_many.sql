-- Edit and cancel many live jobs by a filter, in batches that say how far they came.
-- PENDING, WAITING --cancel_jobs--> CANCELLED; a PROCESSING one is asked to stop.
--
-- A batch walks over live jobs by ascending id, 10,000 at most, whether they match or not. Locks: rows of
-- forge.jobs by ascending id, those that somebody else holds are skipped; then index entries of unique keys,
-- which are not waited for. Raises: JQ001, JQ005, JQ014.

create or replace function forge._find_batch(
    filter forge.job_filter,
    statuses text[],
    after bigint,
    max_jobs integer
)
returns forge.job_batch
language plpgsql volatile
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $function$
declare
    v_window constant integer := 10000;
    v_wanted bigint[];
    v_count integer;
    v_batch forge.job_batch;
begin
    perform forge._check_batch(filter, _find_batch.after, _find_batch.max_jobs);
    if filter.status <> all(_find_batch.statuses) then
        perform forge._invalid(
            'status', filter.status, 'use ' || array_to_string(_find_batch.statuses, ' or ')
        );
    end if;

    if filter.ids is not null then
        v_wanted := array(
            select distinct i.id
            from unnest(filter.ids) as i (id)
            where i.id > _find_batch.after
            order by i.id
        );
        v_batch.ids := array(
            select j.id
            from unnest(v_wanted) as i (id)
            join forge.jobs as j on j.id = i.id
            where j.status = any(_find_batch.statuses) and forge._matches(
                filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                null, j.errors, j.payload
            )
            order by j.id
            limit _find_batch.max_jobs
        );
    else
        v_batch.ids := array(
            select w.id
            from (
                select
                    j.id,
                    j.status = any(_find_batch.statuses) and forge._matches(
                        filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null,
                        j.tags, null, j.errors, j.payload
                    ) as is_meant
                from forge.jobs as j
                where j.id > _find_batch.after
                order by j.id
                limit v_window
            ) as w
            where w.is_meant
            order by w.id
            limit _find_batch.max_jobs
        );
    end if;

    if cardinality(v_batch.ids) = _find_batch.max_jobs then
        v_batch.after_id := v_batch.ids[_find_batch.max_jobs];
        v_batch.more := true;
    elsif filter.ids is not null then
        v_batch.after_id := coalesce(v_wanted[cardinality(v_wanted)], _find_batch.after);
        v_batch.more := false;
    else
        select max(w.id), count(*) into v_batch.after_id, v_count
        from (
            select j.id from forge.jobs as j where j.id > _find_batch.after order by j.id limit v_window
        ) as w;
        v_batch.after_id := coalesce(v_batch.after_id, _find_batch.after);
        v_batch.more := v_count = v_window;
    end if;
    return v_batch;
end;
$function$;
comment on function forge._find_batch(forge.job_filter, text[], bigint, integer) is
'The jobs that match among the next 10,000 live ones, and how far one had to look. Raises JQ001,
JQ005. Internal.';

create or replace function forge._edited(
    batch forge.job_batch
)
returns forge.edited
language sql immutable
as $function$
    select (pg_catalog.cardinality(($1).ids), 0, 0, ($1).after_id, ($1).more)::forge.edited;
$function$;
comment on function forge._edited(forge.job_batch) is
'A batch of jobs of which nothing is changed yet. Internal.';

create or replace function forge.edit_jobs(
    queue text default null,
    type text default null,
    tag text default null,
    status text default null,
    payload_contains jsonb default null,
    created_before timestamptz default null,
    scheduled_before timestamptz default null,
    priority integer default null,
    to_priority integer default null,
    to_scheduled_at timestamptz default null,
    to_queue text default null,
    to_max_retries integer default null,
    to_timeout interval default null,
    merge_payload jsonb default null,
    unset text[] default '{}',
    after bigint default 0,
    max_jobs integer default 1000,
    dry_run boolean default false,
    created_after timestamptz default null,
    ids bigint[] default null
)
returns forge.edited
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_statuses constant text[] := array['WAITING', 'PENDING'];
    v_filter constant forge.job_filter := (
        edit_jobs.queue, edit_jobs.type, edit_jobs.tag, edit_jobs.status, edit_jobs.payload_contains,
        edit_jobs.created_after, edit_jobs.created_before, null, edit_jobs.scheduled_before,
        edit_jobs.priority, edit_jobs.ids, null, null, null
    );
    v_found constant forge.job_batch := forge._find_batch(
        v_filter, v_statuses, edit_jobs.after, edit_jobs.max_jobs
    );
    v_batch forge.edited := forge._edited(v_found);
    v_wanted forge.jobs;
    v_job forge.jobs;
begin
    v_wanted.priority := edit_jobs.to_priority;
    v_wanted.scheduled_at := edit_jobs.to_scheduled_at;
    v_wanted.queue := edit_jobs.to_queue;
    v_wanted.max_retries := edit_jobs.to_max_retries;
    v_wanted.extra.timeout := edit_jobs.to_timeout;
    perform forge._check_edit(v_wanted, edit_jobs.unset);
    if (edit_jobs.dry_run) is not false then
        return v_batch;
    end if;

    for v_job in
        select j.*
        from forge.jobs as j
        where j.id = any(v_found.ids) and j.status = any(v_statuses) and forge._matches(
            v_filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags, null,
            j.errors, j.payload
        )
        order by j.id
        for update skip locked
    loop
        if edit_jobs.merge_payload is not null then
            v_wanted.payload := v_job.payload || edit_jobs.merge_payload;
            perform forge._check_size('payload', v_wanted.payload);
            perform forge._check_payload(v_job.type, v_wanted.payload);
        end if;
        v_batch.changed := v_batch.changed + forge._write_change(
            v_job, forge._changed(v_job, v_wanted, edit_jobs.unset, v_now), v_now
        )::integer;
    end loop;
    v_batch.skipped := v_batch.matched - v_batch.changed;
    return v_batch;
end;
$function$;
comment on function forge.edit_jobs(
    text, text, text, text, jsonb, timestamptz, timestamptz, integer, integer, timestamptz, text, integer,
    interval, jsonb, text[], bigint, integer, boolean, timestamptz, bigint[]
) is
'Changes jobs that wait and match a filter, oldest first, a bounded number at a time.

A call looks at 10,000 live jobs at most. Call it again with after => last_id while more is true; each call
is a transaction of its own unless the caller makes it otherwise.

Parameters:
  queue, type       of the jobs; default any
  tag               one that they have; default any
  status            PENDING or WAITING; default both
  payload_contains  what their payload contains, as @> has it: an object or an array; default anything
  created_before, scheduled_before
                    only those whose created_at or scheduled_at is before; default any
  priority          the one they have; default any
  to_priority, to_scheduled_at, to_queue, to_max_retries, to_timeout
                    what they get, as in edit; null leaves it
  merge_payload     merged into their payload with ||; null leaves it
  unset             as in edit; default none
  after             only jobs with ids above this one; default all
  max_jobs          1 to 10000; default 1000
  dry_run           true: only count; default false
  created_after     only those created then or later; default any
  ids               only these, at most 10000; default any
Returns: matched, changed, skipped (somebody else holds them, or their unique_key is taken in the other
queue), last_id (how far it came), more (whether there may be others beyond).
Raises: JQ001, JQ005, JQ014 (nothing of the batch is changed then).
Example: select * from forge.edit_jobs(queue => ''default'', type => ''email'', to_priority => 5);';

create or replace function forge.cancel_jobs(
    queue text default null,
    type text default null,
    tag text default null,
    status text default null,
    payload_contains jsonb default null,
    created_before timestamptz default null,
    scheduled_before timestamptz default null,
    priority integer default null,
    after bigint default 0,
    max_jobs integer default 1000,
    dry_run boolean default false,
    created_after timestamptz default null,
    ids bigint[] default null
)
returns forge.edited
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_statuses constant text[] := array['WAITING', 'PENDING', 'PROCESSING'];
    v_filter constant forge.job_filter := (
        cancel_jobs.queue, cancel_jobs.type, cancel_jobs.tag, cancel_jobs.status,
        cancel_jobs.payload_contains, cancel_jobs.created_after, cancel_jobs.created_before, null,
        cancel_jobs.scheduled_before, cancel_jobs.priority, cancel_jobs.ids, null, null, null
    );
    v_found constant forge.job_batch := forge._find_batch(
        v_filter, v_statuses, cancel_jobs.after, cancel_jobs.max_jobs
    );
    v_batch forge.edited := forge._edited(v_found);
    v_ids bigint[];
    v_id bigint;
    v_job forge.jobs;
    v_queues text[] := array[]::text[];
    v_queue text;
begin
    if (cancel_jobs.dry_run) is not false then
        return v_batch;
    end if;
    v_ids := array(
        select j.id
        from forge.jobs as j
        where j.id = any(v_found.ids) and j.status = any(v_statuses) and forge._matches(
            v_filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags, null,
            j.errors, j.payload
        )
        order by j.id
        for update skip locked
    );
    foreach v_id in array v_ids loop
        -- As it is now: the end of one before it may have freed it, or cancelled it as well.
        select j.* into v_job from forge.jobs as j where j.id = v_id;
        if found then
            perform forge._cancel(v_job, v_now);
            if v_job.queue <> all(v_queues) then
                v_queues := v_queues || v_job.queue;
            end if;
        end if;
        v_batch.changed := v_batch.changed + 1;
    end loop;
    foreach v_queue in array v_queues loop
        perform forge._announce('cancel', v_queue);
    end loop;
    v_batch.skipped := v_batch.matched - v_batch.changed;
    return v_batch;
end;
$function$;
comment on function forge.cancel_jobs(
    text, text, text, text, jsonb, timestamptz, timestamptz, integer, bigint, integer, boolean, timestamptz,
    bigint[]
) is
'Cancels live jobs that match a filter, oldest first, a bounded number at a time; those that run are asked to.

A call looks at 10,000 live jobs at most. Call it again with after => last_id while more is true.

Parameters:
  queue, type       of the jobs; default any
  tag               one that they have; default any
  status            WAITING, PENDING or PROCESSING; default any
  payload_contains  what their payload contains, as @> has it: an object or an array; default anything
  created_before, scheduled_before
                    only those whose created_at or scheduled_at is before; default any
  priority          the one they have; default any
  after             only jobs with ids above this one; default all
  max_jobs          1 to 10000; default 1000
  dry_run           true: only count; default false
  created_after     only those created then or later; default any
  ids               only these, at most 10000; default any
Returns: matched, changed, skipped (somebody else holds them), last_id (how far it came), more (whether there
may be others beyond).
Raises: JQ001, JQ005.
Example: select * from forge.cancel_jobs(queue => ''default'', tag => ''import'', dry_run => true);';
