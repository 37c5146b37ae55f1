-- Enqueue: new --enqueue--> PENDING, in the caller's transaction.
--
-- A job that says nothing rare of itself takes the short way, in enqueue and in enqueue_many alike; all
-- others go through _enqueue, one by one. Locks: the doorbell of the queue (a shared try), and with a
-- unique_key the index entry of that key until the caller commits. Raises: JQ001, JQ005. Called by: anyone
-- who has work to be done.

create or replace function forge._check_enqueue(
    type text,
    payload jsonb,
    queue text,
    priority integer,
    scheduled_at timestamptz,
    unique_key text,
    tags text[]
)
returns void
language plpgsql volatile
as $function$
begin
    perform forge._check_name('type', _check_enqueue.type);
    perform forge._check_name('queue', _check_enqueue.queue);
    if _check_enqueue.payload is null then
        perform forge._invalid('payload', null, 'pass a JSON value; ''{}'' where there is nothing to say');
    end if;
    if (_check_enqueue.priority between -32768 and 32767) is not true then
        perform forge._invalid('priority', _check_enqueue.priority::text, 'use -32768 to 32767');
    end if;
    if isfinite(_check_enqueue.scheduled_at) is false then
        perform forge._invalid('scheduled_at', _check_enqueue.scheduled_at::text, 'use a finite time');
    end if;
    -- in bytes, too, as an entry of job_unique_idx has room for 2,700
    if (
        char_length(_check_enqueue.unique_key) between 1 and 500
        and octet_length(_check_enqueue.unique_key) <= 1800
    ) is false then
        perform forge._invalid(
            'unique_key', _check_enqueue.unique_key, 'use 1 to 500 characters, at most 1800 bytes'
        );
    end if;
    if _check_enqueue.tags is not null and (
        cardinality(_check_enqueue.tags) > 20
        or array_position(_check_enqueue.tags, null) is not null
        or exists (
            select from unnest(_check_enqueue.tags) as t (tag)
            where char_length(t.tag) not between 1 and 100
        )
    ) then
        perform forge._invalid(
            'tags', _check_enqueue.tags::text, 'use at most 20 tags of 1 to 100 characters'
        );
    end if;
end;
$function$;
comment on function forge._check_enqueue(text, jsonb, text, integer, timestamptz, text, text[]) is
'Says which argument of an enqueue is wrong, if one is. Internal.';

create or replace function forge._insert(
    job forge.jobs
)
returns forge.enqueued
language plpgsql volatile
as $function$
declare
    v_row forge.enqueued;
begin
    job.id := nextval('forge.job_id_seq');
    insert into forge.jobs as j select job.* returning j.id, true into v_row;
    return v_row;
end;
$function$;
comment on function forge._insert(forge.jobs) is
'Inserts a job that has no unique_key. Internal.';

create or replace function forge._aside(
    status text,
    concurrency_key text
)
returns boolean
language sql immutable parallel safe
as $function$
    select case when $1 = 'WAITING' or $2 is not null then true end;
$function$;
comment on function forge._aside(text, text) is
'Whether a job that does not run is looked for apart from the rest: true or null. Internal.';

create or replace function forge._extra(job forge.new_job)
returns forge.job_extra
language plpgsql volatile
as $function$
declare
    v_extra constant forge.job_extra := row(
        job.retry_base, job.retry_factor, job.retry_cap, job.retry_jitter, job.timeout, job.unique_for,
        job.on_parent_failure,
        case
            when job.retry_rules is not null
            then forge._check_rules('retry_rules', job.retry_rules, false)
        end,
        job.schedule, job.nominal_at, null
    );
begin
    return case when not (v_extra is null) then v_extra end;
end;
$function$;
comment on function forge._extra(forge.new_job) is
'What few jobs say of themselves; null: nothing. Raises JQ001 for retry_rules that are none. Internal.';

create or replace function forge._enqueue(
    job forge.new_job,
    at timestamptz,
    patient boolean default true,
    hold text default null
)
returns forge.enqueued
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
    v_row forge.enqueued;
begin
    perform forge._check_enqueue(
        job.type, job.payload, job.queue, job.priority, job.scheduled_at, job.unique_key, job.tags
    );
    perform forge._check_policy(
        job.retry_base, job.retry_factor, job.retry_cap, job.retry_jitter, job.max_retries
    );
    perform forge._check_size('payload', job.payload);
    perform forge._check_payload(job.type, job.payload);
    job := forge._unique(job, _enqueue.at);
    perform forge._check_timeout(job.timeout);
    if job.concurrency_key is not null then
        perform forge._check_name('concurrency_key', job.concurrency_key);
    end if;
    perform forge._check_depends(job.depends_on, job.on_parent_failure);

    v_job.status := 'PENDING';
    v_job.attempts := 0;
    v_job.revivals := 0;
    v_job.created_at := _enqueue.at;
    v_job.scheduled_at := coalesce(job.scheduled_at, _enqueue.at);
    v_job.type := job.type;
    v_job.payload := job.payload;
    v_job.queue := job.queue;
    v_job.priority := job.priority;
    v_job.max_retries := job.max_retries;
    v_job.tags := job.tags;
    v_job.unique_key := job.unique_key;
    v_job.unique_scope := case
        when job.unique_key is not null then forge._scope(job.queue, job.unique_scope)
    end;
    v_job.concurrency_key := job.concurrency_key;
    v_job.extra := forge._extra(job);
    if _enqueue.hold is not null or cardinality(job.depends_on) > 0 then
        v_job.status := 'WAITING';
    end if;
    v_job.aside := forge._aside(v_job.status, v_job.concurrency_key);
    if v_job.unique_key is null then
        v_row := forge._insert(v_job);
    else
        v_row := forge._insert_unique(v_job, job, _enqueue.at, _enqueue.patient);
    end if;
    if v_row.created then
        v_job.id := v_row.id;
        if v_job.unique_key is not null and forge._tells_more(job) then
            v_job := forge._await_key(v_job, _enqueue.at);
        end if;
        v_job := forge._admit(v_job, _enqueue.at);
    end if;

    if v_row.created and v_job.status = 'PENDING' and v_job.concurrency_key is not null then
        perform forge._join_line(v_job.queue, v_job.concurrency_key, v_row.id, v_job.scheduled_at);
    end if;
    if _enqueue.hold is not null or num_nonnulls(job.depends_on, job.batch) > 0 then
        perform forge._tie(v_row, job, _enqueue.hold, _enqueue.at);
    end if;
    if v_row.created and v_job.status = 'PENDING' and v_job.scheduled_at <= _enqueue.at then
        perform forge._ring(v_job.queue);
    end if;
    return v_row;
end;
$function$;
comment on function forge._enqueue(forge.new_job, timestamptz, boolean, text) is
'Adds one job with whatever may be said of it. One that is not patient raises lock_not_available rather than
wait for the row of a job that holds its key. hold: it is a batch, or waits for a condition. Internal.';

create or replace function forge._new_job(options jsonb)
returns forge.new_job
language plpgsql stable
as $function$
declare
    v_job forge.new_job := jsonb_populate_record(null::forge.new_job, _new_job.options);
begin
    -- a JSON null is a payload too, which the record cannot tell from none
    v_job.payload := coalesce(_new_job.options -> 'payload', '{}');
    v_job.queue := coalesce(v_job.queue, 'default');
    v_job.priority := coalesce(v_job.priority, 0);
    return v_job;
end;
$function$;
comment on function forge._new_job(jsonb) is
'The parameters of enqueue from a document, with their defaults. Internal.';

create or replace function forge.enqueue(
    type text,
    payload jsonb default '{}',
    queue text default 'default',
    priority integer default 0,
    scheduled_at timestamptz default null,
    max_retries integer default null,
    unique_key text default null,
    retry_base interval default null,
    retry_factor double precision default null,
    retry_cap interval default null,
    retry_jitter double precision default null,
    tags text[] default null,
    unique_by text[] default null,
    unique_scope text default null,
    unique_for interval default null,
    on_conflict text default null,
    debounce interval default null,
    debounce_max interval default null,
    concurrency_key text default null,
    depends_on bigint[] default null,
    on_parent_failure text default null,
    batch bigint default null,
    timeout interval default null,
    retry_rules jsonb default null
)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_due constant timestamptz := coalesce(enqueue.scheduled_at, v_now);
    v_id bigint;
begin
    -- What is usual is told apart in one expression; the rest is looked at argument by argument.
    if (
        char_length(enqueue.type) between 1 and 200
        and char_length(enqueue.queue) between 1 and 200
        and forge._is_plain(enqueue.type || enqueue.queue)
        and enqueue.priority between -32768 and 32767
        and isfinite(v_due)
        and octet_length(enqueue.payload::text) <= 1024
        and coalesce(enqueue.max_retries, 0) between 0 and 100000
        and num_nonnulls(
            enqueue.unique_key, enqueue.tags, enqueue.retry_base, enqueue.retry_factor,
            enqueue.retry_cap, enqueue.retry_jitter, enqueue.unique_by, enqueue.unique_scope,
            enqueue.unique_for, enqueue.on_conflict, enqueue.debounce, enqueue.debounce_max,
            enqueue.concurrency_key, enqueue.depends_on, enqueue.on_parent_failure, enqueue.batch,
            enqueue.timeout, enqueue.retry_rules
        ) = 0
        and forge._is_open(enqueue.queue, enqueue.type)
    ) is not true then
        return (forge._enqueue(
            row(
                enqueue.type, enqueue.payload, enqueue.queue, enqueue.priority, enqueue.scheduled_at,
                enqueue.max_retries, enqueue.unique_key, enqueue.retry_base, enqueue.retry_factor,
                enqueue.retry_cap, enqueue.retry_jitter, enqueue.tags, enqueue.unique_by,
                enqueue.unique_scope, enqueue.unique_for, enqueue.on_conflict, enqueue.debounce,
                enqueue.debounce_max, enqueue.concurrency_key, enqueue.depends_on,
                enqueue.on_parent_failure, enqueue.batch, enqueue.timeout, enqueue.retry_rules, null, null
            )::forge.new_job,
            v_now
        )).id;
    end if;

    v_id := nextval('forge.job_id_seq');    -- cheaper than to have it returned
    insert into forge.jobs (
        id, scheduled_at, created_at, priority, max_retries, status, queue, type, payload
    )
    values (
        v_id, v_due, v_now, enqueue.priority, enqueue.max_retries, 'PENDING', enqueue.queue,
        enqueue.type, enqueue.payload
    );
    if v_due <= v_now and forge._is_bell_hung(enqueue.queue) then
        perform forge._notify(enqueue.queue);
    end if;
    return v_id;
end;
$function$;
comment on function forge.enqueue(
    text, jsonb, text, integer, timestamptz, integer, text,
    interval, double precision, interval, double precision, text[],
    text[], text, interval, text, interval, interval, text, bigint[], text, bigint, interval, jsonb
) is
'Adds one job, in the caller''s transaction: it exists when that commits, and never if it does not.

Parameters:
  type          which handler runs it; 1 to 200 characters
  payload       what the handler gets; any JSON, at most 1 MiB; default {}
  queue         which workers see it; 1 to 200 characters; default default
  priority      higher first; -32768 to 32767; default 0
  scheduled_at  not before this time; default now
  max_retries   re-runs after the first attempt, 0 to 100000; default by type, queue, else 10
  unique_key    at most one live job of this key; at most 500 characters and 1,800 bytes; default none
  retry_base, retry_factor, retry_cap, retry_jitter
                the backoff: base * factor^(n-1), at most cap, plus up to jitter (a share, 0 to 1);
                default by type, queue, else 5 s, 2, 1 h, 0.1
  tags          at most 20 words to find the job by; default none
  unique_by     makes the unique_key out of these: type, queue, payload, payload.name; default none
  unique_scope  where unique_key counts: queue or global; default queue
  unique_for    how long the key stays taken after the job was completed, up to 3650 days; default not
  on_conflict   where a live job holds the key: keep it as it is; replace its payload, type, priority and
                time; merge the payload into its own (||); raise JQ012; default keep
  debounce      due so long after the last enqueue of the key, up to 365 days; default at once
  debounce_max  but at most so long after the first, up to 3650 days; default no end
  concurrency_key
                whose limits it counts against, such as a tenant''s, and whose turn it waits for; 1 to 200
                characters; default none
  depends_on    ids of jobs: it is WAITING until all of them are done; default none
  on_parent_failure
                what it does when one of those dies or is cancelled: wait, run or cancel; default wait
  batch         the batch it belongs to; default none
  timeout       how long one attempt may take, 1 second to 1 day; default by type, else no limit
  retry_rules   rules by class of error, as set_retry_rules takes them; default by type, queue
Returns: the id; where unique_key is taken, the id of the job that holds it. A job that runs or is completed
is not changed any more, and what is said must not be lost: replace, merge and debounce take its key from one
that runs and add a new job; while unique_for keeps the key taken, the new job waits for the end of that.
Raises: JQ001, JQ003 (a parent or the batch), JQ004 (the batch), JQ005, JQ012 (unique_key), JQ013 (the queue
is full), JQ014 (the type''s schema or check).
Example: select forge.enqueue(''email'', ''{"to":"a@b.c"}'', priority => 10);';
