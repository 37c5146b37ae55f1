-- Revivals: many dead jobs brought back bit by bit, at a rate, after a canary. The tick works them off.
--
-- CANARY --all completed--> RUNNING --none left--> DONE; CANARY --> STOPPED; both --cancel--> CANCELLED.
-- Each looks at every job of its filter once, by ascending id, so that one that dies again stays dead.
-- Locks: the row of the revival, then as retry_dead; the tick skips what others hold, and waits for a
-- unique_key that nobody has committed yet no longer than a blink. Raises: JQ001.

create or replace function forge._check_pace(
    rate double precision,
    canary integer,
    canary_within interval
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_pace.rate between 0.001 and 1000) is false then
        perform forge._invalid('rate', _check_pace.rate::text, 'use 0.001 to 1000 jobs a second');
    elsif (_check_pace.canary between 1 and 100) is false then
        perform forge._invalid('canary', _check_pace.canary::text, 'use 1 to 100 jobs');
    elsif (_check_pace.canary_within between interval '1 second' and interval '7 days') is not true then
        perform forge._invalid('canary_within', _check_pace.canary_within::text, 'use 1 second to 7 days');
    end if;
end;
$function$;
comment on function forge._check_pace(double precision, integer, interval) is
'Raises JQ001 for a rate or a canary that cannot be. Internal.';

create or replace function forge._try_revive(
    job forge.history,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_before constant text := current_setting('lock_timeout');
    v_done boolean;
begin
    -- Somebody may have enqueued the key and not have committed: the tick has others to serve.
    perform set_config('lock_timeout', '20ms', true);
    v_done := forge._revive(job, _try_revive.at);
    perform set_config('lock_timeout', v_before, true);
    return v_done;
exception
    when lock_not_available then
        return false;
end;
$function$;
comment on function forge._try_revive(forge.history, timestamptz) is
'Revives a job unless its unique_key is taken, or about to be. Internal.';

create or replace function forge._start_revival(
    filter forge.job_filter,
    max_jobs integer,
    rate double precision,
    canary integer,
    canary_within interval,
    at timestamptz
)
returns setof forge.revived
language plpgsql volatile
as $function$
declare
    v_first constant integer := coalesce(
        _start_revival.canary,
        least(_start_revival.max_jobs, 1000, greatest(floor(_start_revival.rate), 1))
    );
    v_revival forge.revivals;
    v_found bigint[];
    v_row forge.revived;
begin
    filter.died_before := least(filter.died_before, _start_revival.at + interval '1 microsecond');
    v_found := forge._pick_dead(filter, v_first, true, true);
    if v_found = '{}' then
        return;
    end if;

    v_revival.id := nextval('forge.revival_id_seq');
    v_revival.canary_ids := '{}';
    for v_row in
        select r.*
        from forge._revive_dead(v_found, session_user::text, v_revival.id, _start_revival.at) as r
    loop
        v_revival.canary_ids := v_revival.canary_ids || v_row.id;
        return next v_row;
    end loop;

    v_revival.status := case
        when _start_revival.canary is not null then 'CANARY'
        when cardinality(v_found) < v_first then 'DONE'
        else 'RUNNING'
    end;
    insert into forge.revivals (
        id, filter, status, rate, max_jobs, canary, canary_ids, canary_until, after_id, revived, kept,
        created_by, created_at, worked_at, finished_at
    )
    values (
        v_revival.id,
        -- not jsonb_strip_nulls, which would take them out of the payload as well
        (
            select jsonb_object_agg(e.key, e.value)
            from jsonb_each(to_jsonb(filter)) as e
            where e.value <> 'null'
        ),
        v_revival.status, _start_revival.rate, _start_revival.max_jobs, _start_revival.canary,
        case when _start_revival.canary is not null then v_revival.canary_ids end,
        case when _start_revival.canary is not null
            then _start_revival.at + _start_revival.canary_within end,
        v_found[cardinality(v_found)],
        cardinality(v_revival.canary_ids),
        cardinality(v_found) - cardinality(v_revival.canary_ids),
        session_user, _start_revival.at, _start_revival.at,
        case when v_revival.status = 'DONE' then _start_revival.at end
    );
end;
$function$;
comment on function forge._start_revival(
    forge.job_filter, integer, double precision, integer, interval, timestamptz
) is
'Revives the first jobs of a filter and leaves the others to a revival; without any there is none. Internal.';

create or replace function forge._judge_canary(
    revival forge.revivals,
    at timestamptz
)
returns forge.revivals
language plpgsql stable
as $function$
declare
    v_done integer;
    v_failed bigint;
begin
    select
        count(*) filter (where s.state = 'done'),
        min(s.id) filter (where s.state = 'failed')
    into v_done, v_failed
    from (
        select
            c.id,
            case
                when j.id is not null and j.errors -> -1 ->> 'revival' = j.revivals::text then 'failed'
                when j.id is not null then 'running'
                when d.id is not null or h.status in ('CANCELLED', 'DEAD') then 'failed'
                else 'done'      -- also where it is nowhere, as its queue keeps no history
            end as state
        from unnest(revival.canary_ids) as c (id)
        left join forge.jobs as j on j.id = c.id
        left join forge.dead_jobs as d on d.id = c.id
        left join lateral (
            select f.status from forge.history as f where f.id = c.id limit 1
        ) as h on true
    ) as s;

    if v_failed is not null then
        revival.status := 'STOPPED';
        revival.reason := format('job %s of the canary failed again or was cancelled', v_failed);
    elsif v_done = cardinality(revival.canary_ids) then
        revival.status := 'RUNNING';
    elsif _judge_canary.at >= revival.canary_until then
        revival.status := 'STOPPED';
        revival.reason := format(
            '%s of the %s jobs of the canary were completed in time', v_done, cardinality(revival.canary_ids)
        );
    end if;
    return revival;
end;
$function$;
comment on function forge._judge_canary(forge.revivals, timestamptz) is
'A revival as its canary has it go on: as it was while the jobs run in time. Internal.';

create or replace function forge._work_off(
    revival forge.revivals,
    max_jobs bigint,
    at timestamptz
)
returns forge.revivals
language plpgsql volatile
as $function$
declare
    v_limit integer := least(revival.max_jobs, _work_off.max_jobs);
    v_batch forge.job_batch;
    v_revived integer;
begin
    if revival.status = 'CANARY' then
        revival := forge._judge_canary(revival, _work_off.at);
    elsif revival.status = 'RUNNING' then
        if revival.rate is not null then
            -- What a pause of the tick has left undone is not made up for: two seconds' worth and one more.
            revival.credit := least(
                revival.credit
                    + revival.rate * greatest(extract(epoch from _work_off.at - revival.worked_at), 0),
                2 * revival.rate + 1
            );
            v_limit := least(v_limit, floor(revival.credit));
        end if;
        if v_limit >= 1 then
            v_batch := forge._lock_dead(
                jsonb_populate_record(null::forge.job_filter, revival.filter),
                revival.after_id, v_limit, false, true, 5000
            );
            select count(*) into v_revived
            from forge._revive_dead(v_batch.ids, revival.created_by, revival.id, _work_off.at);
            revival.after_id := v_batch.after_id;
            revival.credit := revival.credit - v_revived;
            revival.revived := revival.revived + v_revived;
            revival.kept := revival.kept + cardinality(v_batch.ids) - v_revived;
            if not v_batch.more then
                revival.status := 'DONE';
            end if;
        end if;
    end if;
    revival.worked_at := _work_off.at;
    if revival.status in ('DONE', 'STOPPED') then
        revival.finished_at := _work_off.at;
    end if;
    return revival;
end;
$function$;
comment on function forge._work_off(forge.revivals, bigint, timestamptz) is
'The next step of a revival, which the caller has locked: judges its canary, or revives some. Internal.';

create or replace function forge._work_off_revivals(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_revival forge.revivals;
    v_next forge.revivals;
    v_count bigint := 0;
begin
    for v_revival in
        select r.*
        from forge.revivals as r
        where r.finished_at is null
        order by r.id
        for update skip locked
    loop
        v_next := forge._work_off(v_revival, 1000 - v_count, _work_off_revivals.at);
        v_count := v_count + v_next.revived - v_revival.revived;
        update forge.revivals as r
        set status = v_next.status,
            reason = v_next.reason,
            after_id = v_next.after_id,
            credit = v_next.credit,
            revived = v_next.revived,
            kept = v_next.kept,
            worked_at = v_next.worked_at,
            finished_at = v_next.finished_at
        where r.id = v_revival.id;
        if v_next.revived > v_revival.revived or v_next.status <> v_revival.status then
            perform forge._announce('dead');
        end if;
    end loop;

    if forge._is_time_for('revivals', _work_off_revivals.at, '1 hour') then
        delete from forge.revivals as r where r.finished_at < _work_off_revivals.at - interval '30 days';
    end if;
    return query values ('revived_jobs', v_count);
end;
$function$;
comment on function forge._work_off_revivals(timestamptz) is
'One step of every revival, at most 1,000 jobs together; forgets those that ended 30 days ago. Internal.';

create or replace function forge._revival_row(revival forge.revivals)
returns forge.revival_row
language plpgsql stable
as $function$
begin
    return (
        revival.id, revival.status, revival.reason, revival.filter, revival.rate, revival.max_jobs,
        revival.canary, revival.canary_ids, revival.canary_until, revival.revived, revival.kept,
        revival.created_by, revival.created_at, revival.worked_at, revival.finished_at
    )::forge.revival_row;
end;
$function$;
comment on function forge._revival_row(forge.revivals) is
'A revival as it is shown. Internal.';

create or replace function forge.list_revivals(
    before bigint default null,
    max_rows integer default 50
)
returns setof forge.revival_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    perform forge._check_page(list_revivals.max_rows);
    return query
    select (p.row).*
    from (
        select r.id, forge._revival_row(r) as row
        from forge.revivals as r
        where r.id < coalesce(list_revivals.before, 9223372036854775807)
        order by r.id desc
        limit list_revivals.max_rows
    ) as p
    order by p.id desc;
end;
$function$;
comment on function forge.list_revivals(bigint, integer) is
'Revivals of many dead jobs, the newest first; kept for 30 days after their end.

Parameters:
  before    only ids below this one; default from the newest
  max_rows  1 to 500; default 50
Returns: id, status (CANARY: its first jobs run; RUNNING; DONE; STOPPED: the canary failed, and the rest
stayed; CANCELLED), reason (why it was stopped), filter, rate, max_jobs, canary, canary_ids, canary_until,
revived (how many jobs), kept (how many stayed, as their unique_key was taken), created_by, created_at,
worked_at (its last step), finished_at.
Raises: JQ001.
Example: select id, status, reason, revived from forge.list_revivals();';

create or replace function forge.cancel_revival(
    id bigint
)
returns setof forge.revival_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_revival forge.revivals;
begin
    update forge.revivals as r
    set status = 'CANCELLED', finished_at = v_now
    where r.id = cancel_revival.id and r.finished_at is null
    returning r.* into v_revival;
    if found then
        perform forge._announce('dead');
    else
        select r.* into v_revival from forge.revivals as r where r.id = cancel_revival.id;
    end if;
    if found then
        return next forge._revival_row(v_revival);
    end if;
end;
$function$;
comment on function forge.cancel_revival(bigint) is
'Ends a revival: the jobs that are not revived yet stay in the dead-letter queue.

Parameters:
  id  of the revival
Returns: the revival, as list_revivals; as it is, if it had ended; no row where no revival has this id.
Example: select status, revived from forge.cancel_revival(1);';
