-- Draining: a worker claims no more and finishes what it has, such as before it is replaced.
--
-- It need not be told: dequeue and exchange give it nothing, whatever language it is written in.
-- Locks: the row of the worker. Raises: JQ001. Called by: operators.

create or replace function forge.drain_worker(
    worker text
)
returns setof forge.worker_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    perform forge._check_name('worker', drain_worker.worker);
    update forge.workers as w
    set draining_at = coalesce(w.draining_at, v_now)
    where w.worker = drain_worker.worker;
    return query select w.* from forge.list_workers() as w where w.worker = drain_worker.worker;
end;
$function$;
comment on function forge.drain_worker(text) is
'Has a worker claim no more: it finishes the jobs it has, and then waits.

It goes on until resume_worker, or until the worker is gone: one that starts anew has a new name. Its jobs are
through when processing is 0; then it can be stopped without a job being given back.

Parameters:
  worker  its name, as list_workers shows it
Returns: the worker, with draining_at; no row where none has this name.
Raises: JQ001.
Example: select worker, processing, draining_at from forge.drain_worker(''psql'');';

create or replace function forge.resume_worker(
    worker text
)
returns setof forge.worker_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_queue text;
begin
    perform forge._check_name('worker', resume_worker.worker);
    update forge.workers as w set draining_at = null where w.worker = resume_worker.worker;
    -- it may be asleep, and was not called for what came meanwhile
    for v_queue in
        select distinct q.queue
        from forge.workers as w
        cross join lateral unnest(w.queues) as q (queue)
        where w.worker = resume_worker.worker
        order by q.queue
    loop
        perform forge._ring(v_queue);
    end loop;
    return query select w.* from forge.list_workers() as w where w.worker = resume_worker.worker;
end;
$function$;
comment on function forge.resume_worker(text) is
'Lets a worker that drains claim again.

Parameters:
  worker  its name
Returns: the worker; no row where none has this name.
Raises: JQ001.
Example: select * from forge.resume_worker(''psql'');';

create or replace function forge.worker_jobs(
    worker text,
    max_rows integer default 50
)
returns setof forge.all_jobs
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_from constant timestamptz := forge._leases_from();
    v_ids bigint[];
begin
    perform forge._check_name('worker', worker_jobs.worker);
    perform forge._check_page(worker_jobs.max_rows);
    v_ids := array(
        select r.id
        from (
            select j.id, j.worker
            from forge.jobs as j
            where j.status = 'PROCESSING' and j.lease_expires_at >= v_from
            limit 10000
        ) as r
        where r.worker = worker_jobs.worker
        limit worker_jobs.max_rows
    );
    return query
    select a.*
    from unnest(v_ids) as p (id)
    join forge.all_jobs as a on a.id = p.id
    where a.status = 'PROCESSING'
    order by a.attempted_at, a.id;
end;
$function$;
comment on function forge.worker_jobs(text, integer) is
'The jobs that a worker has in hand, those that it has had longest first.

Parameters:
  worker    its name; it need not be registered
  max_rows  1 to 500; default 50
Returns: rows of forge.all_jobs; looked for among 10,000 running jobs.
Raises: JQ001.
Example: select id, type, attempted_at from forge.worker_jobs(''psql'');';
