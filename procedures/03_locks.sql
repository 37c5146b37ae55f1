-- Advisory locks and notifications: all of Forge's keys, and the doorbell.
--
-- Every lock is of the two-integer kind, whose first integer is a space of Forge's own: 'JQ' in
-- ASCII (0x4A51) in the upper half, the purpose in the lower. The second integer:
--   claim     the job's id, modulo 2^31     transaction, exclusive   while a claim commits
--   worker    the worker's liveness_key     session, exclusive       while the worker lives
--   tick      0                             transaction, exclusive   one tick at a time
--   doorbell  the queue's bucket            session, exclusive       while a worker is parked
--                                           transaction, shared      a try, by who rings
--   queue     a hash of the queue            transaction, exclusive   while a claim commits, if it is limited
--   key       a hash of queue and key        transaction, exclusive   while a claim of its jobs commits
--   batch     the batch's id, modulo 2^31   transaction, shared      while jobs are added to it
--                                           transaction, exclusive   while it is closed
--             0                             transaction, exclusive   while batches are tied together
-- Order: tick before doorbell before queue before key before claim; nobody waits for any, all are tries.
--
-- The doorbell: a commit with NOTIFY takes a lock of the whole cluster, so a ring is sent only when
-- someone sleeps. A parked worker holds the bell exclusively and looks at its queue once more after
-- taking it; who enqueues tries a shared lock on it. If the try fails, someone sleeps: NOTIFY. If it
-- succeeds, it is held until the commit, so that a worker cannot park in between and miss the job:
-- its own try fails, and it polls again soon. Once a second the tick tells of all queues with due jobs.

create or replace function forge._lock_space(purpose text)
returns integer
language sql immutable parallel safe
as $function$
    select 1246822400 + case $1       -- 0x4A510000
        when 'claim' then 1
        when 'worker' then 2
        when 'tick' then 3
        when 'doorbell' then 4
        when 'queue' then 5
        when 'key' then 6
        when 'batch' then 9
    end;
$function$;
comment on function forge._lock_space(text) is
'The first key of the advisory locks of one purpose: claim, worker, tick, doorbell, queue, key or
batch. Internal.';

create or replace function forge._claim_key(id bigint)
returns integer
language sql immutable parallel safe
as $function$
    select ($1 & 2147483647)::integer;
$function$;
comment on function forge._claim_key(bigint) is
'The second key of the lock that goes with the claim of a job. Internal.';

create or replace function forge._doorbell_key(queue text)
returns integer
language sql immutable parallel safe
as $function$
    -- 1,024 buckets: a transaction that enqueues into a million queues holds no more locks than that,
    -- and two queues that share a bucket only ring once too often
    select pg_catalog.hashtext($1) & 1023;
$function$;
comment on function forge._doorbell_key(text) is
'The second key of the doorbell of a queue. Internal.';

create or replace function forge._is_bell_hung(queue text)
returns boolean
language sql volatile
as $function$
    select not pg_catalog.pg_try_advisory_xact_lock_shared(
        forge._lock_space('doorbell'), forge._doorbell_key($1)
    );
$function$;
comment on function forge._is_bell_hung(text) is
'Whether somebody sleeps at the queue; if not, nobody can fall asleep there before this transaction ends.
In SQL, so that it becomes part of the expression that calls it. Internal.';

create or replace function forge._notify(queue text)
returns void
language plpgsql volatile
as $function$
begin
    perform pg_catalog.pg_notify('forge', _notify.queue);
end;
$function$;
comment on function forge._notify(text) is
'The only sender on channel forge. Internal.';

create or replace function forge._ring(queue text)
returns void
language plpgsql volatile
as $function$
begin
    if forge._is_bell_hung(_ring.queue) then
        perform forge._notify(_ring.queue);
    end if;
end;
$function$;
comment on function forge._ring(text) is
'Wakes the workers parked at a queue, if there are any. Internal.';

create or replace function forge._tell_due(queue text)
returns void
language plpgsql volatile
as $function$
begin
    perform pg_catalog.pg_notify('forge_due', _tell_due.queue);
end;
$function$;
comment on function forge._tell_due(text) is
'Tells whoever listens on channel forge_due that a queue has due jobs, whether a bell hangs or not: this is
what makes up for a bell that its holder took along, and for polls. Called by the tick. Internal.';

create or replace function forge._announce(
    topic text,
    queue text default null
)
returns void
language plpgsql volatile
as $function$
begin
    if _announce.topic = 'cancel' then
        perform pg_catalog.pg_notify('forge_cancel', _announce.queue);
    end if;
    perform pg_catalog.pg_notify('forge_events', _announce.topic);
end;
$function$;
comment on function forge._announce(text, text) is
'Tells watchers that an operator changed something, on channel forge_events, and the workers of a
queue that a running job is to be cancelled, on channel forge_cancel. Never on the hot path. Internal.';
