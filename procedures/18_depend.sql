-- Enqueue of a job that depends on others: new --enqueue--> WAITING.
--
-- A parent may end at the very moment at which its child is enqueued: it does not see our rows, nor we its
-- end. So a child of a live job is looked at once more by the tick, after its commit. Jobs of the same call
-- need no such look: nobody can end them before it commits. Locks: none that anybody waits for; the gate of
-- the batch (33). Raises: JQ001, JQ003, JQ004. Called by: enqueue, enqueue_many, open_batch, run_when.

create or replace function forge._check_depends(
    depends_on bigint[],
    on_parent_failure text
)
returns void
language plpgsql volatile
as $function$
begin
    if (
        cardinality(_check_depends.depends_on) > 10000
        or array_position(_check_depends.depends_on, null) is not null
        or array_ndims(_check_depends.depends_on) > 1
        or 0 >= any(_check_depends.depends_on)
    ) then
        perform forge._invalid(
            'depends_on', _check_depends.depends_on::text,
            'use at most 10000 ids of jobs; more go into a batch'
        );
    end if;
    if (_check_depends.on_parent_failure in ('wait', 'run', 'cancel')) is false then
        perform forge._invalid(
            'on_parent_failure', _check_depends.on_parent_failure, 'use wait, run or cancel'
        );
    end if;
end;
$function$;
comment on function forge._check_depends(bigint[], text) is
'Raises JQ001 for what a job cannot depend on. Internal.';

create or replace function forge._outcome(id bigint)
returns text
language plpgsql stable
as $function$
declare
    v_status text;
begin
    -- In one snapshot, as a job moves from one place to the other in one transaction.
    perform from forge.jobs as j where j.id = _outcome.id;
    if found then
        return 'LIVE';
    end if;
    select h.status into v_status from forge.history as h where h.id = _outcome.id;
    if not found then
        select d.status into v_status from forge.dead_jobs as d where d.id = _outcome.id;
    end if;
    return v_status;
end;
$function$;
comment on function forge._outcome(bigint) is
'How a job ended; LIVE: it has not; null: nothing is known of it. Internal.';

create or replace function forge._depend(
    children bigint[],
    parents bigint[],
    fresh bigint[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_others bigint[];
    v_parent bigint;
    v_live bigint[];
    v_done bigint[];
    v_failed bigint[];
    v_cancel bigint[];
begin
    v_others := array(
        select distinct p.id
        from unnest(_depend.parents) as p (id)
        where not exists (select from unnest(_depend.fresh) as f (id) where f.id = p.id)
    );
    foreach v_parent in array v_others loop
        case forge._outcome(v_parent)
            when 'LIVE' then v_live := v_live || v_parent;
            when 'COMPLETED' then v_done := v_done || v_parent;
            when 'DEAD', 'CANCELLED' then v_failed := v_failed || v_parent;
            else perform forge._not_found(v_parent);
        end case;
    end loop;

    perform nextval('forge.wait_seq');
    insert into forge.dependencies (child, parent)
    select distinct e.child, e.parent from unnest(_depend.children, _depend.parents) as e (child, parent);
    insert into forge.open_dependencies (child, parent)
    select distinct e.child, e.parent
    from unnest(_depend.children, _depend.parents) as e (child, parent)
    where v_done is null or not exists (select from unnest(v_done) as d (id) where d.id = e.parent);
    if v_live is not null or v_failed is not null then
        insert into forge.ripe_jobs (id, task)
        select distinct e.child, 'look'
        from unnest(_depend.children, _depend.parents) as e (child, parent)
        where exists (select from unnest(v_live || v_failed) as o (id) where o.id = e.parent);
    end if;

    if v_failed is not null then
        select array_agg(distinct o.child) into v_cancel
        from forge.open_dependencies as o
        join forge.jobs as j on j.id = o.child
        where o.parent = any(v_failed)
            and o.child = any(_depend.children)
            and (j.extra).on_parent_failure = 'cancel';
        delete from forge.open_dependencies as o
        where o.parent = any(v_failed)
            and o.child = any(_depend.children)
            and exists (
                select from forge.jobs as j where j.id = o.child and (j.extra).on_parent_failure = 'run'
            );
        if v_cancel is not null then
            perform forge._spread(forge._cancel_waiting(v_cancel, _depend.at), 'CANCELLED', _depend.at);
        end if;
    end if;
    if v_done is not null or v_failed is not null then
        perform forge._decide(array_agg(c.id), array_agg(-1::bigint), array_agg(-1::bigint), _depend.at)
        from (select distinct u.id from unnest(_depend.children) as u (id)) as c;
    end if;
end;
$function$;
comment on function forge._depend(bigint[], bigint[], bigint[], timestamptz) is
'Ties children of this transaction, which are WAITING, to their parents; fresh are the jobs of the same call.
What has ended already counts at once: a child may come out PENDING or CANCELLED. Internal.';

create or replace function forge._tie(
    made forge.enqueued,
    job forge.new_job,
    hold text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if made.created and _tie.hold is not null then
        insert into forge.open_dependencies (child, parent)
        values (made.id, case _tie.hold when 'batch' then made.id else 0 end);
    end if;
    if made.created and cardinality(job.depends_on) > 0 then
        perform forge._depend(
            array_fill(made.id, array[cardinality(job.depends_on)]), job.depends_on, '{}', _tie.at
        );
    end if;
    if job.batch is not null then
        perform forge._join_batch(
            job.batch, array[made.id], case when not made.created then array[made.id] end,
            not made.created or cardinality(job.depends_on) > 0
        );
    end if;
end;
$function$;
comment on function forge._tie(forge.enqueued, forge.new_job, text, timestamptz) is
'Ties a job to what it waits for and to its batch. hold: batch or condition, what opens it later. Internal.';

create or replace function forge._refuse_cycles(
    ids bigint[],
    children bigint[],
    parents bigint[]
)
returns void
language plpgsql volatile
as $function$
declare
    v_jobs constant integer := coalesce(cardinality(_refuse_cycles.ids), 0);
    v_child integer[];
    v_parent integer[];
    v_ahead boolean;
    v_first integer[] := array_fill(0, array[v_jobs]);
    v_left integer[] := array_fill(0, array[v_jobs]);
    v_ready integer[] := array[]::integer[];
    v_done integer := 0;
    v_edge integer;
begin
    -- Jobs as their places in the call; the edges of one parent stand together.
    select
        array_agg(e.child order by e.parent, e.child),
        array_agg(e.parent order by e.parent, e.child),
        bool_or(e.parent >= e.child)
    into v_child, v_parent, v_ahead
    from (
        select distinct c.ordinality::integer as child, p.ordinality::integer as parent
        from unnest(_refuse_cycles.children, _refuse_cycles.parents) as u (child, parent)
        join unnest(_refuse_cycles.ids) with ordinality as c (id, ordinality) on c.id = u.child
        join unnest(_refuse_cycles.ids) with ordinality as p (id, ordinality) on p.id = u.parent
    ) as e;
    -- Where everyone waits for jobs before his own only, there is no circle.
    if v_ahead is not true then
        return;
    end if;

    for v_edge in 1 .. cardinality(v_child) loop
        v_left[v_child[v_edge]] := v_left[v_child[v_edge]] + 1;
        if v_first[v_parent[v_edge]] = 0 then
            v_first[v_parent[v_edge]] := v_edge;
        end if;
    end loop;
    for v_place in 1 .. v_jobs loop
        if v_left[v_place] = 0 then
            v_ready := v_ready || v_place;
        end if;
    end loop;
    -- Who waits for nobody is taken away, then who waited for those; who is left waits in a circle.
    while v_done < cardinality(v_ready) loop
        v_done := v_done + 1;
        v_edge := v_first[v_ready[v_done]];
        while v_parent[v_edge] = v_ready[v_done] loop
            v_left[v_child[v_edge]] := v_left[v_child[v_edge]] - 1;
            if v_left[v_child[v_edge]] = 0 then
                v_ready := v_ready || v_child[v_edge];
            end if;
            v_edge := v_edge + 1;
        end loop;
    end loop;
    if v_done < v_jobs then
        perform forge._invalid(
            'depends_on', format('%s jobs that wait for each other, or for such ones', v_jobs - v_done),
            'a job cannot wait for itself, nor for one that waits for it'
        );
    end if;
end;
$function$;
comment on function forge._refuse_cycles(bigint[], bigint[], bigint[]) is
'Raises JQ001 where jobs of one call (ids, in its order) wait for each other in a circle. Internal.';
