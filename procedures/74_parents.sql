-- Flows, read: what a job waits for or has waited for, and what came of it.
--
-- Bounded looks at indexes. Locks: none. Raises: JQ001. Called by: handlers that go on from the results of
-- others, and explain.

create or replace function forge.parents(
    id bigint,
    after bigint default 0,
    max_rows integer default 1000
)
returns setof forge.parent_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    if (parents.max_rows between 1 and 10000) is not true then
        perform forge._invalid('max_rows', parents.max_rows::text, 'use 1 to 10000');
    end if;
    return query
    with page as materialized (
        select d.parent
        from forge.dependencies as d
        where d.child = parents.id and d.parent > parents.after
        order by d.parent
        limit parents.max_rows
    )
    select p.parent, a.type, a.status, a.result, a.errors -> -1 ->> 'error'
    from page as p
    left join lateral (select j.* from forge.all_jobs as j where j.id = p.parent limit 1) as a on true
    order by p.parent;
end;
$function$;
comment on function forge.parents(bigint, bigint, integer) is
'The jobs that a job depends on, with what came of them: for a handler that goes on from their results.

Parameters:
  id        of the child, or of the callback of a batch
  after     only ids above this one: the last id of the page before; default from the first
  max_rows  1 to 10000; default 1000
Returns: one row a parent, by id: id, type, status, result, error (its last one; also of one that was then
completed). All but the id are null where its queue keeps no history, or the retention is over.
Raises: JQ001.
Example: select id, status, result from forge.parents(1);';

create or replace function forge.children(
    id bigint,
    after bigint default 0,
    max_rows integer default 1000
)
returns setof forge.child_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
begin
    if (children.max_rows between 1 and 10000) is not true then
        perform forge._invalid('max_rows', children.max_rows::text, 'use 1 to 10000');
    end if;
    return query
    with page as materialized (
        select d.child
        from forge.dependencies as d
        where d.parent = children.id and d.child > children.after
        order by d.child
        limit children.max_rows
    )
    select p.child, a.queue, a.type, a.status, a.on_parent_failure, a.errors -> -1 ->> 'error'
    from page as p
    left join lateral (select j.* from forge.all_jobs as j where j.id = p.child limit 1) as a on true
    order by p.child;
end;
$function$;
comment on function forge.children(bigint, bigint, integer) is
'The jobs that depend on a job, or did: with parents, the graph around it.

Parameters:
  id        of the parent, or of a job of a batch, whose child is the callback
  after     only ids above this one: the last id of the page before; default from the first
  max_rows  1 to 10000; default 1000
Returns: one row a child, by id: id, queue, type, status, on_parent_failure (null: wait), error (its last
one).
Raises: JQ001.
Example: select id, type, status from forge.children(1);';

create or replace function forge._explain_flows(
    job forge.jobs
)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_parents jsonb;
    v_failed jsonb;
    v_open bigint;
begin
    if job.status <> 'WAITING' then
        return;
    end if;
    perform from forge.open_dependencies as o where o.child = job.id and o.parent = job.id;
    if found then
        return next (
            'batch_open', 'its batch is open: close_batch says that no more jobs come',
            jsonb_build_object('batch', job.id)
        )::forge.reason;
    end if;

    select count(*) into v_open
    from (
        select
        from forge.open_dependencies as o
        where o.child = job.id and o.parent not in (0, job.id)
        limit 1000
    ) as c;
    select
        jsonb_agg(p.parent order by p.id),
        jsonb_agg(p.parent order by p.id) filter (where p.status in ('DEAD', 'CANCELLED'))
    into v_parents, v_failed
    from (
        select
            o.parent as id, a.status,
            jsonb_build_object('id', o.parent, 'type', a.type, 'status', a.status) as parent
        from (
            select e.parent
            from forge.open_dependencies as e
            where e.child = job.id and e.parent not in (0, job.id)
            order by e.parent
            limit 10
        ) as o
        left join lateral (
            select j.type, j.status from forge.all_jobs as j where j.id = o.parent limit 1
        ) as a on true
    ) as p;
    if v_failed is not null and (job.extra).on_parent_failure is distinct from 'run' then
        return next (
            'parent_failed',
            format(
                'job %s is %s; it waits until that has been retried and completed',
                v_failed -> 0 ->> 'id', v_failed -> 0 ->> 'status'
            ),
            jsonb_build_object('parents', v_failed)
        )::forge.reason;
    end if;
    if v_open > 0 then
        return next (
            'waits_for_jobs',
            format(
                'it waits for %s%s: %s%s',
                case when v_open >= 1000 then 'at least ' end,
                case when v_open = 1 then 'a job' else v_open || ' jobs' end,
                (
                    select string_agg(
                        format('%s (%s, %s)', p.parent ->> 'id', p.parent ->> 'type', p.parent ->> 'status'),
                        ', ' order by p.ordinality
                    )
                    from jsonb_array_elements(v_parents) with ordinality as p (parent, ordinality)
                ),
                case when v_open > 10 then ', …' end
            ),
            jsonb_build_object('jobs', v_open, 'capped', v_open >= 1000, 'parents', v_parents)
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_flows(forge.jobs) is
'Which jobs a job waits for: the first ten of them, and how many there are, up to a thousand. Internal.';
