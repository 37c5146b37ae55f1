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

create or replace function forge._queue_item(queue forge.queue_row)
returns jsonb
language sql immutable
as $function$
    -- durations in seconds, as everywhere in JSON
    select to_jsonb($1) - 'retry_base' - 'retry_cap' || jsonb_build_object(
        'paused', $1.paused_at is not null,
        'retry_base_seconds', extract(epoch from $1.retry_base),
        'retry_cap_seconds', extract(epoch from $1.retry_cap)
    );
$function$;
comment on function forge._queue_item(forge.queue_row) is
'A queue as JSON. Internal.';

create or replace function forge.overview(
    max_rows integer default 25
)
returns setof forge.overview_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query select 'stats', to_jsonb(s) from forge.stats() as s;
    return query select 'worker', to_jsonb(w) from forge.list_workers() as w;
    return query
    select 'queue', forge._queue_item(q) from forge.list_queues() as q;
    return query
    select 'job', forge._brief(j) from forge.list_jobs(max_rows => overview.max_rows) as j;
    return query
    select 'dead', forge._brief(d) from forge.list_dead(max_rows => overview.max_rows) as d;
end;
$function$;
comment on function forge.overview(integer) is
'What a dashboard shows, in one call and as JSON: numbers, workers, queues, the newest jobs, dead ones.

Parameters:
  max_rows  how many jobs, and how many dead ones, 1 to 500; default 25
Returns: topic (stats, worker, queue, job or dead) and item: the row of forge.stats, list_workers, list_queues
(durations in seconds), list_jobs or list_dead (without documents), in their order.
Raises: JQ001.
Example: select topic, item ->> ''queue'' from forge.overview();';
