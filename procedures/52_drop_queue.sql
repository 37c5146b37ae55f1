-- A queue that is no longer wanted goes, with every trace of it: what `forge bench` ends with.
--
-- Locks: rows of forge.jobs by ascending id, then of forge.dead_jobs, those that somebody else holds are
-- skipped; then forge.history and spent keys (skipped likewise); tick (a try) for the statistics, which only
-- the tick writes.
-- Raises: JQ001.

create or replace function forge._has_left(
    queue text,
    after bigint
)
returns boolean
language plpgsql stable
as $function$
begin
    return exists (
            select from forge.jobs as j where j.queue = _has_left.queue and j.id > _has_left.after
        )
        or exists (
            -- in the order of their index, as with "=" a plan may take that of all ids for the nearer way
            select
            from forge.dead_jobs as d
            where (d.queue, d.id) > (_has_left.queue, _has_left.after) and d.queue <= _has_left.queue
        );
end;
$function$;
comment on function forge._has_left(text, bigint) is
'Whether a queue has jobs that live or are dead. Internal.';

create or replace function forge._drop_history(
    ids bigint[],
    queue text
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_scopes text[];
    v_keys text[];
    v_count bigint;
begin
    with gone as (
        delete from forge.history as h
        where h.queue = _drop_history.queue and h.id = any(_drop_history.ids)
        returning h.unique_scope, h.unique_key
    )
    select
        count(*),
        array_agg(g.unique_scope) filter (where g.unique_key is not null),
        array_agg(g.unique_key) filter (where g.unique_key is not null)
    into v_count, v_scopes, v_keys
    from gone as g;

    delete from forge.spent_keys as s
    where s.ctid = any(array(
        select k.ctid
        from unnest(v_scopes, v_keys) as u (unique_scope, unique_key)
        join forge.spent_keys as k on k.unique_scope = u.unique_scope and k.unique_key = u.unique_key
        where k.id = any(_drop_history.ids)
        for update of k skip locked
    ));
    return v_count;
end;
$function$;
comment on function forge._drop_history(bigint[], text) is
'Removes finished jobs of a queue, with the keys that they have spent; returns how many. Internal.';

create or replace function forge._drop_spent_keys(
    queue text,
    most integer
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_count bigint;
begin
    -- those whose jobs went before them, with a day of the history
    delete from forge.spent_keys as s
    where s.ctid = any(array(
        select k.ctid
        from forge.spent_keys as k
        where k.unique_scope = _drop_spent_keys.queue
        limit _drop_spent_keys.most
    ));
    get diagnostics v_count = row_count;
    return v_count < _drop_spent_keys.most;
end;
$function$;
comment on function forge._drop_spent_keys(text, integer) is
'Frees the keys that are spent in a queue, a bounded number; returns whether none is left. Who calls it holds
the lock of the tick, which frees them too. Internal.';

create or replace function forge.drop_queue(
    queue text,
    after bigint default 0,
    max_jobs integer default 1000
)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_left bigint := drop_queue.max_jobs;
    v_count bigint;
    v_ids bigint[];
    v_held boolean;
begin
    perform forge._check_name('queue', drop_queue.queue);
    if (drop_queue.after >= 0) is not true then
        perform forge._invalid('after', drop_queue.after::text, 'use 0 or the id of a job');
    end if;
    if (drop_queue.max_jobs between 1 and 10000) is not true then
        perform forge._invalid('max_jobs', drop_queue.max_jobs::text, 'use 1 to 10000');
    end if;

    delete from forge.jobs as j
    where j.id = any(array(
        select p.id
        from forge.jobs as p
        where p.queue = drop_queue.queue and p.id > drop_queue.after
        order by p.id
        limit v_left
        for update skip locked
    ));
    get diagnostics v_count = row_count;
    v_left := v_left - v_count;

    v_ids := array(
        select p.id
        from forge.dead_jobs as p
        where p.queue = drop_queue.queue and p.id > drop_queue.after
        order by p.id
        limit v_left
        for update skip locked
    );
    v_count := forge._drop_dead(v_ids, forge.now());
    v_left := v_left - v_count;

    -- What somebody else holds was skipped. It is looked for before the history and after it, as it may be on
    -- its way there, or back.
    v_held := forge._has_left(drop_queue.queue, drop_queue.after);

    v_ids := array(
        select f.id
        from forge.history as f
        where f.queue = drop_queue.queue and f.id > drop_queue.after
        order by f.id
        limit v_left
    );
    v_left := v_left - forge._drop_history(v_ids, drop_queue.queue);

    if v_left <= 0
        or v_held
        or forge._has_left(drop_queue.queue, drop_queue.after)
        or not pg_try_advisory_xact_lock(forge._lock_space('tick'), 0)
        or not forge._drop_limits(drop_queue.queue, drop_queue.max_jobs)
        or not forge._drop_spent_keys(drop_queue.queue, drop_queue.max_jobs)
    then
        return false;
    end if;
    if exists (select from forge.admissions as a where a.queue = drop_queue.queue) then
        perform forge._begin_setting();
        delete from forge.admissions as a where a.queue = drop_queue.queue;
        perform forge._end_setting();
    end if;
    delete from forge.queues as q where q.queue = drop_queue.queue;
    delete from forge.pauses as p where p.queue = drop_queue.queue;
    delete from forge.retry_rules as r where r.scope = 'queue' and r.name = drop_queue.queue;
    delete from forge.queue_totals as t where t.queue = drop_queue.queue;
    delete from forge.throughput_samples as s where s.queue = drop_queue.queue;
    delete from forge.latency_samples as s where s.queue = drop_queue.queue;
    delete from forge.tallies as t where t.queue = drop_queue.queue;
    return true;
end;
$function$;
comment on function forge.drop_queue(text, bigint, integer) is
'Removes a queue for good: its jobs, live, dead and finished, their keys, its settings and its numbers.

Pause it and stop its workers first: who runs one of its jobs has lost the lease, and what is enqueued
meanwhile makes it a queue again. The work of one call is bounded; call it again until it returns true.

Parameters:
  queue     its name
  after     only jobs with ids above this one: the walk through a long history begins there; default all
  max_jobs  how many jobs one call removes at most, 1 to 10000; default 1000
Returns: whether nothing is left of it; false also while somebody else holds a row or ticks.
Raises: JQ001.
Example: select forge.drop_queue(''no longer used'');';
