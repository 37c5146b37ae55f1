-- What operators do to single jobs.
-- PENDING, WAITING --cancel--> CANCELLED; DEAD, CANCELLED --retry--> PENDING; DEAD --discard--> DEAD.
--
-- Locks: the row of the job, then what it is moved to. Raises: JQ001, JQ003, JQ004.

create or replace function forge._cancel(
    job forge.jobs,
    at timestamptz
)
returns text
language plpgsql volatile
as $function$
begin
    if job.status = 'PROCESSING' then
        update forge.jobs as j
        set cancel_requested_at = coalesce(j.cancel_requested_at, _cancel.at)
        where j.id = job.id;
        return 'PROCESSING';
    end if;
    job.cancel_requested_at := _cancel.at;
    perform forge._archive(job, 'CANCELLED', _cancel.at);
    insert into forge.tallies (at, queue, cancelled) values (_cancel.at, job.queue, 1);
    return 'CANCELLED';
end;
$function$;
comment on function forge._cancel(forge.jobs, timestamptz) is
'Cancels a live job, locked by the caller, or asks the worker that runs it to stop; returns its status then.
The workers are the caller''s to tell. Internal.';

create or replace function forge.cancel(
    id bigint,
    queue text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.jobs;
    v_status text;
    v_row forge.change;
begin
    select j.* into v_job
    from forge.jobs as j
    where j.id = cancel.id and (cancel.queue is null or j.queue = cancel.queue)
    for update;
    if not found then
        select a.id, a.queue, a.type, a.status, a.status into v_row
        from forge.all_jobs as a
        where a.id = cancel.id and (cancel.queue is null or a.queue = cancel.queue);
        if not found then
            perform forge._not_found(cancel.id);
        elsif v_row.to_status <> 'CANCELLED' then
            perform forge._wrong_status(cancel.id, v_row.to_status, 'only a live job can be cancelled');
        end if;
        return v_row;
    end if;

    v_status := forge._cancel(v_job, v_now);
    perform forge._announce('cancel', v_job.queue);

    v_row := (v_job.id, v_job.queue, v_job.type, v_job.status, v_status);
    return v_row;
end;
$function$;
comment on function forge.cancel(bigint, text) is
'Cancels a live job. One that runs is asked to stop, and is CANCELLED when its attempt ends in failure.

Parameters:
  id     of the job
  queue  of the job; default any
Returns: id, queue, type, from_status, to_status: CANCELLED; PROCESSING where the worker was asked. A job
that was cancelled before comes back as it is.
Raises: JQ003, JQ004 (it is finished, or dead).
Example: select * from forge.cancel(forge.enqueue(''email''));';

create or replace function forge._revive(
    job forge.history,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
begin
    insert into forge.jobs (
        id, scheduled_at, created_at, revived_at, priority, attempts, max_retries, revivals,
        status, queue, type, unique_key, unique_scope, concurrency_key, tags, payload, errors, extra, aside
    )
    values (
        job.id, _revive.at, job.created_at, _revive.at, job.priority, 0, job.max_retries,
        job.revivals + 1, 'PENDING', job.queue, job.type, job.unique_key, job.unique_scope,
        job.concurrency_key, job.tags, job.payload, job.errors, job.extra,
        forge._aside('PENDING', job.concurrency_key)
    )
    on conflict do nothing;
    if not found then
        return false;
    end if;
    if job.concurrency_key is not null then
        perform forge._join_line(job.queue, job.concurrency_key, job.id, _revive.at);
    end if;
    return true;
end;
$function$;
comment on function forge._revive(forge.history, timestamptz) is
'Inserts a job that was dead or cancelled as PENDING, with fresh retries; false where its unique_key is
held by a live job. Internal.';

create or replace function forge._origin(
    job forge.history,
    by text,
    who text,
    revival bigint
)
returns jsonb
language plpgsql stable
as $function$
begin
    return jsonb_strip_nulls(jsonb_build_object(
        'status', job.status,
        -- of a dead job that was discarded, finished_at is when that was
        'ended_at', coalesce(
            case when job.status = 'DEAD' then job.errors -> -1 -> 'failed_at' end,
            to_jsonb(job.finished_at)
        ),
        'fingerprint', job.fingerprint,
        'by', _origin.by,
        'who', _origin.who,
        'revival', _origin.revival
    ));
end;
$function$;
comment on function forge._origin(forge.history, text, text, bigint) is
'Where a job comes from that is revived now: its end, which function, for which login. Internal.';

create or replace function forge.retry(
    id bigint,
    queue text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.history;
    v_from text;
    v_row forge.change;
begin
    -- A job that waits for its time, or out its backoff: due now.
    update forge.jobs as j
    set scheduled_at = least(j.scheduled_at, v_now)
    where j.id = retry.id
        and j.status = 'PENDING'
        and (retry.queue is null or j.queue = retry.queue)
    returning j.id, j.queue, j.type, j.status, j.status into v_row;
    if found then
        perform forge._call_turn(j.queue, j.concurrency_key, v_now)
        from forge.jobs as j
        where j.id = v_row.id and j.concurrency_key is not null;
        perform forge._ring(v_row.queue);
        return v_row;
    end if;

    delete from forge.dead_jobs as d
    where d.id = retry.id and (retry.queue is null or d.queue = retry.queue)
    returning d.* into v_job;
    if found then
        perform forge._left_dead(v_job, v_now);
    else
        delete from forge.history as h
        where h.id = retry.id
            and h.status in ('CANCELLED', 'DEAD')
            and (retry.queue is null or h.queue = retry.queue)
        returning h.* into v_job;
    end if;
    if not found then
        select a.status into v_from
        from forge.all_jobs as a
        where a.id = retry.id and (retry.queue is null or a.queue = retry.queue);
        if not found then
            perform forge._not_found(retry.id);
        elsif v_from in ('PENDING', 'DEAD', 'CANCELLED') then
            -- Somebody else moved it between our looks, another retry as a rule: look again.
            return forge.retry(retry.id, retry.queue);
        end if;
        perform forge._wrong_status(
            retry.id, v_from, 'only a PENDING, DEAD or CANCELLED job can be retried; enqueue a new one'
        );
    end if;

    v_job.extra.origin := forge._origin(v_job, 'retry', session_user::text, null);
    if not forge._revive(v_job, v_now) then
        perform forge._wrong_status(
            retry.id, v_job.status, 'a live job holds its unique_key; cancel that one or wait until it ends'
        );
    end if;
    perform forge._ring(v_job.queue);
    perform forge._announce('dead');
    v_row := (v_job.id, v_job.queue, v_job.type, v_job.status, 'PENDING');
    return v_row;
end;
$function$;
comment on function forge.retry(bigint, text) is
'Runs a job again, now: out of the dead-letter queue, after a cancellation, or instead of its backoff.

A revived job keeps its id and its errors and starts with fresh retries; revivals counts how often, and origin
tells where it came from.

Parameters:
  id     of the job
  queue  of the job; default any
Returns: id, queue, type, from_status, to_status (PENDING).
Raises: JQ003, JQ004 (it runs, it is completed, or a live job holds its unique_key).
Example: select * from forge.retry(forge.enqueue(''email'', scheduled_at => now() + ''1 day''));';

create or replace function forge._discard(
    job forge.history,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    delete from forge.dead_jobs as d where d.id = job.id;
    job.finished_at := _discard.at;
    insert into forge.history select job.*;
    perform forge._left_dead(job, _discard.at);
end;
$function$;
comment on function forge._discard(forge.history, timestamptz) is
'Moves one dead job, locked by the caller, to the history. Internal.';

create or replace function forge.discard(
    id bigint,
    queue text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_job forge.history;
    v_status text;
begin
    select d.* into v_job
    from forge.dead_jobs as d
    where d.id = discard.id and (discard.queue is null or d.queue = discard.queue)
    for update;
    if found then
        perform forge._discard(v_job, v_now);
        perform forge._announce('dead');
        return (v_job.id, v_job.queue, v_job.type, 'DEAD', v_job.status)::forge.change;
    end if;

    select a.status into v_status
    from forge.all_jobs as a
    where a.id = discard.id and (discard.queue is null or a.queue = discard.queue);
    if not found then
        perform forge._not_found(discard.id);
    end if;
    perform forge._wrong_status(discard.id, v_status, 'only a job in the dead-letter queue can be discarded');
    return null;
end;
$function$;
comment on function forge.discard(bigint, text) is
'Takes a job out of the dead-letter queue for good; the history keeps it, and retry can bring it back.

Parameters:
  id     of the job
  queue  of the job; default any
Returns: id, queue, type, from_status, to_status.
Raises: JQ003, JQ004.
Example: select d.* from forge.list_dead() as l, forge.discard(l.id) as d;';
