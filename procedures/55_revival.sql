-- Dead jobs by filter: revived, some at once or bit by bit, or discarded. DEAD --retry--> PENDING;
-- DEAD --discard--> DEAD (to the history).
--
-- Locks: rows of forge.dead_jobs, those that somebody else holds are skipped; then index entries of unique
-- keys in the order in which enqueue_many takes them. Raises: JQ001.

create or replace function forge._dead_window(
    filter forge.job_filter,
    after bigint,
    size integer
)
returns bigint[]
language plpgsql stable
as $function$
begin
    -- A statement for each index, and in its own order and bounds, as with "=" the order of ids is another
    -- index's as well: that of all ids, which a plan may take for the nearer way.
    if filter.ids is not null then
        return array(
            select distinct i.id
            from unnest(filter.ids) as i (id)
            where i.id > _dead_window.after
            order by i.id
            limit _dead_window.size
        );
    elsif filter.fingerprint is not null then
        return array(
            select d.id
            from forge.dead_jobs as d
            where (d.fingerprint, d.id) > (filter.fingerprint, _dead_window.after)
                and d.fingerprint <= filter.fingerprint
            order by d.fingerprint, d.id
            limit _dead_window.size
        );
    elsif filter.queue is not null then
        return array(
            select d.id
            from forge.dead_jobs as d
            where (d.queue, d.id) > (filter.queue, _dead_window.after) and d.queue <= filter.queue
            order by d.queue, d.id
            limit _dead_window.size
        );
    end if;
    return array(
        select d.id
        from forge.dead_jobs as d
        where d.id > _dead_window.after
        order by d.id
        limit _dead_window.size
    );
end;
$function$;
comment on function forge._dead_window(forge.job_filter, bigint, integer) is
'The next ids among which a filter has to look, by ascending id. Internal.';

create or replace function forge._dead_matching(
    filter forge.job_filter,
    ids bigint[],
    max_jobs integer,
    free boolean
)
returns bigint[]
language plpgsql stable
as $function$
begin
    -- The rows one by one: a plan that wants the order of ids for nothing would walk over the whole table.
    return array(
        select d.id
        from unnest(_dead_matching.ids) as i (id)
        cross join lateral (
            select r.* from forge.dead_jobs as r where r.id = i.id limit 1
        ) as d
        where forge._matches(
                filter, d.queue, d.type, d.status, d.priority, d.created_at, d.scheduled_at, d.finished_at,
                d.tags, d.fingerprint, d.errors, d.payload
            )
            -- one whose key is taken cannot come back, and must not stand in the way of the others
            and not (
                _dead_matching.free
                and exists (
                    select
                    from forge.jobs as j
                    where j.unique_scope = d.unique_scope and j.unique_key = d.unique_key
                )
            )
        order by d.id
        limit _dead_matching.max_jobs
    );
end;
$function$;
comment on function forge._dead_matching(forge.job_filter, bigint[], integer, boolean) is
'Those of some dead jobs that a filter names, by ascending id; with free only those whose unique_key is not
taken. Internal.';

create or replace function forge._lock_dead(
    filter forge.job_filter,
    after bigint,
    max_jobs integer,
    free boolean,
    lock boolean,
    size integer
)
returns forge.job_batch
language plpgsql volatile
as $function$
declare
    v_window constant bigint[] := forge._dead_window(filter, _lock_dead.after, _lock_dead.size);
    v_found constant bigint[] := forge._dead_matching(
        filter, v_window, _lock_dead.max_jobs, _lock_dead.free
    );
    v_full constant boolean := cardinality(v_found) = _lock_dead.max_jobs;
    v_row forge.job_batch;
begin
    v_row.ids := v_found;
    if _lock_dead.lock then
        v_row.ids := array(
            select d.id
            from forge.dead_jobs as d
            where d.id = any(v_found)
            order by d.id
            for update skip locked
        );
    end if;
    v_row.more := cardinality(v_window) = _lock_dead.size
        or (v_full and v_found[cardinality(v_found)] < v_window[cardinality(v_window)]);
    v_row.after_id := coalesce(
        case when v_full then v_found[cardinality(v_found)] end,
        v_window[cardinality(v_window)],
        _lock_dead.after
    );
    return v_row;
end;
$function$;
comment on function forge._lock_dead(forge.job_filter, bigint, integer, boolean, boolean, integer) is
'The next jobs of a filter, locked if that is wanted, from one window of so many. Internal.';

create or replace function forge._pick_dead(
    filter forge.job_filter,
    max_jobs integer,
    free boolean,
    lock boolean
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_ids bigint[] := array[]::bigint[];
    v_batch forge.job_batch;
begin
    v_batch.after_id := -9223372036854775808;
    loop
        v_batch := forge._lock_dead(
            filter, v_batch.after_id, _pick_dead.max_jobs - cardinality(v_ids), _pick_dead.free,
            _pick_dead.lock, 1000
        );
        v_ids := v_ids || v_batch.ids;
        exit when not v_batch.more or cardinality(v_ids) >= _pick_dead.max_jobs;
    end loop;
    return v_ids;
end;
$function$;
comment on function forge._pick_dead(forge.job_filter, integer, boolean, boolean) is
'The first jobs of a filter, locked if that is wanted, by ascending id. Internal.';

create or replace function forge._revive_dead(
    ids bigint[],
    who text,
    revival bigint,
    at timestamptz
)
returns setof forge.revived
language plpgsql volatile
as $function$
declare
    v_job forge.history;
begin
    for v_job in
        select d.*
        from forge.dead_jobs as d
        where d.id = any(_revive_dead.ids)
        -- By key: in the order of ids it would deadlock with an enqueue_many.
        order by d.unique_scope, d.unique_key, d.id
    loop
        v_job.extra.origin := forge._origin(
            v_job, case when _revive_dead.revival is null then 'retry_dead' else 'revival' end,
            _revive_dead.who, _revive_dead.revival
        );
        continue when not case
            when _revive_dead.revival is null or v_job.unique_key is null
                then forge._revive(v_job, _revive_dead.at)
            else forge._try_revive(v_job, _revive_dead.at)
        end;

        delete from forge.dead_jobs as d where d.id = v_job.id;
        perform forge._left_dead(v_job, _revive_dead.at);
        perform forge._ring(v_job.queue);
        return next (
            v_job.id, v_job.queue, v_job.type, 'DEAD', 'PENDING', _revive_dead.revival
        )::forge.revived;
    end loop;
end;
$function$;
comment on function forge._revive_dead(bigint[], text, bigint, timestamptz) is
'Revives dead jobs, locked by the caller; one whose unique_key is taken stays. Internal.';

create or replace function forge.retry_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    died_before timestamptz default null,
    max_jobs integer default 100,
    fingerprint text default null,
    ids bigint[] default null,
    tag text default null,
    payload jsonb default null,
    rate double precision default null,
    canary integer default null,
    canary_within interval default '10 minutes',
    dry_run boolean default false,
    created_after timestamptz default null,
    created_before timestamptz default null
)
returns setof forge.revived
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_filter constant forge.job_filter := (
        retry_dead.queue, retry_dead.type, retry_dead.tag, null, retry_dead.payload, retry_dead.created_after,
        retry_dead.created_before, null, null, null, retry_dead.ids, retry_dead.died_before,
        retry_dead.error_contains, retry_dead.fingerprint
    );
    v_ids bigint[];
    v_count integer;
begin
    perform forge._check_filter(v_filter);
    perform forge._check_batch_size(retry_dead.max_jobs);
    perform forge._check_pace(retry_dead.rate, retry_dead.canary, retry_dead.canary_within);
    if retry_dead.dry_run then
        v_ids := forge._pick_dead(v_filter, retry_dead.max_jobs, true, false);
        return query
        select d.id, d.queue, d.type, 'DEAD', 'PENDING', null::bigint
        from forge.dead_jobs as d
        where d.id = any(v_ids)
        order by d.id;
        return;
    end if;

    if num_nonnulls(retry_dead.rate, retry_dead.canary) > 0 then
        return query
        select r.*
        from forge._start_revival(
            v_filter, retry_dead.max_jobs, retry_dead.rate, retry_dead.canary, retry_dead.canary_within, v_now
        ) as r;
    else
        return query
        select r.*
        from forge._revive_dead(
            forge._pick_dead(v_filter, retry_dead.max_jobs, true, true), session_user::text, null, v_now
        ) as r;
    end if;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform forge._announce('dead');
    end if;
end;
$function$;
comment on function forge.retry_dead(
    text, text, text, timestamptz, integer, text, bigint[], text, jsonb,
    double precision, integer, interval, boolean, timestamptz, timestamptz
) is
'Revives dead jobs that match a filter, oldest first, a bounded number at a time.

Call it again until fewer than max_jobs come back; or give a rate, a canary or both: then this call revives
the first of them and leaves the rest to a revival, which the tick works off, and which list_revivals shows.
It takes in jobs that had died when it began. Jobs whose unique_key is held by a live job stay.

Parameters:
  queue, type     of the jobs; default any
  error_contains  a part of their last error, in any case; default any
  died_before     only those that died before; default any
  max_jobs        how many at once: by this call, or by each step of a revival, which are at most 1,000;
                  1 to 10000; default 100
  fingerprint     of their last error, as dead_groups shows it; default any
  ids             only these, at most 10000; default any
  tag             one of their tags; default any
  payload         only those whose payload contains this (@>); default any
  rate            jobs a second, 0.001 to 1000; default null: as fast as it goes
  canary          revive so many first, 1 to 100, and the others only once all of these are completed. If one
                  fails an attempt, is cancelled or is not completed in time, the others stay and the revival
                  is STOPPED with the reason; default null: none
  canary_within   how long the canary may take, 1 second to 7 days; default 10 minutes
  dry_run         true: change nothing, return what would be revived, up to max_jobs
  created_after, created_before
                  only those created then or later, or before; default any
Returns: one row a revived job: id, queue, type, from_status, to_status, revival (its id, where there is one).
Raises: JQ001, JQ005.
Example: select count(*) from forge.retry_dead(queue => ''default'', rate => 50, canary => 5);';

create or replace function forge.discard_dead(
    queue text default null,
    type text default null,
    error_contains text default null,
    died_before timestamptz default null,
    max_jobs integer default 100,
    fingerprint text default null,
    ids bigint[] default null,
    tag text default null,
    payload jsonb default null,
    dry_run boolean default false,
    created_after timestamptz default null,
    created_before timestamptz default null
)
returns setof forge.change
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_filter constant forge.job_filter := (
        discard_dead.queue, discard_dead.type, discard_dead.tag, null, discard_dead.payload,
        discard_dead.created_after, discard_dead.created_before, null, null, null, discard_dead.ids,
        discard_dead.died_before, discard_dead.error_contains, discard_dead.fingerprint
    );
    v_ids bigint[];
    v_job forge.history;
begin
    perform forge._check_filter(v_filter);
    perform forge._check_batch_size(discard_dead.max_jobs);
    v_ids := forge._pick_dead(v_filter, discard_dead.max_jobs, false, not discard_dead.dry_run);
    for v_job in select d.* from forge.dead_jobs as d where d.id = any(v_ids) order by d.id loop
        if not discard_dead.dry_run then
            perform forge._discard(v_job, v_now);
        end if;
        return next (v_job.id, v_job.queue, v_job.type, 'DEAD', 'DEAD')::forge.change;
    end loop;
    if cardinality(v_ids) > 0 and not discard_dead.dry_run then
        perform forge._announce('dead');
    end if;
end;
$function$;
comment on function forge.discard_dead(
    text, text, text, timestamptz, integer, text, bigint[], text, jsonb, boolean, timestamptz, timestamptz
) is
'Takes dead jobs that match a filter out of the dead-letter queue for good, a bounded number at a time.

The history keeps them for its retention, and retry can bring each back. Call it again until fewer than
max_jobs come back.

Parameters:
  queue, type, error_contains, died_before, fingerprint, ids, tag, payload, created_after, created_before
            which, as in retry_dead; default any
  max_jobs  1 to 10000; default 100
  dry_run   true: change nothing, return what would be discarded
Returns: one row a job: id, queue, type, from_status, to_status (DEAD, in the history).
Raises: JQ001, JQ005.
Example: select count(*) from forge.discard_dead(error_contains => ''no such user'', dry_run => true);';
