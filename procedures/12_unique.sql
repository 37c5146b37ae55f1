-- Unique jobs: what becomes of an enqueue whose key is taken.
--
-- The unique index decides, never a look before the insert. Lock order: rows of forge.jobs before keys, keys
-- in their order, and no wait for a row with another in hand. An enqueue by itself has nothing when it waits
-- for the row of the job that holds its key; an enqueue_many takes the rows of all its holders before its
-- first insert, and if it cannot have one, it gives back all, waits for that and begins anew. For a
-- completion holds keys (of the rows it has deleted) while it waits for rows, and a claim may wait in spite
-- of "skip locked", where a row has been changed in the meantime. Raises: JQ001, JQ012. Called by: _enqueue,
-- _enqueue_each.

create or replace function forge._invalid_unique(job forge.new_job)
returns void
language plpgsql volatile
as $function$
begin
    if job.unique_key is not null and job.unique_by is not null then
        perform forge._invalid('unique_by', job.unique_by::text, 'pass unique_key or unique_by, not both');
    elsif coalesce(job.unique_key, job.unique_by::text) is null then
        perform forge._invalid(
            'unique_key', null, 'what is said of a key needs one: pass unique_key or unique_by'
        );
    elsif (
        cardinality(job.unique_by) between 1 and 20
        and not exists (
            select from unnest(job.unique_by) as u (part)
            where (u.part in ('type', 'queue', 'payload') or u.part ~ '^payload(\.[^.]+)+$') is not true
        )
    ) is false then
        perform forge._invalid(
            'unique_by', job.unique_by::text, 'use 1 to 20 of type, queue, payload and payload.name'
        );
    elsif (job.unique_scope in ('queue', 'global')) is false then
        perform forge._invalid('unique_scope', job.unique_scope, 'use queue or global');
    elsif (job.unique_for between interval '1 microsecond' and interval '3650 days') is false then
        perform forge._invalid('unique_for', job.unique_for::text, 'use more than 0, at most 3650 days');
    elsif (job.on_conflict in ('keep', 'replace', 'merge', 'raise')) is false then
        perform forge._invalid('on_conflict', job.on_conflict, 'use keep, replace, merge or raise');
    elsif (job.debounce between interval '1 microsecond' and interval '365 days') is false then
        perform forge._invalid('debounce', job.debounce::text, 'use more than 0, at most 365 days');
    elsif job.debounce_max is not null and (
        job.debounce_max between job.debounce and interval '3650 days'
    ) is not true then
        perform forge._invalid('debounce_max', job.debounce_max::text, 'use debounce to 3650 days');
    elsif job.debounce is not null and job.scheduled_at is not null then
        perform forge._invalid('scheduled_at', job.scheduled_at::text, 'debounce sets it; leave it out');
    elsif job.debounce is not null and job.on_conflict = 'raise' then
        perform forge._invalid('on_conflict', job.on_conflict, 'debounce goes with keep, replace or merge');
    end if;
end;
$function$;
comment on function forge._invalid_unique(forge.new_job) is
'Raises JQ001 for what is said of a key, if it makes no sense. Internal.';

create or replace function forge._with_key(job forge.new_job)
returns forge.new_job
language plpgsql volatile
as $function$
declare
    v_parts jsonb;
begin
    if job.unique_by is null then
        return job;
    end if;
    perform forge._invalid_unique(job);
    -- jsonb writes equal documents alike, whatever order their keys came in.
    select jsonb_object_agg(u.part, p.value) filter (where p.value is not null) into v_parts
    from unnest(job.unique_by) as u (part)
    cross join lateral (
        select case
            when u.part = 'type' then to_jsonb(job.type)
            when u.part = 'queue' then to_jsonb(job.queue)
            else job.payload #> (string_to_array(u.part, '.'))[2 :]
        end as value
    ) as p;
    job.unique_key := 'by:' || encode(sha256(convert_to(coalesce(v_parts, '{}')::text, 'UTF8')), 'hex');
    job.unique_by := null;
    return job;
end;
$function$;
comment on function forge._with_key(forge.new_job) is
'The job with the unique_key that its unique_by comes to. Raises JQ001. Internal.';

create or replace function forge._unique(
    job forge.new_job,
    at timestamptz
)
returns forge.new_job
language plpgsql volatile
as $function$
begin
    if num_nonnulls(
        job.unique_by, job.unique_scope, job.unique_for, job.on_conflict, job.debounce, job.debounce_max
    ) > 0 then
        perform forge._invalid_unique(job);
        job := forge._with_key(job);
        job.scheduled_at := coalesce(_unique.at + job.debounce, job.scheduled_at);
    end if;
    return job;
end;
$function$;
comment on function forge._unique(forge.new_job, timestamptz) is
'The job with its unique_key and, where it is debounced, its time. Raises JQ001. Internal.';

create or replace function forge._scope(
    queue text,
    unique_scope text
)
returns text
language sql immutable parallel safe
as $function$
    select case when $2 = 'global' then '' else $1 end;
$function$;
comment on function forge._scope(text, text) is
'Where a unique_key counts, as forge.jobs.unique_scope has it. Internal.';

create or replace function forge._holder(
    scope text,
    unique_key text
)
returns bigint
language plpgsql stable
as $function$
begin
    return (
        select j.id
        from forge.jobs as j
        where j.unique_scope = _holder.scope and j.unique_key = _holder.unique_key
    );
end;
$function$;
comment on function forge._holder(text, text) is
'The live job that holds a key; null: none. Internal.';

create or replace function forge._taken(id bigint)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ012',
        message = 'the unique_key is taken',
        detail = format('id=%s', _taken.id),
        hint = 'wait until that job has ended, or use on_conflict => ''keep'', ''replace'' or ''merge''';
end;
$function$;
comment on function forge._taken(bigint) is
'Raises JQ012 with the job that holds a key. Internal.';

create or replace function forge._tells_more(options forge.new_job)
returns boolean
language sql immutable parallel safe
as $function$
    select $1.debounce is not null or coalesce($1.on_conflict in ('replace', 'merge'), false);
$function$;
comment on function forge._tells_more(forge.new_job) is
'Whether it is said even where its key is taken, so that it must not be lost. Internal.';

create or replace function forge._insert_unique(
    job forge.jobs,
    options forge.new_job,
    at timestamptz,
    patient boolean
)
returns forge.enqueued
language plpgsql volatile
set enable_seqscan = off
as $function$
declare
    v_row forge.enqueued;
    v_id bigint;
    v_tells_more constant boolean := forge._tells_more(options);
begin
    job.id := nextval('forge.job_id_seq');
    -- Whoever holds the key may end between our insert and our look: the next round takes it.
    loop
        insert into forge.jobs as j select job.* on conflict do nothing returning j.id, true into v_row;
        if not found then
            v_id := forge._holder(job.unique_scope, job.unique_key);
            v_row := forge._meet(job, options, at, patient, v_id);
            exit when v_row.id is not null;
            continue;
        end if;
        -- After the insert, which waited for the end of the holder: its spent key is there to be seen.
        -- Who tells more than the completed job knew has a job of its own, see _await_key.
        v_id := case when not v_tells_more then (forge._spent(job, at)).id end;
        if v_id is not null then
            if options.on_conflict = 'raise' then
                perform forge._taken(v_id);
            end if;
            delete from forge.jobs as j where j.id = job.id;
            v_row := (v_id, false);
        end if;
        exit;
    end loop;
    return v_row;
end;
$function$;
comment on function forge._insert_unique(forge.jobs, forge.new_job, timestamptz, boolean) is
'Inserts a job that has a unique_key, or does what its options say to the one that holds it. Internal.';

create or replace function forge._meet(
    job forge.jobs,
    options forge.new_job,
    at timestamptz,
    patient boolean,
    holder bigint
)
returns forge.enqueued
language plpgsql volatile
as $function$
declare
    v_rule constant text := coalesce(options.on_conflict, 'keep');
    v_holder forge.jobs;
begin
    if holder is null or v_rule = 'keep' and options.debounce is null then
        return (holder, false);
    elsif v_rule = 'raise' then
        perform forge._taken(holder);
    end if;

    if patient then
        select j.* into v_holder
        from forge.jobs as j
        where j.id = holder and j.unique_key = job.unique_key
        for update;
    else
        select j.* into v_holder
        from forge.jobs as j
        where j.id = holder and j.unique_key = job.unique_key
        for update nowait;
    end if;
    if not found then
        return null;
    elsif v_holder.status = 'PROCESSING' then
        -- It has its payload already, and what is said now must not be lost: it gives up its key.
        update forge.jobs as j
        set unique_key = null, unique_scope = null
        where j.id = v_holder.id;
        return null;
    end if;

    v_holder.scheduled_at := case
        when options.debounce is not null then greatest(
            v_holder.scheduled_at,
            least(job.scheduled_at, coalesce(v_holder.revived_at, v_holder.created_at) + options.debounce_max)
        )
        when v_rule = 'replace' then greatest(job.scheduled_at, (forge._spent(job, at)).until)
        else v_holder.scheduled_at
    end;
    if v_rule = 'replace' then
        v_holder.type := job.type;
        v_holder.payload := job.payload;
        v_holder.priority := job.priority;
    elsif v_rule = 'merge' then
        v_holder.payload := v_holder.payload || job.payload;
        perform forge._check_size('payload', v_holder.payload);
        perform forge._check_payload(v_holder.type, v_holder.payload);
    end if;
    update forge.jobs as j
    set type = v_holder.type,
        payload = v_holder.payload,
        priority = v_holder.priority,
        scheduled_at = v_holder.scheduled_at
    where j.id = v_holder.id;
    if v_holder.status = 'PENDING' then
        if v_holder.concurrency_key is not null then
            perform forge._call_turn(v_holder.queue, v_holder.concurrency_key, v_holder.scheduled_at);
        end if;
        if v_holder.scheduled_at <= at then
            perform forge._ring(v_holder.queue);
        end if;
    end if;
    return (v_holder.id, false);
end;
$function$;
comment on function forge._meet(forge.jobs, forge.new_job, timestamptz, boolean, bigint) is
'Keeps, replaces, merges into or puts off the job that holds a key; a null id where the key is free after
all. Internal.';

create or replace function forge._may_change_holders(jobs forge.new_job[])
returns boolean
language sql immutable
as $function$
    select exists (select from unnest($1) as n where forge._tells_more(n));
$function$;
comment on function forge._may_change_holders(forge.new_job[]) is
'Whether one of these might change the job that holds its key. Internal.';

create or replace function forge._holders(jobs forge.new_job[])
returns bigint[]
language sql stable
as $function$
    select array_agg(distinct h.id order by h.id)
    from unnest($1) as n
    cross join lateral forge._holder(forge._scope(n.queue, n.unique_scope), n.unique_key) as h (id)
    where h.id is not null;
$function$;
comment on function forge._holders(forge.new_job[]) is
'The live jobs that hold the keys of others. Internal.';

create or replace function forge._lock_holders(jobs forge.new_job[])
returns void
language plpgsql volatile
set enable_seqscan = off
as $function$
declare
    v_ids constant bigint[] := forge._holders(jobs);
begin
    perform from forge.jobs as j where j.id = any(v_ids) order by j.id for update nowait;
end;
$function$;
comment on function forge._lock_holders(forge.new_job[]) is
'Takes the rows of the jobs that hold the keys of others; raises lock_not_available rather than wait for one
while it has another. Internal.';

create or replace function forge._await_holders(jobs forge.new_job[])
returns void
language plpgsql volatile
set enable_seqscan = off
as $function$
declare
    v_id bigint;
    v_came boolean;
begin
    foreach v_id in array coalesce(forge._holders(jobs), '{}') loop
        v_came := false;
        begin
            perform from forge.jobs as j where j.id = v_id for update;
            v_came := true;
            raise lock_not_available;       -- lets go of the row
        exception
            when lock_not_available then
                if not v_came then
                    raise;
                end if;
        end;
    end loop;
end;
$function$;
comment on function forge._await_holders(forge.new_job[]) is
'Waits for the jobs that hold the keys of others, for one at a time, and keeps none. Internal.';
