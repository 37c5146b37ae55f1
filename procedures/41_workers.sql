-- Workers: who is there, and who is asleep.
--
-- Locks, on the session that calls (a listening connection): worker (while it lives), doorbell (while
-- it is parked); see 03_locks. Never call these through a pooler that shares sessions; there, register
-- with liveness => false and poll. Raises: JQ001.

create or replace function forge._lives(
    worker forge.workers,
    at timestamptz
)
returns boolean
language sql immutable parallel safe
as $function$
    select $1.missing_since is null
        and ($1.liveness_key is not null or $1.heartbeat_at > $2 - interval '1 minute');
$function$;
comment on function forge._lives(forge.workers, timestamptz) is
'Whether a worker was there when somebody last looked, or said so in the last minute. Internal.';

create or replace function forge.register_worker(
    worker text,
    queues text[],
    types text[] default null,
    concurrency integer default 1,
    liveness boolean default true,
    host text default null,
    pid integer default null,
    version text default null
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_space constant integer := forge._lock_space('worker');
    v_key integer;
    v_old forge.workers;
begin
    perform forge._check_name('worker', register_worker.worker);
    perform forge._check_name('queues', q.queue) from unnest(register_worker.queues) as q (queue);
    if (cardinality(register_worker.queues) between 1 and 1000) is not true then
        perform forge._invalid('queues', register_worker.queues::text, 'name 1 to 1000 queues');
    end if;
    if (register_worker.concurrency between 1 and 100000) is not true then
        perform forge._invalid('concurrency', register_worker.concurrency::text, 'use 1 to 100000');
    end if;

    -- Called again on the same session: the lock of the last time is given up for the new one.
    select w.* into v_old from forge.workers as w where w.worker = register_worker.worker for update;
    if v_old.liveness_key is not null and v_old.backend_pid = pg_backend_pid() then
        perform pg_advisory_unlock(v_space, v_old.liveness_key);
    end if;
    if register_worker.liveness then
        -- A key that nobody has used: the lock is free, and a tick that looks after the old one does
        -- not stand in the way.
        v_key := nextval('forge.worker_key_seq');
        perform pg_advisory_lock(v_space, v_key);
    end if;

    insert into forge.workers (
        worker, queues, types, host, pid, version, concurrency,
        liveness_key, backend_pid, started_at, heartbeat_at
    )
    values (
        register_worker.worker, register_worker.queues, register_worker.types,
        left(register_worker.host, 200), register_worker.pid, left(register_worker.version, 200),
        register_worker.concurrency,
        v_key, case when register_worker.liveness then pg_backend_pid() end, v_now, v_now
    )
    on conflict on constraint workers_pkey do update
    set queues = excluded.queues,
        types = excluded.types,
        host = excluded.host,
        pid = excluded.pid,
        version = excluded.version,
        concurrency = excluded.concurrency,
        liveness_key = excluded.liveness_key,
        backend_pid = excluded.backend_pid,
        missing_since = null,
        heartbeat_at = excluded.heartbeat_at;
    return v_key is not null;
end;
$function$;
comment on function forge.register_worker(
    text, text[], text[], integer, boolean, text, integer, text
) is
'Makes a worker known and, on its listening connection, takes the lock that shows it alive.

When that connection ends, the next ticks find the lock free, and the worker''s jobs are claimable again
within about a second instead of after their lease. Call it again after each reconnect; a worker that drains
goes on draining.

Parameters:
  worker       its name, the one it passes to dequeue; unique among processes
  queues       which it pulls from; 1 to 1000
  types        which it can run; default all
  concurrency  how many jobs it runs at once; default 1
  liveness     false: take no lock (behind a pooler that shares sessions); default true
  host, pid, version
               to show; default none
Returns: whether the lock is held.
Raises: JQ001.
Example: select forge.register_worker(''psql'', ''{default}'', liveness => false);';

create or replace function forge.unregister_worker(
    worker text
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_key integer;
    v_pid integer;
begin
    delete from forge.workers as w
    where w.worker = unregister_worker.worker
    returning w.liveness_key, w.backend_pid into v_key, v_pid;
    if not found then
        return false;
    end if;
    if v_key is not null and v_pid = pg_backend_pid() then
        perform pg_advisory_unlock(forge._lock_space('worker'), v_key);
    end if;
    return true;
end;
$function$;
comment on function forge.unregister_worker(text) is
'Takes a worker off the list; it has released or finished its jobs.

Parameters:
  worker  its name
Returns: whether it was registered.
Example: select forge.unregister_worker(''psql'');';

create or replace function forge._bells()
returns setof integer
language sql volatile
as $function$
    select l.objid::bigint::integer
    from pg_locks as l
    where l.locktype = 'advisory'
        and l.pid = pg_backend_pid()
        and l.classid = forge._lock_space('doorbell')::bigint::oid
        and l.objsubid = 2
        and l.mode = 'ExclusiveLock'
        and l.granted;
$function$;
comment on function forge._bells() is
'The keys of the doorbells that this session has hung up. Internal.';

create or replace function forge.park(
    queues text[]
)
returns setof text
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    v_space constant integer := forge._lock_space('doorbell');
    v_key integer;
    v_loose integer[] := '{}'::integer[];
begin
    if (cardinality(park.queues) between 1 and 1000) is not true then
        perform forge._invalid('queues', park.queues::text, 'name 1 to 1000 queues');
    end if;
    -- A session lock counts how often it was taken: those held already are left alone.
    for v_key in
        select forge._doorbell_key(q.queue) from unnest(park.queues) as q (queue)
        except
        select b.key from forge._bells() as b (key)
    loop
        if not pg_try_advisory_lock(v_space, v_key)
            -- Another worker's bell is as good as ours. If only enqueues hold it, nobody's hangs, and
            -- they will not ring: the caller has to look again.
            and pg_try_advisory_xact_lock_shared(v_space, v_key)
        then
            v_loose := v_loose || v_key;
        end if;
    end loop;
    -- After the bells are up, so that a job is either seen here or rings.
    return query
    select distinct q.queue
    from unnest(park.queues) as q (queue)
    where forge._doorbell_key(q.queue) = any(v_loose) or forge._due(q.queue, forge.now());
end;
$function$;
comment on function forge.park(text[]) is
'Hangs up the doorbells of queues: from now on enqueue sends a NOTIFY on channel forge, with the queue.

Call it when there is nothing to do, on the connection that has done LISTEN forge; poll all the same.

Parameters:
  queues  1 to 1000
Returns: those of them for which the caller should not sleep: a job is due now (one of a type that it cannot
run counts too), or the bell could not be hung as an enqueue is under way: look again.
Raises: JQ001.
Example: select * from forge.park(''{default}'');';

create or replace function forge.unpark(
    queues text[] default null
)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    perform pg_advisory_unlock(forge._lock_space('doorbell'), b.key)
    from forge._bells() as b (key)
    where unpark.queues is null
        or b.key in (select forge._doorbell_key(q.queue) from unnest(unpark.queues) as q (queue));
end;
$function$;
comment on function forge.unpark(text[]) is
'Takes the doorbells of queues down: this session is awake, enqueue need not send a NOTIFY.

Parameters:
  queues  default all that this session holds
Returns: nothing.
Example: select forge.unpark();';
