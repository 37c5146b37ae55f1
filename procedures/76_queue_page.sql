-- One queue as a page shows it, in one call and as JSON.
--
-- Locks: none. Raises: JQ001. Called by: the API, psql.

create or replace function forge.queue_page(
    queue text
)
returns setof forge.overview_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    perform forge._check_name('queue', queue_page.queue);
    return query
    select 'queue', forge._queue_item(q) from forge.list_queues() as q where q.queue = queue_page.queue;
    return query select 'stats', to_jsonb(s) from forge.stats(queue_page.queue) as s;
    return query
    select
        'limits',
        to_jsonb(l) - 'per' - 'key_per' || jsonb_build_object(
            'per_seconds', extract(epoch from l.per),
            'key_per_seconds', extract(epoch from l.key_per)
        )
    from forge.list_limits(queue_page.queue) as l;
    return query
    select
        'admission',
        to_jsonb(a) - 'defer_for' || jsonb_build_object('defer_for_seconds', extract(epoch from a.defer_for))
    from forge.list_admissions() as a
    where a.queue = queue_page.queue;
    return query
    select 'worker', to_jsonb(w)
    from forge.list_workers() as w
    where queue_page.queue = any(w.queues);
end;
$function$;
comment on function forge.queue_page(text) is
'All that a page of one queue shows, in one call and as JSON: settings, numbers, limits, admission, workers.

Parameters:
  queue  its name
Returns: topic and item, each where there is one: queue (the row of list_queues), stats, limits (list_limits),
admission (list_admissions), and a row a worker that pulls from it; durations in seconds. Neither queue nor
stats: nothing is known of it.
Raises: JQ001.
Example: select topic, item from forge.queue_page(''default'');';
