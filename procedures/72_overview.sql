-- What a dashboard shows, in one call: a look a second serves any number of viewers.
--
-- Locks: none. Raises: JQ001. Called by: the API's event stream, psql.

create or replace function forge._brief(job forge.all_jobs)
returns jsonb
language sql immutable
as $function$
    select jsonb_build_object(
        'id', $1.id,
        'queue', $1.queue,
        'type', $1.type,
        'status', $1.status,
        'priority', $1.priority,
        'attempts', $1.attempts,
        'max_retries', $1.max_retries,
        'scheduled_at', $1.scheduled_at,
        'created_at', $1.created_at,
        'attempted_at', $1.attempted_at,
        'finished_at', $1.finished_at,
        'worker', $1.worker,
        'progress', $1.progress,
        'progress_note', $1.progress_note,
        'error', left($1.errors -> -1 ->> 'error', 300)
    );
$function$;
comment on function forge._brief(forge.all_jobs) is
'A job without its documents, and with the start of its last error. Internal.';

create or replace function forge._in_seconds(
    item jsonb,
    durations jsonb
)
returns jsonb
language sql immutable
as $function$
    select $1 - array(select d.name from jsonb_object_keys($2) as d (name)) || (
        select jsonb_object_agg(d.key || '_seconds', d.value) from jsonb_each($2) as d
    );
$function$;
comment on function forge._in_seconds(jsonb, jsonb) is
'An item with its durations, given in seconds, in place of their text. Internal.';

create or replace function forge._queue_item(queue forge.queue_row)
returns jsonb
language sql immutable
as $function$
    select forge._in_seconds(
        to_jsonb($1),
        jsonb_build_object(
            'retry_base', extract(epoch from $1.retry_base), 'retry_cap', extract(epoch from $1.retry_cap)
        )
    ) || jsonb_build_object('paused', $1.paused_at is not null);
$function$;
comment on function forge._queue_item(forge.queue_row) is
'A queue as JSON. Internal.';

create or replace function forge.overview(
    max_rows integer default 25,
    topics text[] default null
)
returns setof forge.overview_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_all constant text[] := array['stats', 'worker', 'queue', 'job', 'dead', 'warning', 'schedule'];
    v_topics constant text[] := coalesce(overview.topics, v_all);
begin
    if not v_topics <@ v_all then
        perform forge._invalid('topics', overview.topics::text, format('use some of %s', v_all));
    end if;
    if 'stats' = any(v_topics) then
        return query select 'stats', to_jsonb(s) from forge.stats() as s;
        return query select 'needs_token', to_jsonb(true) where forge.needs_token();
    end if;
    if 'worker' = any(v_topics) then
        return query select 'worker', to_jsonb(w) from forge.list_workers() as w;
    end if;
    if 'queue' = any(v_topics) then
        return query
        select 'queue', forge._queue_item(q)
        from forge.list_queues() as q;
    end if;
    if 'job' = any(v_topics) then
        return query
        select 'job', forge._brief(j) from forge.list_jobs(max_rows => overview.max_rows) as j;
    end if;
    if 'dead' = any(v_topics) then
        return query
        select 'dead', forge._brief(d) from forge.list_dead(max_rows => overview.max_rows) as d;
    end if;
    if 'warning' = any(v_topics) then
        return query select 'warning', to_jsonb(w) from forge.warnings() as w;
    end if;
    if 'schedule' = any(v_topics) then
        return query
        select
            'schedule',
            forge._in_seconds(
                to_jsonb(s),
                jsonb_build_object(
                    'retry_base', extract(epoch from s.retry_base),
                    'retry_cap', extract(epoch from s.retry_cap),
                    'timeout', extract(epoch from s.timeout),
                    'grace', extract(epoch from s.grace)
                )
            ) || jsonb_build_object('paused', s.paused_at is not null)
        from forge.list_schedules(max_rows => 200) as s;
    end if;
end;
$function$;
comment on function forge.overview(integer, text[]) is
'What a dashboard shows, in one call and as JSON: numbers, workers, queues, jobs, warnings, schedules.

Parameters:
  max_rows  how many jobs, and how many dead ones, 1 to 500; default 25
  topics    only these of stats, worker, queue, job, dead, warning, schedule; default all
Returns: topic and item: the row of forge.stats, list_workers, list_queues, list_jobs (the newest), list_dead,
warnings or list_schedules (the first 200), in their order; durations in seconds, jobs without documents.
With the stats comes a row needs_token where callers of the API need one.
Raises: JQ001.
Example: select topic, item ->> ''queue'' from forge.overview();';
