-- Lists of jobs by filter, newest first, page by page; and how many there are, up to 10,000.
--
-- A page may end before it is full, where few jobs match: search_jobs and search_dead say where, and lists go
-- on from there. Locks: none. Raises: JQ001, JQ005.

create or replace function forge._places(status text)
returns text
language sql immutable
as $function$
    select case
        when $1 is null then 'lhd'
        when $1 in ('WAITING', 'PENDING', 'PROCESSING') then 'l'
        when $1 = 'DEAD' then 'hd'      -- those that were discarded are in the history
        else 'h'
    end;
$function$;
comment on function forge._places(text) is
'Where jobs of a status are: among the live ones (l), in the history (h), among the dead (d). Internal.';

create or replace function forge.search_jobs(
    queue text default null,
    type text default null,
    status text default null,
    before bigint default null,
    max_rows integer default 50,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload_contains jsonb default null,
    ids bigint[] default null
)
returns forge.found_page
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $function$
declare
    v_filter constant forge.job_filter := (
        search_jobs.queue, search_jobs.type, search_jobs.tag, search_jobs.status,
        search_jobs.payload_contains, search_jobs.created_after, search_jobs.created_before, null, null, null,
        search_jobs.ids, null, null, null
    );
begin
    perform forge._check_page(search_jobs.max_rows);
    perform forge._check_filter(v_filter);
    return forge._search(v_filter, forge._places(v_filter.status), search_jobs.before, search_jobs.max_rows);
end;
$function$;
comment on function forge.search_jobs(
    text, text, text, bigint, integer, text, timestamptz, timestamptz, jsonb, bigint[]
) is
'One page of list_jobs as ids, and where to go on.

A page stops early, where it would take too long to fill it: after 20,000 jobs that do not match, or some 25
milliseconds. What runs, and what waits in a queue that is named, is found at once if it is no more than
10,000 jobs; and so is a rare payload, where index_payloads has indexed all places where the status can be.

Parameters:
  queue, type, status, before, max_rows, tag, created_after, created_before, payload_contains, ids
            as in list_jobs
Returns: ids (by descending id), next (the before of the next page; null: there is no more), searched_to (null
unless the page stopped early: when the last job that it looked at was created).
Raises: JQ001, JQ005.
Example: select * from forge.search_jobs(payload_contains => ''{"to": "a@b.c"}'');';

create or replace function forge.list_jobs(
    queue text default null,
    type text default null,
    status text default null,
    before bigint default null,
    max_rows integer default 50,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload_contains jsonb default null,
    ids bigint[] default null
)
returns setof forge.all_jobs
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_page constant forge.found_page := forge.search_jobs(
        list_jobs.queue, list_jobs.type, list_jobs.status, list_jobs.before, list_jobs.max_rows,
        list_jobs.tag, list_jobs.created_after, list_jobs.created_before, list_jobs.payload_contains,
        list_jobs.ids
    );
begin
    if v_page.searched_to is not null then
        raise notice 'searched down to %; go on with before => %', v_page.searched_to, v_page.next;
    end if;
    -- The page first, then its rows: a plan that sorts would work out every row that it sorts.
    return query
    select a.*
    from unnest(v_page.ids) as p (id)
    join forge.all_jobs as a on a.id = p.id
    order by a.id desc;
end;
$function$;
comment on function forge.list_jobs(
    text, text, text, bigint, integer, text, timestamptz, timestamptz, jsonb, bigint[]
) is
'Jobs, newest first, live and finished.

A page may have fewer rows than max_rows, or none, and there may be more: where few jobs match, it stops
early. A notice says so, and search_jobs tells programs where to go on.

Parameters:
  queue, type, status, tag
            only these; default any
  before    only ids below this one: the last id of the page before; default from the newest
  max_rows  1 to 500; default 50
  created_after, created_before
            only those created then or later, or before; a job is not found whose enqueue was held up for more
            than 10 minutes between taking the time and taking its id; default any
  payload_contains
            what their payload contains, as @> has it: an object or an array; default anything
  ids       only these, at most 10000; default any
Returns: rows of forge.all_jobs by descending id.
Raises: JQ001, JQ005.
Example: select id, type, status from forge.list_jobs(status => ''PENDING'');';

create or replace function forge.count_jobs(
    queue text default null,
    type text default null,
    status text default null,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload_contains jsonb default null,
    ids bigint[] default null
)
returns forge.bounded_count
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $function$
declare
    v_filter constant forge.job_filter := (
        count_jobs.queue, count_jobs.type, count_jobs.tag, count_jobs.status, count_jobs.payload_contains,
        count_jobs.created_after, count_jobs.created_before, null, null, null, count_jobs.ids, null, null,
        null
    );
    v_page forge.found_page;
begin
    perform forge._check_filter(v_filter);
    v_page := forge._search(v_filter, forge._places(v_filter.status), null, 10000);
    return (cardinality(v_page.ids), v_page.next is not null)::forge.bounded_count;
end;
$function$;
comment on function forge.count_jobs(
    text, text, text, text, timestamptz, timestamptz, jsonb, bigint[]
) is
'How many jobs match a filter: counted up to 10,000, and no longer than a page of list_jobs takes.

Parameters:
  queue, type, status, tag, created_after, created_before, payload_contains, ids
            as in list_jobs; default any
Returns: count; capped: true where the search stopped before its end, so that there may be more.
Raises: JQ001, JQ005.
Example: select * from forge.count_jobs(status => ''PENDING'');';

create or replace function forge.search_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    before bigint default null,
    max_rows integer default 50,
    fingerprint text default null,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload jsonb default null,
    ids bigint[] default null,
    died_before timestamptz default null
)
returns forge.found_page
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $function$
declare
    v_filter constant forge.job_filter := (
        search_dead.queue, search_dead.type, search_dead.tag, null, search_dead.payload,
        search_dead.created_after, search_dead.created_before, null, null, null, search_dead.ids,
        search_dead.died_before, search_dead.error_contains, search_dead.fingerprint
    );
begin
    perform forge._check_page(search_dead.max_rows);
    perform forge._check_filter(v_filter);
    return forge._search(v_filter, 'd', search_dead.before, search_dead.max_rows);
end;
$function$;
comment on function forge.search_dead(
    text, text, text, bigint, integer, text, text, timestamptz, timestamptz, jsonb, bigint[], timestamptz
) is
'One page of list_dead as ids, and where to go on.

It stops early as search_jobs does; a fingerprint, or else a queue, is walked in its own index.

Parameters:
  queue, type, error_contains, before, max_rows, fingerprint, tag, created_after, created_before, payload,
  ids, died_before
            as in list_dead
Returns: ids (by descending id), next (the before of the next page; null: there is no more), searched_to (null
unless the page stopped early: when the last job that it looked at was created).
Raises: JQ001, JQ005.
Example: select * from forge.search_dead(error_contains => ''timeout'');';

create or replace function forge.list_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    before bigint default null,
    max_rows integer default 50,
    fingerprint text default null,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload jsonb default null,
    ids bigint[] default null,
    died_before timestamptz default null
)
returns setof forge.all_jobs
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    v_page constant forge.found_page := forge.search_dead(
        list_dead.queue, list_dead.type, list_dead.error_contains, list_dead.before, list_dead.max_rows,
        list_dead.fingerprint, list_dead.tag, list_dead.created_after, list_dead.created_before,
        list_dead.payload, list_dead.ids, list_dead.died_before
    );
begin
    if v_page.searched_to is not null then
        raise notice 'searched down to %; go on with before => %', v_page.searched_to, v_page.next;
    end if;
    return query
    select a.*
    from unnest(v_page.ids) as p (id)
    join forge.all_jobs as a on a.id = p.id
    order by a.id desc;
end;
$function$;
comment on function forge.list_dead(
    text, text, text, bigint, integer, text, text, timestamptz, timestamptz, jsonb, bigint[], timestamptz
) is
'The dead-letter queue, newest job first.

A page may have fewer rows than max_rows, and there may be more, as with list_jobs; search_dead tells.

Parameters:
  queue, type     only these; default any
  error_contains  a part of the last error, in any case; default any
  before          only ids below this one; default from the newest
  max_rows        1 to 500; default 50
  fingerprint     of the last error, as dead_groups shows it; default any
  tag             one that they have; default any
  created_after, created_before
                  only those created then or later, or before, as in list_jobs; default any
  payload         what their payload contains, as @> has it: an object or an array; default anything
  ids             only these, at most 10000; default any
  died_before     only those that died before; default any
Returns: rows of forge.all_jobs by descending id.
Raises: JQ001, JQ005.
Example: select id, type, errors -> -1 ->> ''error'' from forge.list_dead();';

create or replace function forge.count_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    fingerprint text default null,
    tag text default null,
    created_after timestamptz default null,
    created_before timestamptz default null,
    payload jsonb default null,
    ids bigint[] default null,
    died_before timestamptz default null
)
returns forge.bounded_count
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $function$
declare
    v_filter constant forge.job_filter := (
        count_dead.queue, count_dead.type, count_dead.tag, null, count_dead.payload, count_dead.created_after,
        count_dead.created_before, null, null, null, count_dead.ids, count_dead.died_before,
        count_dead.error_contains, count_dead.fingerprint
    );
    v_page forge.found_page;
begin
    perform forge._check_filter(v_filter);
    v_page := forge._search(v_filter, 'd', null, 10000);
    return (cardinality(v_page.ids), v_page.next is not null)::forge.bounded_count;
end;
$function$;
comment on function forge.count_dead(
    text, text, text, text, text, timestamptz, timestamptz, jsonb, bigint[], timestamptz
) is
'How many dead jobs match a filter: counted up to 10,000, and no longer than a page of list_dead takes.

Parameters:
  queue, type, error_contains, fingerprint, tag, created_after, created_before, payload, ids, died_before
            as in list_dead; default any
Returns: count; capped: true where the search stopped before its end, so that there may be more.
Raises: JQ001, JQ005.
Example: select * from forge.count_dead(queue => ''default'');';
