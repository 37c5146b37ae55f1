-- Edit: what may be changed of a live job, while it waits and while it runs.
--
-- Locks: the row of the job, then the index entry of its unique_key where it moves to another queue, which is
-- not waited for.
-- Raises: JQ001, JQ003, JQ004, JQ005, JQ014.

create or replace function forge._changed(
    job forge.jobs,
    wanted forge.jobs,
    unset text[],
    at timestamptz
)
returns forge.jobs
language plpgsql volatile
as $function$
begin
    -- A value given wins over its unset; neither leaves it.
    job.payload := coalesce(wanted.payload, job.payload);
    job.priority := coalesce(wanted.priority, job.priority);
    job.queue := coalesce(wanted.queue, job.queue);
    job.unique_scope := case when job.unique_scope <> '' then job.queue else job.unique_scope end;
    -- Not before now: no claim has gone past that yet.
    job.scheduled_at := case
        when wanted.scheduled_at is null then job.scheduled_at
        else greatest(wanted.scheduled_at, _changed.at)
    end;
    job.max_retries := coalesce(
        wanted.max_retries, case when not 'max_retries' = any(_changed.unset) then job.max_retries end);
    job.extra.retry_base := coalesce(
        (wanted.extra).retry_base,
        case when not 'retry_base' = any(_changed.unset) then (job.extra).retry_base end);
    job.extra.retry_factor := coalesce(
        (wanted.extra).retry_factor,
        case when not 'retry_factor' = any(_changed.unset) then (job.extra).retry_factor end);
    job.extra.retry_cap := coalesce(
        (wanted.extra).retry_cap,
        case when not 'retry_cap' = any(_changed.unset) then (job.extra).retry_cap end);
    job.extra.retry_jitter := coalesce(
        (wanted.extra).retry_jitter,
        case when not 'retry_jitter' = any(_changed.unset) then (job.extra).retry_jitter end);
    job.tags := coalesce(wanted.tags, case when not 'tags' = any(_changed.unset) then job.tags end);
    job.extra.timeout := coalesce(
        (wanted.extra).timeout,
        case when not 'timeout' = any(_changed.unset) then (job.extra).timeout end);
    return job;
end;
$function$;
comment on function forge._changed(forge.jobs, forge.jobs, text[], timestamptz) is
'A job with what is wanted of it, where that is not null, and without what is unset. Internal.';

create or replace function forge._check_edit(
    wanted forge.jobs,
    unset text[]
)
returns void
language plpgsql volatile
as $function$
begin
    perform forge._check_unset(
        _check_edit.unset,
        '{max_retries,retry_base,retry_factor,retry_cap,retry_jitter,tags,timeout}'
    );
    perform forge._check_enqueue(
        'any', coalesce(wanted.payload, '{}'), coalesce(wanted.queue, 'any'), coalesce(wanted.priority, 0),
        case when wanted.scheduled_at <> '-infinity' then wanted.scheduled_at end, null, wanted.tags
    );
    perform forge._check_policy(
        (wanted.extra).retry_base, (wanted.extra).retry_factor, (wanted.extra).retry_cap,
        (wanted.extra).retry_jitter, wanted.max_retries
    );
    perform forge._check_timeout((wanted.extra).timeout);
end;
$function$;
comment on function forge._check_edit(forge.jobs, text[]) is
'Raises JQ001 for what no job can be changed to. Internal.';

create or replace function forge._write_change(
    was forge.jobs,
    job forge.jobs,
    at timestamptz
)
returns boolean
language plpgsql volatile
-- Its own key is let go and a row is held: no time to wait for whoever is about to take the other key.
set lock_timeout = '50ms'
as $function$
begin
    update forge.jobs as j
    set payload = job.payload,
        priority = job.priority,
        scheduled_at = job.scheduled_at,
        queue = job.queue,
        unique_scope = job.unique_scope,
        max_retries = job.max_retries,
        tags = job.tags,
        extra = case when not (job.extra is null) then job.extra end
    where j.id = job.id;
    if job.status = 'PENDING' then
        if job.concurrency_key is not null then
            perform forge._move_line(was, job.queue, job.scheduled_at);
        end if;
        if job.scheduled_at <= at then
            perform forge._ring(job.queue);
        end if;
    end if;
    return true;
exception
    when unique_violation or lock_not_available then
        return false;
end;
$function$;
comment on function forge._write_change(forge.jobs, forge.jobs, timestamptz) is
'Writes a changed job, whose row the caller has locked; false where its unique_key is taken in the queue that
it was to move to, or is being taken. Internal.';

create or replace function forge.edit(
    id bigint,
    payload jsonb default null,
    priority integer default null,
    scheduled_at timestamptz default null,
    to_queue text default null,
    max_retries integer default null,
    retry_base interval default null,
    retry_factor double precision default null,
    retry_cap interval default null,
    retry_jitter double precision default null,
    tags text[] default null,
    timeout interval default null,
    unset text[] default '{}',
    queue text default null
)
returns forge.all_jobs
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_wanted forge.jobs;
    v_job forge.jobs;
    v_row forge.all_jobs;
begin
    v_wanted.payload := edit.payload;
    v_wanted.priority := edit.priority;
    v_wanted.scheduled_at := edit.scheduled_at;
    v_wanted.queue := edit.to_queue;
    v_wanted.max_retries := edit.max_retries;
    v_wanted.extra.retry_base := edit.retry_base;
    v_wanted.extra.retry_factor := edit.retry_factor;
    v_wanted.extra.retry_cap := edit.retry_cap;
    v_wanted.extra.retry_jitter := edit.retry_jitter;
    v_wanted.tags := edit.tags;
    v_wanted.extra.timeout := edit.timeout;
    perform forge._check_edit(v_wanted, edit.unset);
    if edit.payload is not null then
        perform forge._check_size('payload', edit.payload);
    end if;

    select j.* into v_job
    from forge.jobs as j
    where j.id = edit.id and (edit.queue is null or j.queue = edit.queue)
    for update;
    if not found then
        select a.* into v_row
        from forge.all_jobs as a
        where a.id = edit.id and (edit.queue is null or a.queue = edit.queue);
        if not found then
            perform forge._not_found(edit.id);
        end if;
        perform forge._wrong_status(
            edit.id, v_row.status, 'only a live job can be edited; enqueue a new one'
        );
    end if;
    if v_job.status = 'PROCESSING' and (
        num_nonnulls(edit.scheduled_at, edit.to_queue, edit.timeout) > 0 or 'timeout' = any(edit.unset)
    ) then
        perform forge._wrong_status(
            edit.id, v_job.status, 'its queue, time and timeout can be edited when it does not run'
        );
    end if;
    if edit.payload is not null then
        perform forge._check_payload(v_job.type, edit.payload);
    end if;
    if not forge._write_change(v_job, forge._changed(v_job, v_wanted, edit.unset, v_now), v_now) then
        perform forge._wrong_status(
            edit.id, v_job.status, 'a live job of that queue holds its unique_key; cancel that one or wait'
        );
    end if;
    select a.* into v_row from forge.all_jobs as a where a.id = edit.id;
    return v_row;
end;
$function$;
comment on function forge.edit(
    bigint, jsonb, integer, timestamptz, text, integer, interval, double precision, interval,
    double precision, text[], interval, text[], text
) is
'Changes a live job. What is changed of one that runs takes effect with its next attempt.

Of a PENDING or WAITING job everything here can be changed; of a PROCESSING one all but to_queue,
scheduled_at and timeout.

Parameters:
  id            of the job
  payload       instead of the one it has; null leaves it
  priority      -32768 to 32767; null leaves it
  scheduled_at  not before this time, which is now at the earliest; null leaves it
  to_queue      the queue that it moves to, where its unique_key must be free; its limits hold from then on,
                but no queue is too full for it; null leaves it
  max_retries, retry_base, retry_factor, retry_cap, retry_jitter
                its retry policy, as in enqueue; null leaves it
  tags          instead of those it has; null leaves them
  timeout       of one attempt, 1 second to 1 day; null leaves it
  unset         names of what goes back to the default: max_retries, retry_base, retry_factor, retry_cap,
                retry_jitter, tags, timeout; default none
  queue         of the job; default any
Returns: the job as it is then, a row of forge.all_jobs.
Raises: JQ001, JQ003, JQ004 (it is finished; it runs; its unique_key is taken there), JQ005, JQ014.
Example: select * from forge.edit(forge.enqueue(''email''), priority => 10, unset => ''{max_retries}'');';
