-- Flows in the tick: what no transaction could decide by itself. WAITING --tick--> PENDING or CANCELLED.
--
-- Each entry of ripe_jobs is taken, and looked at with a snapshot that is newer than it. What still cannot be
-- told, as somebody is on the way who began before, is put back with a horizon: once every transaction has
-- ended that ran then, what is to be seen is all there is. Locks: those of the tick, rows with skip locked,
-- the gates of batches (tries). Called by: tick.

create or replace function forge._next_horizon(horizon xid8)
returns xid8
language plpgsql volatile
as $function$
begin
    -- A snapshot tells the highest transaction that has ended, not the highest that has begun; and the id of
    -- this one may be older than the entry. The id of the next tick is younger than all that matters.
    return case
        when _next_horizon.horizon is null then '0'::xid8
        when _next_horizon.horizon between '1' and pg_current_xact_id() then _next_horizon.horizon
        else pg_current_xact_id()
    end;
end;
$function$;
comment on function forge._next_horizon(xid8) is
'The horizon of an entry of ripe_jobs that is put back: 0 after the first look, after the second the id of
that tick. Internal.';

create or replace function forge._is_past(horizon xid8)
returns boolean
language plpgsql volatile
as $function$
begin
    return (_is_past.horizon between '1' and pg_snapshot_xmin(pg_current_snapshot())) is true;
end;
$function$;
comment on function forge._is_past(xid8) is
'Whether every transaction has ended that is older than the horizon. Internal.';

create or replace function forge._settle_edges(
    children bigint[],
    parents bigint[],
    horizons xid8[],
    past boolean[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_edge record;
    v_cancel bigint[];
begin
    for v_edge in
        select
            e.child, e.parent, e.horizon, e.past, c.policy,
            coalesce(l.changing, h.changing, d.changing, false) as changing,
            -- without a record it ended in a queue that keeps no history: as completed
            coalesce(l.status, h.status, d.status, 'COMPLETED') as status
        from unnest(
            _settle_edges.children, _settle_edges.parents, _settle_edges.horizons, _settle_edges.past
        ) as u (child, parent, horizon, past)
        cross join lateral (
            select o.child, o.parent, u.horizon, u.past
            from forge.open_dependencies as o
            where o.child = u.child
                and (u.parent is null or o.parent = u.parent)
                and o.parent not in (0, o.child)
            offset 0
        ) as e
        left join lateral (
            select coalesce((j.extra).on_parent_failure, 'wait') as policy
            from forge.jobs as j
            where j.id = e.child
            limit 1
        ) as c on true
        left join lateral (
            select 'LIVE' as status, j.xmax <> 0 as changing
            from forge.jobs as j
            where j.id = e.parent
            limit 1
        ) as l on true
        left join lateral (
            select j.status, j.xmax <> 0 as changing
            from forge.history as j
            where j.id = e.parent and l.status is null
            limit 1
        ) as h on true
        left join lateral (
            select j.status, j.xmax <> 0 as changing
            from forge.dead_jobs as j
            where j.id = e.parent and l.status is null
            limit 1
        ) as d on true
    loop
        if v_edge.changing and not v_edge.past then
            -- Whoever is ending it just now may have looked for its children before there was this one.
            insert into forge.ripe_jobs (id, task, parent, horizon)
            values (v_edge.child, 'look', v_edge.parent, forge._next_horizon(v_edge.horizon));
        elsif v_edge.status = 'LIVE' then
            continue;
        elsif v_edge.status = 'COMPLETED' or v_edge.policy = 'run' then
            perform from forge.open_dependencies as o
            where o.child = v_edge.child and o.parent = v_edge.parent
            for update skip locked;
            if found then
                delete from forge.open_dependencies as o
                where o.child = v_edge.child and o.parent = v_edge.parent;
            end if;
        elsif v_edge.policy = 'cancel' then
            v_cancel := v_cancel || v_edge.child;
        end if;
    end loop;
    if v_cancel is not null then
        perform forge._spread(
            forge._cancel_waiting(v_cancel, _settle_edges.at), 'CANCELLED', _settle_edges.at
        );
    end if;
end;
$function$;
comment on function forge._settle_edges(bigint[], bigint[], xid8[], boolean[], timestamptz) is
'Closes what has ended unseen of what children wait for; a null parent is all of them. past: whether every
transaction older than the horizon had ended before this. Internal.';

create or replace function forge._free_ripe(
    children bigint[],
    horizons xid8[],
    past boolean[],
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_child record;
    v_free bigint[];
begin
    for v_child in
        select
            u.child as id,
            case
                when bool_and(u.horizon is not null) then max(u.horizon::text::bigint)::text::xid8
            end as horizon,
            bool_and(u.past) as past
        from unnest(_free_ripe.children, _free_ripe.horizons, _free_ripe.past) as u (child, horizon, past)
        group by u.child
    loop
        case forge._still_waits(v_child.id, -1, -1)
            when 'no' then
                v_free := v_free || v_child.id;
            when 'perhaps' then
                if not v_child.past then
                    insert into forge.ripe_jobs (id, task, horizon)
                    values (v_child.id, 'free', forge._next_horizon(v_child.horizon));
                end if;
            else
                null;
        end case;
    end loop;
    if v_free is not null then
        perform forge._free(v_free, _free_ripe.at);
    end if;
end;
$function$;
comment on function forge._free_ripe(bigint[], xid8[], boolean[], timestamptz) is
'Frees those of the children that wait for nothing any more; past as in _settle_edges. Internal.';

create or replace function forge._tend_flows(
    at timestamptz
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_taken forge.ripe_jobs[];
    v_past xid8[];
    v_status text;
    v_id bigint;
begin
    perform from forge.ripe_jobs as r limit 1;
    if not found or current_setting('transaction_isolation') <> 'read committed' then
        return;
    end if;
    -- What has a horizon was looked at before: it comes after what is new.
    with taken as (
        delete from forge.ripe_jobs as r
        where r.ctid = any(array(
            select o.ctid from forge.ripe_jobs as o order by o.horizon::text::bigint nulls first limit 2000
        ))
        returning r.id, r.task, r.parent, r.status, r.horizon
    )
    select array_agg(row(t.*)::forge.ripe_jobs), array_agg(distinct t.horizon) into v_taken, v_past
    from (select distinct * from taken) as t;
    -- asked before the looks, as it is their snapshots that must show what had ended
    v_past := array(select h.horizon from unnest(v_past) as h (horizon) where forge._is_past(h.horizon));

    for v_id in select t.id from unnest(v_taken) as t where t.task = 'close' loop
        perform forge._close_batch(v_id, _tend_flows.at);
    end loop;
    perform forge._settle_edges(
        array_agg(t.id), array_agg(t.parent), array_agg(t.horizon),
        array_agg(coalesce(t.horizon = any(v_past), false)), _tend_flows.at
    )
    from unnest(v_taken) as t
    where t.task = 'look'
    having count(*) > 0;
    perform forge._spread(
        forge._cancel_waiting(array_agg(t.id), _tend_flows.at), 'CANCELLED', _tend_flows.at
    )
    from unnest(v_taken) as t
    where t.task = 'cancel'
    having count(*) > 0;
    for v_status in select distinct t.status from unnest(v_taken) as t where t.task = 'spread' loop
        perform forge._spread(array_agg(t.id), v_status, _tend_flows.at)
        from unnest(v_taken) as t
        where t.task = 'spread' and t.status = v_status;
    end loop;
    perform forge._free_ripe(
        array_agg(t.id),
        array_agg(case when t.task = 'free' then t.horizon end),
        array_agg(t.task = 'free' and coalesce(t.horizon = any(v_past), false)),
        _tend_flows.at
    )
    from unnest(v_taken) as t
    where t.task in ('free', 'look')
    having count(*) > 0;
    return query values ('flows', cardinality(v_taken)::bigint);
end;
$function$;
comment on function forge._tend_flows(timestamptz) is
'Works off what the ends of jobs left to the tick, a bounded part of it. Internal.';

create or replace function forge._is_known(id bigint)
returns boolean
language plpgsql stable
as $function$
begin
    return exists (select from forge.jobs as j where j.id = _is_known.id)
        or exists (select from forge.history as h where h.id = _is_known.id)
        or exists (select from forge.dead_jobs as d where d.id = _is_known.id);
end;
$function$;
comment on function forge._is_known(bigint) is
'Whether a job is still on record, in whatever status. Internal.';

create or replace function forge._walk_from(
    task text,
    at timestamptz,
    mark bigint
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_mark bigint;
begin
    if _walk_from.mark is null then
        select t.mark into v_mark from forge.tick_tasks as t where t.task = _walk_from.task;
        return coalesce(v_mark, 0);
    end if;
    insert into forge.tick_tasks as t (task, done_at, mark)
    values (_walk_from.task, _walk_from.at, _walk_from.mark)
    on conflict on constraint tick_tasks_pkey do update
    set done_at = excluded.done_at, mark = excluded.mark;
    return _walk_from.mark;
end;
$function$;
comment on function forge._walk_from(text, timestamptz, bigint) is
'Where a walk over a table goes on: read, or set where a mark is given. Internal.';

create or replace function forge._forget_flows(
    at timestamptz,
    most integer default 5000
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_last bigint;
    v_next bigint;
    v_gone bigint[];
    v_count bigint := 0;
    v_rows bigint;
begin
    -- What children depended on is kept as long as they are.
    v_last := forge._walk_from('dependencies', _forget_flows.at, null);
    for v_step in 1 .. _forget_flows.most loop
        select d.child into v_next
        from forge.dependencies as d
        where d.child > v_last
        order by d.child
        limit 1;
        if not found then
            v_last := 0;
            exit;
        end if;
        if not forge._is_known(v_next) then
            delete from forge.open_dependencies as o
            where o.child = v_next and o.parent = any(array(
                select s.parent from forge.open_dependencies as s where s.child = v_next limit 10000
                for update skip locked
            ));
            delete from forge.dependencies as d
            where d.child = v_next and d.parent = any(array(
                select s.parent from forge.dependencies as s where s.child = v_next limit 10000
            ));
            get diagnostics v_rows = row_count;
            v_count := v_count + v_rows;
            exit when v_count >= 10000;
        end if;
        v_last := v_next;
    end loop;
    perform forge._walk_from('dependencies', _forget_flows.at, v_last);

    -- A parent that failed may be retried as long as it is on record; then nobody can free its children.
    v_last := forge._walk_from('parents', _forget_flows.at, null);
    for v_step in 1 .. _forget_flows.most loop
        select o.parent into v_next
        from forge.open_dependencies as o
        where o.parent > v_last
        order by o.parent
        limit 1;
        if not found then
            v_last := 0;
            exit;
        end if;
        v_last := v_next;
        if not forge._is_known(v_next) then
            v_gone := v_gone || v_next;
        end if;
    end loop;
    perform forge._walk_from('parents', _forget_flows.at, v_last);
    if v_gone is not null then
        delete from forge.open_dependencies as o where o.child = any(v_gone) and o.parent = o.child;
        perform forge._spread(v_gone, 'GONE', _forget_flows.at);
    end if;
    return query values
        ('dependencies_dropped', v_count), ('parents_gone', coalesce(cardinality(v_gone), 0)::bigint);
end;
$function$;
comment on function forge._forget_flows(timestamptz, integer) is
'Removes the edges of jobs that are no longer on record, and cancels those that wait for such ones; a bounded
part of each walk. Internal.';
