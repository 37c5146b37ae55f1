-- Edit and cancel many live jobs by a filter, in batches that say how far they came.
-- PENDING, WAITING --cancel_jobs--> CANCELLED; a PROCESSING one is asked to stop.
--
-- A batch walks over live jobs by ascending id, 10,000 at most, whether they match or not. Locks: rows of
-- forge.jobs by ascending id, those that somebody else holds are skipped; then index entries of unique keys,
-- which are not waited for. Raises: JQ001, JQ005, JQ014.

create or replace function forge._matches(
    job forge.jobs,
    filter forge.job_filter
)
returns boolean
language sql immutable
as $function$
    select (($2).queue is null or ($1).queue = ($2).queue)
        and (($2).type is null or ($1).type = ($2).type)
        and (($2).status is null or ($1).status = ($2).status)
        and (($2).priority is null or ($1).priority = ($2).priority)
        and (($2).created_before is null or ($1).created_at < ($2).created_before)
        and (($2).scheduled_before is null or ($1).scheduled_at < ($2).scheduled_before)
        and (($2).tag is null or ($2).tag = any(($1).tags))
        and (($2).payload_contains is null or ($1).payload @> ($2).payload_contains);
$function$;
comment on function forge._matches(forge.jobs, forge.job_filter) is
'Whether a live job is what a filter asks for; a null asks for nothing. Internal.';

create or replace function forge._find_batch(
    filter forge.job_filter,
    statuses text[],
    after bigint,
    max_jobs integer
)
returns bigint[]
language plpgsql volatile
as $function$
begin
    if filter.queue is not null then
        perform forge._check_name('queue', filter.queue);
    end if;
    if filter.type is not null then
        perform forge._check_name('type', filter.type);
    end if;
    if filter.status <> all(_find_batch.statuses) then
        perform forge._invalid(
            'status', filter.status, 'use ' || array_to_string(_find_batch.statuses, ' or ')
        );
    elsif (_find_batch.after >= 0) is not true then
        perform forge._invalid('after', _find_batch.after::text, 'use 0 or the last_id of a batch');
    elsif (_find_batch.max_jobs between 1 and 10000) is not true then
        perform forge._invalid('max_jobs', _find_batch.max_jobs::text, 'use 1 to 10000');
    end if;
    return array(
        select w.id
        from (
            select j as job, j.id
            from forge.jobs as j
            where j.id > _find_batch.after
            order by j.id
            limit 10000
        ) as w
        where (w.job).status = any(_find_batch.statuses) and forge._matches(w.job, filter)
        order by w.id
        limit _find_batch.max_jobs
    );
end;
$function$;
comment on function forge._find_batch(forge.job_filter, text[], bigint, integer) is
'The ids of the jobs that match among the next 10,000. Raises JQ001. Internal.';

create or replace function forge._batch(
    ids bigint[],
    after bigint,
    max_jobs integer
)
returns forge.edited
language plpgsql volatile
as $function$
declare
    v_batch forge.edited;
begin
    v_batch.matched := cardinality(_batch.ids);
    v_batch.changed := 0;
    v_batch.skipped := 0;
    if v_batch.matched = _batch.max_jobs then
        v_batch.last_id := _batch.ids[_batch.max_jobs];
        v_batch.more := true;
    else
        select coalesce(max(w.id), _batch.after), count(*) = 10000 into v_batch.last_id, v_batch.more
        from (select j.id from forge.jobs as j where j.id > _batch.after order by j.id limit 10000) as w;
    end if;
    return v_batch;
end;
$function$;
comment on function forge._batch(bigint[], bigint, integer) is
'How far one had to look for the jobs of a batch, of which nothing is changed yet. Internal.';

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
    dry_run boolean default false
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
        edit_jobs.created_before, edit_jobs.scheduled_before, edit_jobs.priority
    );
    v_ids constant bigint[] := forge._find_batch(v_filter, v_statuses, edit_jobs.after, edit_jobs.max_jobs);
    v_batch forge.edited := forge._batch(v_ids, edit_jobs.after, edit_jobs.max_jobs);
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
        where j.id = any(v_ids) and j.status = any(v_statuses) and forge._matches(j, v_filter)
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
    interval, jsonb, text[], bigint, integer, boolean
) is
'Changes jobs that wait and match a filter, oldest first, a bounded number at a time.

A call looks at 10,000 live jobs at most. Call it again with after => last_id while more is true; each call
is a transaction of its own unless the caller makes it otherwise.

Parameters:
  queue, type       of the jobs; default any
  tag               one that they have; default any
  status            PENDING or WAITING; default both
  payload_contains  what their payload contains, as @> has it; default anything
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
    dry_run boolean default false
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
        cancel_jobs.payload_contains, cancel_jobs.created_before, cancel_jobs.scheduled_before,
        cancel_jobs.priority
    );
    v_ids constant bigint[] := forge._find_batch(
        v_filter, v_statuses, cancel_jobs.after, cancel_jobs.max_jobs
    );
    v_batch forge.edited := forge._batch(v_ids, cancel_jobs.after, cancel_jobs.max_jobs);
    v_job forge.jobs;
    v_queues text[] := array[]::text[];
    v_queue text;
begin
    if (cancel_jobs.dry_run) is not false then
        return v_batch;
    end if;
    for v_job in
        select j.*
        from forge.jobs as j
        where j.id = any(v_ids) and j.status = any(v_statuses) and forge._matches(j, v_filter)
        order by j.id
        for update skip locked
    loop
        perform forge._cancel(v_job, v_now);
        if v_job.queue <> all(v_queues) then
            v_queues := v_queues || v_job.queue;
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
    text, text, text, text, jsonb, timestamptz, timestamptz, integer, bigint, integer, boolean
) is
'Cancels live jobs that match a filter, oldest first, a bounded number at a time; those that run are asked to.

A call looks at 10,000 live jobs at most. Call it again with after => last_id while more is true.

Parameters:
  queue, type       of the jobs; default any
  tag               one that they have; default any
  status            WAITING, PENDING or PROCESSING; default any
  payload_contains  what their payload contains, as @> has it; default anything
  created_before, scheduled_before
                    only those whose created_at or scheduled_at is before; default any
  priority          the one they have; default any
  after             only jobs with ids above this one; default all
  max_jobs          1 to 10000; default 1000
  dry_run           true: only count; default false
Returns: matched, changed, skipped (somebody else holds them), last_id (how far it came), more (whether there
may be others beyond).
Raises: JQ001.
Example: select * from forge.cancel_jobs(queue => ''default'', tag => ''import'', dry_run => true);';
