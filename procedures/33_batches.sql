-- Batches: a callback job that runs when all jobs of its batch are finished, however they ended.
-- new --open_batch--> WAITING --close_batch--> PENDING, or later, when the last of them ends.
--
-- The callback is a child of each job, and of itself as long as the batch is open. Who adds to a batch holds
-- its gate, a shared advisory lock, until the commit; who closes it needs the gate for himself alone, or else
-- leaves that to the tick: so no job comes into a batch whose callback runs already. Both are tries.
-- Raises: JQ001, JQ003, JQ004, JQ005. Called by: producers, and jobs that add to their own batch.

create or replace function forge._as_id(
    argument text,
    value text
)
returns bigint
language plpgsql volatile
as $function$
begin
    if (_as_id.value ~ '^[1-9]\d{0,17}\Z') is not true then
        perform forge._invalid(_as_id.argument, _as_id.value, 'use the id of a job');
    end if;
    return _as_id.value::bigint;
end;
$function$;
comment on function forge._as_id(text, text) is
'The id that a text is; else raises JQ001. Internal.';

create or replace function forge._refuse_batch(
    batch bigint,
    hint text
)
returns void
language plpgsql volatile
as $function$
declare
    v_status text;
begin
    select a.status into v_status from forge.all_jobs as a where a.id = _refuse_batch.batch;
    if not found then
        perform forge._not_found(_refuse_batch.batch);
    end if;
    perform forge._wrong_status(_refuse_batch.batch, v_status, _refuse_batch.hint);
end;
$function$;
comment on function forge._refuse_batch(bigint, text) is
'Raises JQ003 or JQ004 for what is no batch, or not in a state for it. Internal.';

create or replace function forge._refuse_circle(
    batch bigint,
    ids bigint[]
)
returns void
language plpgsql volatile
as $function$
declare
    v_comes_round boolean;
    v_meets_batch boolean;
begin
    -- A new job can be waited for by nobody yet, except by its batch: the one way to come round to oneself.
    -- Up from the new jobs over all that they wait for.
    with recursive awaited (id) as (
        select u.id from unnest(_refuse_circle.ids) as u (id)
        union
        select o.parent
        from awaited as a
        -- a fence: edge by edge over the index, never the whole table
        cross join lateral (
            select e.parent from forge.open_dependencies as e where e.child = a.id offset 0
        ) as o
    )
    select
        bool_or(a.id = _refuse_circle.batch),
        bool_or(exists (
            select from forge.open_dependencies as o where o.child = a.id and o.parent = a.id
        ))
    into v_comes_round, v_meets_batch
    from awaited as a;
    if v_comes_round then
        perform forge._wrong_status(
            _refuse_circle.batch, 'WAITING', 'a job of a batch cannot wait for the callback of that batch'
        );
    end if;
    -- Two that tie batches to each other at once, each unseen by the other, could close a circle.
    if v_meets_batch and not pg_try_advisory_xact_lock(forge._lock_space('batch'), 0) then
        perform forge._wrong_status(
            _refuse_circle.batch, 'WAITING',
            'somebody else is just tying a batch to another one; try again when that has been committed'
        );
    end if;
end;
$function$;
comment on function forge._refuse_circle(bigint, bigint[]) is
'Raises JQ004 where jobs that are to join a batch wait for its callback. Internal.';

create or replace function forge._join_batch(
    batch bigint,
    ids bigint[],
    others bigint[],
    tied boolean
)
returns void
language plpgsql volatile
as $function$
declare
    v_hint constant text := 'only an open batch takes jobs: open_batch makes one, close_batch ends it';
begin
    if not pg_try_advisory_xact_lock_shared(forge._lock_space('batch'), forge._claim_key(_join_batch.batch))
    then
        perform forge._refuse_batch(_join_batch.batch, v_hint);
    end if;
    -- An old snapshot might show a batch as open that was closed before we had the gate: wait for its row
    -- there, which fails if it has changed.
    if current_setting('transaction_isolation') = 'read committed' then
        perform from forge.open_dependencies as o
        where o.child = _join_batch.batch and o.parent = _join_batch.batch;
    else
        perform from forge.open_dependencies as o
        where o.child = _join_batch.batch and o.parent = _join_batch.batch
        for share;
    end if;
    if not found
        or not exists (
            select from forge.jobs as j
            where j.id = _join_batch.batch and case when j.status = 'WAITING' then true end
        )
    then
        perform forge._refuse_batch(_join_batch.batch, v_hint);
    end if;
    if _join_batch.tied then
        perform forge._refuse_circle(_join_batch.batch, _join_batch.ids);
    end if;

    perform nextval('forge.wait_seq');
    insert into forge.dependencies (child, parent)
    select _join_batch.batch, u.id from unnest(_join_batch.ids) as u (id)
    on conflict on constraint dependencies_pkey do nothing;
    insert into forge.open_dependencies (child, parent)
    select _join_batch.batch, u.id
    from unnest(_join_batch.ids) as u (id)
    on conflict on constraint open_dependencies_pkey do nothing;
    if _join_batch.tied or _join_batch.others is not null then
        -- One whose parents have failed may have been cancelled at once, and one that was there before may
        -- end at this moment without seeing our rows.
        delete from forge.open_dependencies as o
        where o.child = _join_batch.batch
            and o.parent = any(_join_batch.ids)
            and not exists (select from forge.jobs as j where j.id = o.parent);
        insert into forge.ripe_jobs (id, task, parent)
        select _join_batch.batch, 'look', u.id from unnest(_join_batch.others) as u (id);
    end if;
end;
$function$;
comment on function forge._join_batch(bigint, bigint[], bigint[], boolean) is
'Adds jobs to an open batch. others: those of them that are not new; tied: some of them may wait for
others. Internal.';

create or replace function forge._hold(
    options jsonb,
    hold text,
    at timestamptz
)
returns forge.enqueued
language plpgsql volatile
as $function$
declare
    v_job forge.new_job;
begin
    if (
        forge._has_job_keys(
            _hold.options, array_remove(forge._job_keys() || forge._rare_job_keys(), 'handle')
        )
        and forge._has_rare_types(_hold.options)
    ) is not true then
        perform forge._invalid(
            'options', _hold.options::text,
            'use an object with parameters of enqueue as keys, times with a zone'
        );
    end if;
    begin
        v_job := forge._new_job(_hold.options);
    exception
        when data_exception then
            perform forge._invalid('options', sqlerrm, 'use values of the types of enqueue''s parameters');
    end;
    return forge._enqueue(v_job, _hold.at, hold => _hold.hold);
end;
$function$;
comment on function forge._hold(jsonb, text, timestamptz) is
'Adds a job that waits for a batch to be closed, or for a condition. Internal.';

create or replace function forge.open_batch(
    type text,
    payload jsonb default '{}',
    queue text default 'default',
    options jsonb default '{}'
)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set jit = off
as $function$
begin
    return (forge._hold(
        '{"on_parent_failure": "run"}' || open_batch.options || jsonb_build_object(
            'type', open_batch.type, 'payload', open_batch.payload, 'queue', open_batch.queue
        ),
        'batch', forge.now()
    )).id;
end;
$function$;
comment on function forge.open_batch(text, jsonb, text, jsonb) is
'Opens a batch: adds a callback job that becomes due when the batch is closed and all of its jobs have ended.

Jobs come into it by enqueue(…, batch => id), as long as it is open; also from jobs of the batch while they
run. How they ended, the callback reads with parents(id).

Parameters:
  type, payload, queue  of the callback, as in enqueue
  options  more parameters of enqueue for the callback, an object with their names as keys; its
           on_parent_failure is run by default: also when some of the jobs failed; default none
Returns: the id of the callback, which is that of the batch; where its unique_key is taken, the id of the
live job that holds it.
Raises: JQ001, JQ003, JQ004, JQ005, JQ012, JQ013, JQ014.
Example: select forge.close_batch(forge.open_batch(''report'', ''{"month":"2030-01"}''));';

create or replace function forge._close_batch(
    batch bigint,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if current_setting('transaction_isolation') = 'read committed'
        and pg_try_advisory_xact_lock(forge._lock_space('batch'), forge._claim_key(_close_batch.batch))
    then
        delete from forge.open_dependencies as o
        where o.child = _close_batch.batch and o.parent = _close_batch.batch;
        perform forge._decide(
            array[_close_batch.batch], array[_close_batch.batch], array[_close_batch.batch], _close_batch.at
        );
    else
        insert into forge.ripe_jobs (id, task) values (_close_batch.batch, 'close');
    end if;
end;
$function$;
comment on function forge._close_batch(bigint, timestamptz) is
'Closes a batch; while somebody adds to it, or all that is in it cannot be seen, the tick does. Internal.';

create or replace function forge.close_batch(
    id bigint,
    queue text default null
)
returns forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_row forge.change;
begin
    select j.id, j.queue, j.type, j.status, j.status into v_row
    from forge.jobs as j
    where j.id = close_batch.id and (close_batch.queue is null or j.queue = close_batch.queue);
    if not found then
        perform forge._refuse_batch(close_batch.id, 'only a batch that has not ended can be closed');
    end if;
    perform from forge.open_dependencies as o where o.child = close_batch.id and o.parent = close_batch.id;
    if found then
        perform forge._close_batch(close_batch.id, v_now);
        select j.status into v_row.to_status from forge.jobs as j where j.id = close_batch.id;
    end if;
    return v_row;
end;
$function$;
comment on function forge.close_batch(bigint, text) is
'Closes a batch: no more jobs come into it, and its callback runs when those that are in it have ended.

While another transaction is adding to it, the next tick after that closes it. A job that is no batch, or one
that is closed, comes back as it is.

Parameters:
  id     of the batch
  queue  of its callback; default any
Returns: id, queue, type, from_status, to_status: PENDING where all jobs have ended already, else WAITING.
Raises: JQ003, JQ004 (it has ended).
Example: select * from forge.close_batch(forge.open_batch(''report''));';

create or replace function forge.enqueue_batch(
    jobs jsonb,
    type text,
    payload jsonb default '{}',
    queue text default 'default',
    options jsonb default '{}'
)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set jit = off
as $function$
declare
    v_batch bigint;
    v_ids bigint[];
    v_others bigint[];
begin
    v_batch := forge.open_batch(
        enqueue_batch.type, enqueue_batch.payload, enqueue_batch.queue, enqueue_batch.options
    );
    select array_agg(m.id), array_agg(m.id) filter (where not m.created) into v_ids, v_others
    from forge.enqueue_many(enqueue_batch.jobs) as m;
    -- nobody can wait for a batch that is as new as this: there is no circle to look for
    perform forge._join_batch(v_batch, v_ids, v_others, false);
    perform forge.close_batch(v_batch);
    return v_batch;
end;
$function$;
comment on function forge.enqueue_batch(jsonb, text, jsonb, text, jsonb) is
'Adds jobs and a callback that becomes due when all of them have ended, in one call.

Parameters:
  jobs     as in enqueue_many, at most 10,000; for more use open_batch and close_batch
  type, payload, queue, options
           of the callback, as in open_batch
Returns: the id of the callback; parents(id) has the jobs.
Raises: JQ001, JQ003, JQ004, JQ005, JQ012, JQ013, JQ014.
Example: select forge.enqueue_batch(''[{"type":"page"},{"type":"page"}]'', ''report'');';
