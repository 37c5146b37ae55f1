-- Flows in one call: the jobs of enqueue_many may have handles and depend on each other by them.
--
-- First all jobs are added as if they were alone, by the way that is right for them: many in one statement,
-- or one by one in the order of unique keys. Then, when every handle has its id, they are tied together:
-- nobody sees them before the commit. Locks: as enqueue_many. Raises: JQ001, JQ003, JQ004, JQ005.

create or replace function forge._flow_keys()
returns text[]
language sql immutable parallel safe
as $function$
    select array['handle', 'depends_on', 'on_parent_failure', 'batch'];
$function$;
comment on function forge._flow_keys() is
'What a job of enqueue_many says of others. Internal.';

create or replace function forge._has_flows(jobs jsonb)
returns boolean
language sql immutable parallel safe
as $function$
    select exists (select from jsonb_array_elements($1) as e (job) where e.job ?| forge._flow_keys());
$function$;
comment on function forge._has_flows(jsonb) is
'Whether some of the jobs of enqueue_many say something of others. Internal.';

create or replace function forge._parents_named(job jsonb)
returns jsonb
language sql immutable parallel safe
as $function$
    select case jsonb_typeof($1 -> 'depends_on') when 'array' then $1 -> 'depends_on' else '[]' end;
$function$;
comment on function forge._parents_named(jsonb) is
'What a job of enqueue_many depends on: an array of ids and handles. Internal.';

create or replace function forge._check_flows(jobs jsonb)
returns void
language plpgsql volatile
as $function$
declare
    v_wrong record;
begin
    select h.handle into v_wrong
    from (
        select e.job ->> 'handle' as handle, count(*) as jobs
        from jsonb_array_elements(_check_flows.jobs) as e (job)
        group by e.job ->> 'handle'
    ) as h
    where h.handle is not null and (h.jobs > 1 or forge._is_name(h.handle) is not true)
    limit 1;
    if found then
        perform forge._invalid(
            'handle', v_wrong.handle, 'use 1 to 200 characters, and each handle for one job of the call'
        );
    end if;

    perform forge._check_depends(null, e.policy)
    from (
        select distinct d.job ->> 'on_parent_failure' as policy
        from jsonb_array_elements(_check_flows.jobs) as d (job)
    ) as e;

    select p.parent::text as parent, jsonb_array_length(n.named) as parents into v_wrong
    from jsonb_array_elements(_check_flows.jobs) as e (job)
    cross join lateral (select forge._parents_named(e.job) as named) as n
    cross join lateral jsonb_array_elements(n.named) as p (parent)
    left join (
        select d.job -> 'handle' as handle from jsonb_array_elements(_check_flows.jobs) as d (job)
    ) as h on h.handle = p.parent
    where jsonb_array_length(n.named) > 10000
        or case jsonb_typeof(p.parent)
            when 'string' then h.handle is null
            when 'number' then p.parent::text !~ '^[1-9]\d{0,17}\Z'
            else true
        end
    limit 1;
    if found then
        perform forge._invalid(
            'depends_on', v_wrong.parent,
            'use ids of jobs and handles of jobs of this call, at most 10000; more go into a batch'
        );
    end if;
end;
$function$;
comment on function forge._check_flows(jsonb) is
'Raises JQ001 for handles and parents that cannot be. Internal.';

create or replace function forge._enqueue_flows(
    jobs jsonb,
    at timestamptz
)
returns setof forge.enqueued
language plpgsql volatile
as $function$
declare
    v_jit constant text := current_setting('jit');
    v_ids bigint[];
    v_created boolean[];
    v_fresh bigint[];
    v_children bigint[];
    v_parents bigint[];
    v_group record;
begin
    perform forge._check_flows(_enqueue_flows.jobs);
    -- Statements over ten thousand jobs look dear enough to be compiled, which costs far more than they do.
    perform set_config('jit', 'off', true);
    select array_agg(m.id order by m.ordinality), array_agg(m.created order by m.ordinality)
    into v_ids, v_created
    from forge.enqueue_many((
        select jsonb_agg(e.job - forge._flow_keys() order by e.ordinality)
        from jsonb_array_elements(_enqueue_flows.jobs) with ordinality as e (job, ordinality)
    )) with ordinality as m (id, created, ordinality);
    v_fresh := array(
        select m.id
        from unnest(v_ids, v_created) with ordinality as m (id, created, ordinality)
        where m.created
        order by m.ordinality
    );

    for v_group in
        select
            e.job ->> 'on_parent_failure' as policy,
            forge._parents_named(e.job) <> '[]' as waits,
            array_agg(e.id) as ids
        from rows from (
            jsonb_array_elements(_enqueue_flows.jobs), unnest(v_ids), unnest(v_created)
        ) as e (job, id, created)
        where e.created and (forge._parents_named(e.job) <> '[]' or e.job ->> 'on_parent_failure' is not null)
        group by 1, 2
    loop
        update forge.jobs as j
        set status = case when v_group.waits then 'WAITING' else j.status end,
            aside = case when v_group.waits then true else j.aside end,
            extra.on_parent_failure = v_group.policy
        where j.id = any(v_group.ids);
        if v_group.waits then
            perform forge._leave_line(j.queue, j.concurrency_key, j.id)
            from forge.jobs as j
            where j.id = any(v_group.ids) and j.concurrency_key is not null;
        end if;
    end loop;

    -- a job that was there before, under its key, keeps the parents that it has
    select
        array_agg(e.id), array_agg(case when h.id is null then (p.parent ->> 0)::bigint else h.id end)
    into v_children, v_parents
    from rows from (
        jsonb_array_elements(_enqueue_flows.jobs), unnest(v_ids), unnest(v_created)
    ) as e (job, id, created)
    cross join lateral jsonb_array_elements(forge._parents_named(e.job)) as n (parent)
    cross join lateral (select jsonb_build_array(n.parent) as parent) as p
    left join (
        select d.job -> 'handle' as handle, d.id
        from rows from (jsonb_array_elements(_enqueue_flows.jobs), unnest(v_ids)) as d (job, id)
    ) as h on h.handle = n.parent
    where e.created;
    if v_children is not null then
        perform forge._refuse_cycles(v_fresh, v_children, v_parents);
        perform forge._depend(v_children, v_parents, v_fresh, _enqueue_flows.at);
    end if;

    for v_group in
        select
            e.job ->> 'batch' as batch,
            array_agg(e.id) as ids,
            array_agg(e.id) filter (where not e.created) as others,
            bool_or(not e.created or forge._parents_named(e.job) <> '[]') as tied
        from rows from (
            jsonb_array_elements(_enqueue_flows.jobs), unnest(v_ids), unnest(v_created)
        ) as e (job, id, created)
        where e.job ->> 'batch' is not null
        group by 1
        order by 1
    loop
        perform forge._join_batch(
            forge._as_id('batch', v_group.batch), v_group.ids, v_group.others, v_group.tied
        );
    end loop;
    perform set_config('jit', v_jit, true);
    return query select u.id, u.created from unnest(v_ids, v_created) as u (id, created);
end;
$function$;
comment on function forge._enqueue_flows(jsonb, timestamptz) is
'Enqueues jobs some of which have a handle, parents or a batch. Internal.';
