-- Reading: one job, and what queues and workers there are. Lists of jobs are in 76_lists.sql.
--
-- Locks: none. Raises: JQ001.

create or replace function forge._check_page(
    max_rows integer,
    queue text default null,
    type text default null
)
returns void
language plpgsql volatile
as $function$
begin
    if _check_page.queue is not null then
        perform forge._check_name('queue', _check_page.queue);
    end if;
    if _check_page.type is not null then
        perform forge._check_name('type', _check_page.type);
    end if;
    if (_check_page.max_rows between 1 and 500) is not true then
        perform forge._invalid('max_rows', _check_page.max_rows::text, 'use 1 to 500');
    end if;
end;
$function$;
comment on function forge._check_page(integer, text, text) is
'Raises JQ001 for a page that is too long, or a name that cannot be. Internal.';

create or replace function forge.job(
    id bigint,
    queue text default null
)
returns setof forge.all_jobs
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select a.*
    from forge.all_jobs as a
    where a.id = job.id and (job.queue is null or a.queue = job.queue);
end;
$function$;
comment on function forge.job(bigint, text) is
'One job, wherever it is in its life.

Parameters:
  id     of the job
  queue  of the job; default any
Returns: one row of forge.all_jobs, or none.
Example: select * from forge.job(1);';

create or replace function forge.list_queues()
returns setof forge.queue_row
language sql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    select
        q.queue, q.paused_at, q.retry_base, q.retry_factor, q.retry_cap, q.retry_jitter,
        q.max_retries, q.keep_history, q.keep_result, q.created_at, q.updated_at,
        (select p.reason from forge.pauses as p where p.queue = q.queue order by p.at limit 1)
    from forge.queues as q
    order by q.queue;
$function$;
comment on function forge.list_queues() is
'The queues that have settings or were seen by a tick.

Returns: one row a queue; a null setting inherits the default.
Example: select * from forge.list_queues();';

create or replace function forge.list_workers()
returns setof forge.worker_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_from constant timestamptz := forge._leases_from();
begin
    return query
    select
        w.worker, w.queues, w.types, w.host, w.pid, w.version, w.concurrency,
        forge._lives(w, v_now),
        w.started_at, w.heartbeat_at, coalesce(p.jobs, 0), w.draining_at
    from forge.workers as w
    left join (
        select j.worker, count(*) as jobs
        from (
            select r.worker
            from forge.jobs as r
            where r.status = 'PROCESSING' and r.lease_expires_at >= v_from
            limit 10000
        ) as j
        group by j.worker
    ) as p on p.worker = w.worker
    order by w.worker;
end;
$function$;
comment on function forge.list_workers() is
'The registered workers.

Returns: one row a worker, with what it said of itself, alive, processing: the jobs it has claimed, and
draining_at: since when it claims no more.
Example: select * from forge.list_workers();';

create or replace function forge.version()
returns text
language sql immutable parallel safe security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    select '0.1.0';
$function$;
comment on function forge.version() is
'The version of the installed functions.

Returns: text.
Example: select forge.version();';

create or replace function forge.migrations()
returns setof forge.migration_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select y.migration_id::text, y.applied_at_utc at time zone 'UTC'
    from forge._yoyo_migration as y
    order by y.migration_id;
end;
$function$;
comment on function forge.migrations() is
'The migrations of the tables that this database has had.

Returns: one row a migration, in their order: migration (its name), applied_at.
Example: select * from forge.migrations();';
