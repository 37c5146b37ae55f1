-- The dead-letter queue by error: groups of jobs that died of the same.
--
-- Whoever buries a job, or takes one out, appends a tally and waits for nobody; the tick adds them up.
-- Locks: rows of forge.error_groups, which only the tick writes. Raises: JQ001.

create or replace function forge._left_dead(
    job forge.history,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    if job.fingerprint is not null then
        insert into forge.dead_tallies (at, queue, type, fingerprint, jobs)
        values (_left_dead.at, job.queue, job.type, job.fingerprint, -1);
    end if;
end;
$function$;
comment on function forge._left_dead(forge.history, timestamptz) is
'Tells the groups that a job is in the dead-letter queue no more. Internal.';

create or replace function forge._drop_dead(
    ids bigint[],
    at timestamptz
)
returns bigint
language plpgsql volatile
as $function$
declare
    v_count bigint;
begin
    with gone as (
        delete from forge.dead_jobs as d
        where d.id = any(_drop_dead.ids)
        returning d.queue, d.type, d.fingerprint
    ),
    told as (
        insert into forge.dead_tallies (at, queue, type, fingerprint, jobs)
        select _drop_dead.at, g.queue, g.type, g.fingerprint, -count(*)
        from gone as g
        where g.fingerprint is not null
        group by g.queue, g.type, g.fingerprint
    )
    select count(*) into v_count from gone;
    return v_count;
end;
$function$;
comment on function forge._drop_dead(bigint[], timestamptz) is
'Deletes dead jobs without a trace; returns how many. Internal.';

create or replace function forge._add_dead_tallies()
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_count bigint;
begin
    with taken as (
        delete from forge.dead_tallies as t
        returning t.at, t.queue, t.type, t.fingerprint, t.jobs
    ),
    added as (
        insert into forge.error_groups as g (queue, type, fingerprint, jobs, first_seen_at, last_seen_at)
        select
            t.queue, t.type, t.fingerprint, sum(t.jobs),
            coalesce(min(t.at) filter (where t.jobs > 0), min(t.at)),
            -- what left says nothing of when the last one came
            coalesce(max(t.at) filter (where t.jobs > 0), '-infinity')
        from taken as t
        group by t.queue, t.type, t.fingerprint
        order by t.queue, t.type, t.fingerprint
        on conflict on constraint error_groups_pkey do update
        set jobs = g.jobs + excluded.jobs,
            last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at)
    )
    select count(*) into v_count from taken;
    if v_count > 0 then
        delete from forge.error_groups as g where g.jobs <= 0;
    end if;
    return query values ('dead_groups', v_count);
end;
$function$;
comment on function forge._add_dead_tallies() is
'Adds up what died and what left since the last time; groups without jobs go. Internal.';

create or replace function forge.dead_groups(
    queue text default null,
    type text default null,
    max_rows integer default 50
)
returns setof forge.dead_group
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
begin
    perform forge._check_page(dead_groups.max_rows, dead_groups.queue, dead_groups.type);
    return query
    with fresh as materialized (      -- not added up yet: about a second's worth
        select
            t.queue, t.type, t.fingerprint, sum(t.jobs) as jobs,
            min(t.at) filter (where t.jobs > 0) as first_seen_at,
            max(t.at) filter (where t.jobs > 0) as last_seen_at
        from forge.dead_tallies as t
        where (dead_groups.queue is null or t.queue = dead_groups.queue)
            and (dead_groups.type is null or t.type = dead_groups.type)
        group by t.queue, t.type, t.fingerprint
    ),
    newest as materialized (
        select g.*
        from forge.error_groups as g
        where (dead_groups.queue is null or g.queue = dead_groups.queue)
            and (dead_groups.type is null or g.type = dead_groups.type)
        order by g.last_seen_at desc
        limit dead_groups.max_rows
    ),
    summed as materialized (
        select
            s.queue, s.type, s.fingerprint, sum(s.jobs)::bigint as jobs,
            min(s.first_seen_at) as first_seen_at, max(s.last_seen_at) as last_seen_at
        from (
            select f.* from fresh as f
            union all
            select u.*
            from (
                select n.* from newest as n
                union      -- an old group that has news
                select g.*
                from fresh as f
                join forge.error_groups as g
                    on g.queue = f.queue and g.type = f.type and g.fingerprint = f.fingerprint
            ) as u
        ) as s
        group by s.queue, s.type, s.fingerprint
        having sum(s.jobs) > 0
        order by max(s.last_seen_at) desc, s.queue, s.type, s.fingerprint
        limit dead_groups.max_rows
    )
    select
        s.fingerprint,
        (forge.fingerprint(d.error ->> 'error_type', d.error ->> 'error')).title,
        s.queue, s.type, s.jobs, s.first_seen_at, s.last_seen_at, d.id, d.error ->> 'error'
    from summed as s
    left join lateral (
        select j.id, j.errors -> -1 as error
        from forge.dead_jobs as j
        where j.queue = s.queue and j.type = s.type and j.fingerprint = s.fingerprint
        order by j.id desc
        limit 1
    ) as d on true
    order by s.last_seen_at desc, s.queue, s.type, s.fingerprint;
end;
$function$;
comment on function forge.dead_groups(text, text, integer) is
'The dead-letter queue by error: jobs of one queue and type that died of the same, the latest group first.

Parameters:
  queue, type  only these; default any
  max_rows     1 to 500; default 50
Returns: one row a group: fingerprint and title as forge.fingerprint says, queue, type, jobs (how many are
dead now), first_seen_at (since a tick last found the group empty), last_seen_at, and of the newest of the
jobs sample_id and sample_error (its last error).
Raises: JQ001.
Example: select jobs, type, title from forge.dead_groups(max_rows => 10);';
