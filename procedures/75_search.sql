-- The search behind lists and counts: by descending id, stretch by stretch, and never for long.
--
-- A filter that few jobs match would walk over all of them. So a search stops after so many jobs, or when its
-- time is up, and says where: the next page goes on from there. Where an index knows all jobs that can match,
-- and they are not many, these are looked at instead, and nothing is left to go on with. Locks: none.

create or replace function forge._walk(
    filter forge.job_filter,
    places text,
    before bigint,
    size integer
)
returns forge.stretch
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
declare
    v_stretch forge.stretch;
begin
    select
        coalesce(array_agg(w.id order by w.id desc) filter (where w.is_meant), '{}'),
        count(*),
        min(w.id),
        (array_agg(w.created_at order by w.id))[1]
    into v_stretch
    from (
        select a.id, a.created_at, a.is_meant
        from (
            select
                j.id,
                j.created_at,
                forge._matches(
                    filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                    null, j.errors, j.payload
                ) as is_meant,
                'l' as place
            from forge.jobs as j
            union all
            select
                h.id,
                h.created_at,
                forge._matches(
                    filter, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at,
                    h.finished_at, h.tags, h.fingerprint, h.errors, h.payload
                ),
                'h'
            from forge.history as h
            union all
            select
                d.id,
                d.created_at,
                forge._matches(
                    filter, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at,
                    d.finished_at, d.tags, d.fingerprint, d.errors, d.payload
                ),
                'd'
            from forge.dead_jobs as d
        ) as a
        -- Out here, as otherwise the planner sees no order in what it is to merge.
        where a.id < _walk.before and strpos(_walk.places, a.place) > 0
        order by a.id desc
        limit _walk.size
    ) as w;
    return v_stretch;
end;
$function$;
comment on function forge._walk(forge.job_filter, text, bigint, integer) is
'The next jobs below an id, and which of them match: of the live ones (l), the history (h), the
dead (d). Internal.';

create or replace function forge._walk_dead(
    filter forge.job_filter,
    before bigint,
    size integer
)
returns forge.stretch
language plpgsql stable
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
declare
    v_stretch forge.stretch;
begin
    -- As in _dead_window: with "=" the order of ids is another index's as well, that of all ids.
    select
        coalesce(array_agg(w.id order by w.id desc) filter (where w.is_meant), '{}'),
        count(*),
        min(w.id),
        (array_agg(w.created_at order by w.id))[1]
    into v_stretch
    from (
        (
            select
                d.id,
                d.created_at,
                forge._matches(
                    filter, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at,
                    d.finished_at, d.tags, d.fingerprint, d.errors, d.payload
                ) as is_meant
            from forge.dead_jobs as d
            where filter.fingerprint is not null
                and (d.fingerprint, d.id) < (filter.fingerprint, _walk_dead.before)
                and d.fingerprint >= filter.fingerprint
            order by d.fingerprint desc, d.id desc
            limit _walk_dead.size
        )
        union all
        (
            select
                d.id,
                d.created_at,
                forge._matches(
                    filter, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at,
                    d.finished_at, d.tags, d.fingerprint, d.errors, d.payload
                )
            from forge.dead_jobs as d
            where filter.fingerprint is null
                and (d.queue, d.id) < (filter.queue, _walk_dead.before)
                and d.queue >= filter.queue
            order by d.queue desc, d.id desc
            limit _walk_dead.size
        )
    ) as w;
    return v_stretch;
end;
$function$;
comment on function forge._walk_dead(forge.job_filter, bigint, integer) is
'The next dead jobs of a fingerprint, else of a queue, and which of them match. Internal.';

create or replace function forge._walk_ids(
    filter forge.job_filter,
    places text,
    before bigint,
    size integer
)
returns forge.stretch
language plpgsql stable
set enable_seqscan = off
as $function$
declare
    v_stretch forge.stretch;
begin
    select
        coalesce(array_agg(i.id order by i.id desc) filter (where a.is_meant), '{}'),
        count(*),
        min(i.id),
        (array_agg(a.created_at order by i.id))[1]
    into v_stretch
    from (
        select distinct u.id
        from unnest(filter.ids) as u (id)
        where u.id < _walk_ids.before
        order by u.id desc
        limit _walk_ids.size
    ) as i
    left join lateral (
        select w.created_at, w.is_meant
        from (
            select
                j.created_at,
                forge._matches(
                    filter, j.queue, j.type, j.status, j.priority, j.created_at, j.scheduled_at, null, j.tags,
                    null, j.errors, j.payload
                ) as is_meant
            from forge.jobs as j
            where strpos(_walk_ids.places, 'l') > 0 and j.id = i.id
            union all
            select
                d.created_at,
                forge._matches(
                    filter, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at,
                    d.finished_at, d.tags, d.fingerprint, d.errors, d.payload
                )
            from forge.dead_jobs as d
            where strpos(_walk_ids.places, 'd') > 0 and d.id = i.id
            union all
            select
                h.created_at,
                forge._matches(
                    filter, h.queue, h.type, h.status, h.priority, h.created_at, h.scheduled_at,
                    h.finished_at, h.tags, h.fingerprint, h.errors, h.payload
                )
            from forge.history as h
            where strpos(_walk_ids.places, 'h') > 0 and h.id = i.id
        ) as w
        limit 1
    ) as a on true;
    return v_stretch;
end;
$function$;
comment on function forge._walk_ids(forge.job_filter, text, bigint, integer) is
'The next of the ids that a filter names, and which of them match. Internal.';

create or replace function forge._stretch(
    filter forge.job_filter,
    places text,
    before bigint,
    size integer
)
returns forge.stretch
language plpgsql stable
as $function$
begin
    if filter.ids is not null then
        return forge._walk_ids(filter, _stretch.places, _stretch.before, _stretch.size);
    elsif _stretch.places = 'd' and num_nonnulls(filter.fingerprint, filter.queue) > 0 then
        return forge._walk_dead(filter, _stretch.before, _stretch.size);
    end if;
    return forge._walk(filter, _stretch.places, _stretch.before, _stretch.size);
end;
$function$;
comment on function forge._stretch(forge.job_filter, text, bigint, integer) is
'The next jobs below an id, by the index that serves the filter, and which of them match. Internal.';

create or replace function forge._before_time(
    created_before timestamptz,
    places text,
    before bigint
)
returns bigint
language plpgsql stable
as $function$
declare
    -- Ids are handed out in the order in which jobs are created, but for those whose enqueue was held up.
    -- Ten minutes after the end of all time there is none.
    v_from constant timestamptz := least(_before_time.created_before, '200000-01-01 00:00+00')
        + interval '10 minutes';
    v_low bigint := 0;
    v_high bigint := _before_time.before;
    v_middle bigint;
    v_seen forge.stretch;
begin
    v_seen := forge._walk(null, _before_time.places, v_high, 1);
    if (v_seen.last_at >= v_from) is not true then
        return v_high;
    end if;
    -- What lies from high on was created later; what lies below low may not have been.
    while v_high - v_low > 10 loop
        v_middle := v_low + (v_high - v_low) / 2;
        v_seen := forge._walk(null, _before_time.places, v_middle, 1);
        if v_seen.last_at >= v_from then
            v_high := v_seen.last_id;
        else
            v_low := v_middle;
        end if;
    end loop;
    return v_high;
end;
$function$;
comment on function forge._before_time(timestamptz, text, bigint) is
'An id below which all jobs lie that were created before a time; not far above them. Internal.';

create or replace function forge._search(
    filter forge.job_filter,
    places text,
    before bigint,
    most integer
)
returns forge.found_page
language plpgsql stable
as $function$
declare
    -- What a page may cost: on a slow machine, or with large documents, the time comes first.
    v_looks constant integer := 20000;
    v_until timestamptz;
    v_before bigint := coalesce(_search.before, 9223372036854775807);
    v_size integer := case when _search.most <= 500 then _search.most else 100 end;
    v_looked integer := 0;
    v_all bigint[];
    v_stretch forge.stretch;
    v_page forge.found_page;
begin
    v_page.ids := '{}';
    if filter.created_before is not null and filter.ids is null then
        v_before := forge._before_time(filter.created_before, _search.places, v_before);
    end if;
    v_all := forge._indexed_live(filter);
    while v_all is null loop
        v_stretch := forge._stretch(filter, _search.places, v_before, v_size);
        -- The first stretch is always gone to its end: it may have to make its plan, too.
        v_until := coalesce(v_until, clock_timestamp() + interval '25 milliseconds');
        v_looked := v_looked + v_stretch.looked;
        v_page.ids := v_page.ids || v_stretch.ids;
        if cardinality(v_page.ids) >= _search.most then
            v_page.ids := v_page.ids[: _search.most];
            v_page.next := v_page.ids[_search.most];
            return v_page;
        elsif v_stretch.looked < v_size
            or v_stretch.last_at < filter.created_after - interval '10 minutes'
        then
            return v_page;
        elsif v_looked >= v_looks or clock_timestamp() >= v_until then
            v_page.next := v_stretch.last_id;
            v_page.searched_to := v_stretch.last_at;
            return v_page;
        end if;
        v_before := v_stretch.last_id;
        -- Rare among the newest: the index on payloads, where there is one, may know all.
        if v_looked >= 1000 and v_looked - v_stretch.looked < 1000
            and cardinality(v_page.ids) * 100 < v_looked
        then
            v_all := forge._indexed_payloads(filter, _search.places);
        end if;
        v_size := least(v_size * 2, 2000);
    end loop;

    -- All that match, in whatever order.
    v_page.ids := array(
        select u.id
        from unnest(v_all) as u (id)
        where u.id < coalesce(_search.before, 9223372036854775807)
        order by u.id desc
        limit _search.most
    );
    if cardinality(v_page.ids) = _search.most then
        v_page.next := v_page.ids[_search.most];
    end if;
    return v_page;
end;
$function$;
comment on function forge._search(forge.job_filter, text, bigint, integer) is
'The newest jobs below an id that match, at most so many, and where to go on. Internal.';
