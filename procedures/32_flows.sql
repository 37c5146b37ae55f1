-- Flows: what the end of a parent does to those that wait for it.
-- WAITING --complete, fail, cancel, …--> PENDING, or CANCELLED, in the transaction that ends the parent.
--
-- Nobody ever waits for the row of another job. Who ends a parent deletes its rows of open_dependencies,
-- which nobody else touches, and then looks whether the child has others left. Two that end the last two
-- parents at the same moment do not see what the other deletes, but that it is being deleted (its xmax is
-- set): then neither can decide, and both leave the child to the tick, in ripe_jobs.
-- So does whoever finds the row of the child locked. The status is asked for in a "case": as a condition it
-- could lead the plan over all jobs that wait. Locks: rows of forge.jobs with skip locked.
-- Called by: whatever ends a job; enqueue, for parents that have ended before; the tick (67).

create or replace function forge._are_any_awaited()
returns boolean
language sql volatile
as $function$
    select pg_catalog.pg_sequence_last_value('forge.wait_seq'::regclass) is not null;
$function$;
comment on function forge._are_any_awaited() is
'Whether any job was ever waited for: where none was, that is known for less than a look would cost. In SQL,
so that it becomes part of the expression that calls it. Internal.';

create or replace function forge._spread_awaited(
    parents bigint[],
    status text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    -- An old snapshot may not show who waits.
    if current_setting('transaction_isolation') <> 'read committed'
        or exists (select from forge.open_dependencies as o where o.parent = any(_spread_awaited.parents))
    then
        perform forge._spread(_spread_awaited.parents, _spread_awaited.status, _spread_awaited.at);
    end if;
end;
$function$;
comment on function forge._spread_awaited(bigint[], text, timestamptz) is
'Tells those who wait for jobs that have ended, if anybody does. Internal.';

create or replace function forge._still_waits(
    child bigint,
    low bigint,
    high bigint
)
returns text
language plpgsql stable
as $function$
begin
    -- The dead entries of a wide fan-in are in the way of a walk over its index as long as a snapshot is
    -- open: so first to both sides of the parents that have just ended, where in whatever order they end
    -- one is likely to be open, and only then all the way up, all the way down, and in between.
    perform from forge.open_dependencies as o
    where o.child = _still_waits.child
        and o.parent > _still_waits.high
        and o.parent <= _still_waits.high + 64
        and o.xmax = 0
    limit 1;
    if found then
        return 'yes';
    end if;
    perform from forge.open_dependencies as o
    where o.child = _still_waits.child
        and o.parent < _still_waits.low
        and o.parent >= _still_waits.low - 64
        and o.xmax = 0
    limit 1;
    if found then
        return 'yes';
    end if;
    perform from (
        select
        from forge.open_dependencies as o
        where o.child = _still_waits.child and o.parent > _still_waits.high and o.xmax = 0
        order by o.parent
        limit 1
    ) as above;
    if found then
        return 'yes';
    end if;
    perform from (
        select
        from forge.open_dependencies as o
        where o.child = _still_waits.child and o.parent < _still_waits.high and o.xmax = 0
        order by o.parent desc
        limit 1
    ) as below;
    if found then
        return 'yes';
    end if;
    perform from forge.open_dependencies as o where o.child = _still_waits.child limit 1;
    return case when found then 'perhaps' else 'no' end;
end;
$function$;
comment on function forge._still_waits(bigint, bigint, bigint) is
'Whether a child waits for more than the parents from low to high that have just ended: yes, no, or perhaps,
where all that is left is being closed by others, whose outcome cannot be seen yet. Internal.';

create or replace function forge._free(
    children bigint[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_ids bigint[];
    v_queues text[];
    v_queue text;
begin
    v_ids := array(
        select j.id
        from forge.jobs as j
        where j.id = any(_free.children) and case when j.status = 'WAITING' then true end
        order by j.id
        for no key update skip locked
    );
    with freed as (
        update forge.jobs as j
        set status = 'PENDING',
            aside = forge._aside('PENDING', j.concurrency_key),
            -- not before now: the lanes of a queue begin where its earliest job was
            scheduled_at = greatest(j.scheduled_at, _free.at)
        where j.id = any(v_ids)
        returning j.queue, j.scheduled_at
    )
    select array_agg(distinct f.queue) into v_queues from freed as f where f.scheduled_at <= _free.at;
    perform forge._join_line(j.queue, j.concurrency_key, j.id, j.scheduled_at)
    from forge.jobs as j
    where j.id = any(v_ids) and j.concurrency_key is not null;

    if cardinality(v_ids) < cardinality(_free.children) then
        insert into forge.ripe_jobs (id, task)
        select j.id, 'free'
        from forge.jobs as j
        where j.id = any(_free.children)
            and j.id <> all (v_ids)
            and case when j.status = 'WAITING' then true end;
    end if;
    foreach v_queue in array coalesce(v_queues, '{}') loop
        perform forge._ring(v_queue);
    end loop;
end;
$function$;
comment on function forge._free(bigint[], timestamptz) is
'Makes jobs PENDING that wait for nothing any more; of those whose rows are locked the tick takes
care. Internal.';

create or replace function forge._decide(
    children bigint[],
    low bigint[],
    high bigint[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_free bigint[];
    v_unsure bigint[];
begin
    for v_number in 1 .. coalesce(cardinality(_decide.children), 0) loop
        case forge._still_waits(
            _decide.children[v_number], _decide.low[v_number], _decide.high[v_number]
        )
            when 'no' then v_free := v_free || _decide.children[v_number];
            when 'perhaps' then v_unsure := v_unsure || _decide.children[v_number];
            else null;
        end case;
    end loop;
    if v_unsure is not null then
        insert into forge.ripe_jobs (id, task) select u.id, 'free' from unnest(v_unsure) as u (id);
    end if;
    if v_free is not null then
        perform forge._free(v_free, _decide.at);
    end if;
end;
$function$;
comment on function forge._decide(bigint[], bigint[], bigint[], timestamptz) is
'Frees those of the children that wait for nothing any more; from low to high are the parents of each that
have just been closed. Internal.';

create or replace function forge._cancel_waiting(
    children bigint[],
    at timestamptz
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
    v_ids bigint[] := array[]::bigint[];
begin
    for v_job in
        select j.*
        from forge.jobs as j
        where j.id = any(_cancel_waiting.children) and case when j.status = 'WAITING' then true end
        order by j.id
        for update skip locked
    loop
        v_job.cancel_requested_at := _cancel_waiting.at;
        delete from forge.jobs as j where j.id = v_job.id;
        perform forge._keep(v_job, 'CANCELLED', _cancel_waiting.at);
        insert into forge.tallies (at, queue, cancelled) values (_cancel_waiting.at, v_job.queue, 1);
        perform forge._let_go(v_job, 'CANCELLED', _cancel_waiting.at);
        v_ids := v_ids || v_job.id;
    end loop;
    if cardinality(v_ids) < cardinality(_cancel_waiting.children) then
        insert into forge.ripe_jobs (id, task)
        select j.id, 'cancel'
        from forge.jobs as j
        where j.id = any(_cancel_waiting.children) and case when j.status = 'WAITING' then true end;
    end if;
    return v_ids;
end;
$function$;
comment on function forge._cancel_waiting(bigint[], timestamptz) is
'Cancels WAITING jobs and returns which; those whose rows are locked are left to the tick. Their own
children are the caller''s to tell. Internal.';

create or replace function forge._hand_on(
    parents bigint[],
    status text
)
returns void
language plpgsql volatile
as $function$
begin
    insert into forge.ripe_jobs (id, task, status)
    select p.id, 'spread', _hand_on.status
    from unnest(_hand_on.parents) as p (id);
end;
$function$;
comment on function forge._hand_on(bigint[], text) is
'Leaves it to the tick to tell the children of jobs that have ended. Internal.';

create or replace function forge._close(
    parents bigint[],
    children bigint[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_children bigint[];
    v_low bigint[];
    v_high bigint[];
begin
    -- null: all of them. A batch that is open stands in a row of its own as its parent.
    if _close.children is null then
        with closed as (
            delete from forge.open_dependencies as o
            where o.parent = any(_close.parents) and o.child <> o.parent
            returning o.child, o.parent
        )
        select array_agg(c.child), array_agg(c.low), array_agg(c.high) into v_children, v_low, v_high
        from (
            select d.child, min(d.parent) as low, max(d.parent) as high from closed as d group by d.child
        ) as c;
    else
        with closed as (
            delete from forge.open_dependencies as o
            where o.parent = any(_close.parents) and o.child = any(_close.children)
            returning o.child, o.parent
        )
        select array_agg(c.child), array_agg(c.low), array_agg(c.high) into v_children, v_low, v_high
        from (
            select d.child, min(d.parent) as low, max(d.parent) as high from closed as d group by d.child
        ) as c;
    end if;
    perform forge._decide(v_children, v_low, v_high, _close.at);
end;
$function$;
comment on function forge._close(bigint[], bigint[], timestamptz) is
'Closes what children wait for of these parents, and frees those that wait for nothing else. Internal.';

create or replace function forge._spread(
    parents bigint[],
    status text,
    at timestamptz,
    most integer default 5000
)
returns void
language plpgsql volatile
as $function$
declare
    v_front bigint[] := _spread.parents;
    v_status text := _spread.status;
    v_left integer := _spread.most;
    v_children bigint[];
    v_run bigint[];
    v_cancel bigint[];
begin
    -- An old snapshot may not show all children.
    if current_setting('transaction_isolation') <> 'read committed' then
        perform forge._hand_on(v_front, v_status);
        return;
    end if;
    -- Level by level down the flow, and so many edges at most: the tick goes on from there.
    while cardinality(v_front) > 0 loop
        if v_left <= 0 then
            perform forge._hand_on(
                array(
                    select distinct o.parent from forge.open_dependencies as o where o.parent = any(v_front)
                ),
                v_status
            );
            return;
        end if;

        if v_status = 'COMPLETED' then
            v_children := array(
                select o.child
                from forge.open_dependencies as o
                where o.parent = any(v_front) and o.child <> o.parent
                limit v_left + 1
            );
            if cardinality(v_children) > v_left then
                perform forge._close(v_front, v_children[1 : v_left], _spread.at);
                perform forge._hand_on(v_front, v_status);
            elsif cardinality(v_children) > 0 then
                perform forge._close(v_front, null, _spread.at);
            end if;
            return;
        end if;

        -- GONE: not even its record is left, so there is nothing that a child could wait for
        select
            array_agg(c.child) filter (where c.policy = 'run'),
            array_agg(c.child) filter (where c.policy <> 'run'),
            v_left - count(*)
        into v_run, v_cancel, v_left
        from (
            select o.child, k.policy
            from forge.open_dependencies as o
            cross join lateral (
                select coalesce((j.extra).on_parent_failure, 'wait') as policy
                from forge.jobs as j
                where j.id = o.child
                    and case when j.status = 'WAITING' then true end
                    -- its end may just not have been seen yet
                    and (v_status <> 'GONE' or j.created_at < _spread.at - interval '1 hour')
                limit 1
            ) as k
            where o.parent = any(v_front)
                and o.child <> o.parent
                and (k.policy <> 'wait' or v_status = 'GONE')
            limit v_left
        ) as c;
        if v_left <= 0 then
            perform forge._hand_on(v_front, v_status);
        end if;
        if v_run is not null then
            perform forge._close(v_front, v_run, _spread.at);
        end if;
        v_front := case when v_cancel is not null then forge._cancel_waiting(v_cancel, _spread.at) end;
        v_status := 'CANCELLED';
    end loop;
end;
$function$;
comment on function forge._spread(bigint[], text, timestamptz, integer) is
'Tells the children of jobs that have ended, and theirs in turn where they are cancelled for it; most is how
many edges are followed before the rest is left to the tick. Internal.';
