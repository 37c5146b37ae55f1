-- Searches that an index answers whole: what runs or waits in a queue, and payloads where they are indexed.
--
-- Each looks at 10,000 jobs at most, and gives up if there are more: then these are no rare ones, and a walk
-- finds them. Locks: none. Called by: _search.

create or replace function forge._indexed_live(
    filter forge.job_filter
)
returns bigint[]
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
as $function$
declare
    v_most constant integer := 10000;
    v_from timestamptz;
    v_looked integer;
    v_ids bigint[];
begin
    if filter.ids is not null then
        return null;
    elsif filter.status = 'PROCESSING' then
        v_from := forge._leases_from();
        select count(*), coalesce(array_agg(w.id) filter (where w.is_meant), '{}') into v_looked, v_ids
        from (
            select
                j.id,
                forge._matches(
                    filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                    null, j.errors, j.payload
                ) as is_meant
            from forge.jobs as j
            where j.status = 'PROCESSING' and j.lease_expires_at >= v_from
            limit v_most + 1
        ) as w;
    elsif filter.status in ('WAITING', 'PENDING') and filter.queue is not null then
        select count(*), coalesce(array_agg(w.id) filter (where w.is_meant), '{}') into v_looked, v_ids
        from (
            select
                j.id,
                forge._matches(
                    filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                    null, j.errors, j.payload
                ) as is_meant
            from (
                select a.*
                from forge.jobs as a
                where a.aside and a.queue = filter.queue and a.status = filter.status
                union all
                select r.*
                from forge.jobs as r
                where filter.status = 'PENDING'
                    and r.status = 'PENDING' and r.concurrency_key is null and r.queue = filter.queue
            ) as j
            limit v_most + 1
        ) as w;
    else
        return null;
    end if;
    return case when v_looked <= v_most then v_ids end;
end;
$function$;
comment on function forge._indexed_live(forge.job_filter) is
'All running jobs that match, or all that wait in one queue; null where no index knows, or there are
many. Internal.';

create or replace function forge._has_payload_index(places text)
returns boolean
language sql stable
as $function$
    select count(*) = pg_catalog.length($1)
    from pg_catalog.pg_index as i
    where i.indisvalid
        and (
            (pg_catalog.strpos($1, 'l') > 0
                and i.indexrelid = pg_catalog.to_regclass('forge.job_payload_idx'))
            or (pg_catalog.strpos($1, 'h') > 0
                and i.indexrelid = pg_catalog.to_regclass('forge.history_payload_idx'))
            or (pg_catalog.strpos($1, 'd') > 0
                and i.indexrelid = pg_catalog.to_regclass('forge.dead_job_payload_idx'))
        );
$function$;
comment on function forge._has_payload_index(text) is
'Whether each of these places has the index that index_payloads makes. Internal.';

create or replace function forge._seems_rare(
    payload jsonb,
    places text,
    most integer
)
returns boolean
language plpgsql stable
as $function$
declare
    v_blocks constant double precision := (
        select sum(pg_relation_size(t.relid)) / current_setting('block_size')::integer
        from (
            select 'forge.jobs'::regclass as relid where strpos(_seems_rare.places, 'l') > 0
            union all
            select 'forge.dead_jobs'::regclass where strpos(_seems_rare.places, 'd') > 0
            union all
            select p.relid
            from pg_partition_tree('forge.history') as p
            where p.isleaf and strpos(_seems_rare.places, 'h') > 0
        ) as t
    );
    -- About forty blocks, a thousand jobs.
    v_percent constant real := least(100, 4000 / greatest(v_blocks, 1));
begin
    return (
        select count(*) * 100 / v_percent
        from (
            select j.payload from forge.jobs as j tablesample system (v_percent) repeatable (0)
            where strpos(_seems_rare.places, 'l') > 0
            union all
            select d.payload from forge.dead_jobs as d tablesample system (v_percent) repeatable (0)
            where strpos(_seems_rare.places, 'd') > 0
            union all
            select h.payload from forge.history as h tablesample system (v_percent) repeatable (0)
            where strpos(_seems_rare.places, 'h') > 0
        ) as s
        where s.payload @> _seems_rare.payload
    ) <= _seems_rare.most;
end;
$function$;
comment on function forge._seems_rare(jsonb, text, integer) is
'Whether no more jobs than so many seem to contain this, by a sample: an index reads all of them before it
returns the first. Internal.';

create or replace function forge._indexed_payloads(
    filter forge.job_filter,
    places text
)
returns bigint[]
language plpgsql stable
set enable_seqscan = off
set enable_indexscan = off
as $function$
declare
    v_most constant integer := 10000;
    v_looked integer;
    v_ids bigint[];
    v_rest forge.job_filter := filter;
begin
    if filter.payload_contains is null
        or filter.payload_contains in ('{}', '[]')      -- all contain that
        or filter.ids is not null
        or not forge._has_payload_index(_indexed_payloads.places)
        or not forge._seems_rare(filter.payload_contains, _indexed_payloads.places, v_most)
    then
        return null;
    end if;
    v_rest.payload_contains := null;
    select count(*), coalesce(array_agg(w.id) filter (where w.is_meant), '{}') into v_looked, v_ids
    from (
        select
            j.id,
            forge._matches(
                v_rest, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                null, j.errors, j.payload
            ) as is_meant
        from forge.jobs as j
        where strpos(_indexed_payloads.places, 'l') > 0 and j.payload @> filter.payload_contains
        union all
        select
            h.id,
            forge._matches(
                v_rest, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at, h.finished_at,
                h.tags, h.fingerprint, h.errors, h.payload
            )
        from forge.history as h
        where strpos(_indexed_payloads.places, 'h') > 0 and h.payload @> filter.payload_contains
        union all
        select
            d.id,
            forge._matches(
                v_rest, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at, d.finished_at,
                d.tags, d.fingerprint, d.errors, d.payload
            )
        from forge.dead_jobs as d
        where strpos(_indexed_payloads.places, 'd') > 0 and d.payload @> filter.payload_contains
        limit v_most + 1
    ) as w;
    return case when v_looked <= v_most then v_ids end;
end;
$function$;
comment on function forge._indexed_payloads(forge.job_filter, text) is
'All jobs whose payload contains what a filter asks for, and that match; null where no index knows, or there
are many. Internal.';
