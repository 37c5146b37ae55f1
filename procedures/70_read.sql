-- Reading: one job, lists by keyset, and what queues and workers there are.
--
-- Every list is bounded and walks an index; the next page starts where the last ended. Locks: none.
-- Raises: JQ001.

create or replace function forge._check_page(
    max_rows integer,
    queue text,
    type text,
    status text
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
    if _check_page.status not in ('WAITING', 'PENDING', 'PROCESSING', 'COMPLETED', 'DEAD', 'CANCELLED') then
        perform forge._invalid(
            'status', _check_page.status, 'use WAITING, PENDING, PROCESSING, COMPLETED, DEAD or CANCELLED'
        );
    end if;
end;
$function$;
comment on function forge._check_page(integer, text, text, text) is
'Raises JQ001 for a page that is too long, a name that cannot be, or a status that does not exist. Internal.';

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

create or replace function forge.list_jobs(
    queue text default null,
    type text default null,
    status text default null,
    before bigint default null,
    max_rows integer default 50,
    tag text default null
)
returns setof forge.all_jobs
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    perform forge._check_page(
        list_jobs.max_rows, list_jobs.queue, list_jobs.type, list_jobs.status
    );
    -- The page first, then its rows: a plan that sorts would work out every row that it sorts.
    return query
    with page as materialized (
        select a.id
        from forge.all_jobs as a
        where a.id < coalesce(list_jobs.before, 9223372036854775807)
            and (list_jobs.queue is null or a.queue = list_jobs.queue)
            and (list_jobs.type is null or a.type = list_jobs.type)
            and (list_jobs.status is null or a.status = list_jobs.status)
            and (list_jobs.tag is null or a.tags @> array[list_jobs.tag])
        order by a.id desc
        limit list_jobs.max_rows
    )
    select a.*
    from page as p
    join forge.all_jobs as a on a.id = p.id
    order by a.id desc;
end;
$function$;
comment on function forge.list_jobs(text, text, text, bigint, integer, text) is
'Jobs, newest first, live and finished.

Parameters:
  queue, type, status, tag
            only these; default any
  before    only ids below this one: the last id of the page before; default from the newest
  max_rows  1 to 500; default 50
Returns: rows of forge.all_jobs by descending id.
Raises: JQ001.
Example: select id, type, status from forge.list_jobs(status => ''PENDING'');';

create or replace function forge.list_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    before bigint default null,
    max_rows integer default 50,
    fingerprint text default null
)
returns setof forge.all_jobs
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_before constant bigint := coalesce(list_dead.before, 9223372036854775807);
    v_ids bigint[];
begin
    perform forge._check_page(list_dead.max_rows, list_dead.queue, list_dead.type, null);
    if list_dead.fingerprint is not null then    -- by its own index, whatever the plan for the others
        v_ids := array(
            select d.id
            from forge.dead_jobs as d
            where (d.fingerprint, d.id) < (list_dead.fingerprint, v_before)
                and d.fingerprint >= list_dead.fingerprint
                and (list_dead.queue is null or d.queue = list_dead.queue)
                and (list_dead.type is null or d.type = list_dead.type)
                and (
                    list_dead.error_contains is null
                    or position(lower(list_dead.error_contains) in lower(d.errors -> -1 ->> 'error')) > 0
                )
            order by d.fingerprint desc, d.id desc
            limit list_dead.max_rows
        );
    else
        v_ids := array(
            select d.id
            from forge.dead_jobs as d
            where d.id < v_before
                and (list_dead.queue is null or d.queue = list_dead.queue)
                and (list_dead.type is null or d.type = list_dead.type)
                and (
                    list_dead.error_contains is null
                    or position(lower(list_dead.error_contains) in lower(d.errors -> -1 ->> 'error')) > 0
                )
            order by d.id desc
            limit list_dead.max_rows
        );
    end if;
    return query
    select a.*
    from unnest(v_ids) as p (id)
    join forge.all_jobs as a on a.id = p.id
    where a.status = 'DEAD'
    order by a.id desc;
end;
$function$;
comment on function forge.list_dead(text, text, text, bigint, integer, text) is
'The dead-letter queue, newest job first.

Parameters:
  queue, type     only these; default any
  error_contains  a part of the last error, in any case; default any
  before          only ids below this one; default from the newest
  max_rows        1 to 500; default 50
  fingerprint     of the last error, as dead_groups shows it; default any
Returns: rows of forge.all_jobs by descending id.
Raises: JQ001.
Example: select id, type, errors -> -1 ->> ''error'' from forge.list_dead();';

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
