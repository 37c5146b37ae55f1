-- Limits: the claim in queues that have some, or that have jobs with a concurrency_key.
--
-- What runs is counted where it is written, in forge.jobs, under a lock that is held until the claim
-- commits, and in a statement of its own that begins after it: so no two claims take the same place, and
-- an end, a crash or a rollback needs nobody to give one back. A rate is the difference of two running
-- totals: exact in every window, in two probes.
--
-- Locks: the gate of the queue (tried for a twentieth of a second), then those of 22_turns.sql.

create or replace function forge._allowance(
    queue text,
    key text,
    rate integer,
    per interval,
    at timestamptz
)
returns forge.allowance
language plpgsql volatile
as $function$
declare
    v_row forge.allowance;
begin
    select _allowance.rate - (n.total - f.total + f.jobs), f.at + _allowance.per into v_row
    from (
        select s.total
        from forge.starts as s
        where s.queue = _allowance.queue and s.key = _allowance.key
        order by s.at desc, s.total desc
        limit 1
    ) as n
    cross join (
        select s.at, s.total, s.jobs
        from forge.starts as s
        where s.queue = _allowance.queue
            and s.key = _allowance.key
            and s.at > _allowance.at - _allowance.per
        order by s.at, s.total
        limit 1
    ) as f;
    if not found then
        v_row.jobs := _allowance.rate;
    end if;
    return v_row;
end;
$function$;
comment on function forge._allowance(text, text, integer, interval, timestamptz) is
'What a rate still allows at a time: less by all that has started in the interval before. Internal.';

create or replace function forge._note_starts(
    queue text,
    key text,
    jobs integer,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    -- Never before the row before it, though its clock was read before the gate opened: then totals rise
    -- with the times, and a time that is too late only counts for longer.
    insert into forge.starts (queue, key, at, total, jobs)
    select
        _note_starts.queue, _note_starts.key, greatest(_note_starts.at, max(n.at)),
        coalesce(max(n.total), 0) + _note_starts.jobs, _note_starts.jobs
    from (
        select s.at, s.total
        from forge.starts as s
        where s.queue = _note_starts.queue and s.key = _note_starts.key
        order by s.at desc, s.total desc
        limit 1
    ) as n;
end;
$function$;
comment on function forge._note_starts(text, text, integer, timestamptz) is
'Counts jobs that start against a rate, under its gate. Internal.';

create or replace function forge._running_of_queue(
    queue text,
    most integer
)
returns integer
language plpgsql volatile
as $function$
begin
    return (
        select count(*)
        from (
            select from forge.jobs as j
            where j.queue = _running_of_queue.queue and j.status = 'PROCESSING' and j.aside
            order by j.concurrency_key      -- which leaves no other index than job_aside_idx
            limit _running_of_queue.most
        ) as r
    );
end;
$function$;
comment on function forge._running_of_queue(text, integer) is
'How many jobs run that count against the limit of a queue, counted up to a number. Internal.';

create or replace function forge._room(
    limits forge.limits,
    at timestamptz
)
returns integer
language plpgsql volatile
as $function$
declare
    v_room integer := 2147483647;
begin
    if limits.max_running is not null then
        v_room := limits.max_running - forge._running_of_queue(limits.queue, limits.max_running);
    end if;
    if limits.rate is not null then
        v_room := least(
            v_room, (forge._allowance(limits.queue, '', limits.rate, limits.per, _room.at)).jobs
        );
    end if;
    return greatest(v_room, 0);
end;
$function$;
comment on function forge._room(forge.limits, timestamptz) is
'How many jobs the limits of a queue let start now. Internal.';

create or replace function forge._has_room(
    queue text,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_limits forge.limits;
begin
    select l.* into v_limits from forge.limits as l where l.queue = _has_room.queue;
    return not found or forge._room(v_limits, _has_room.at) > 0;
end;
$function$;
comment on function forge._has_room(text, timestamptz) is
'Whether the limits of a queue, if it has any, let a job start now. Internal.';

create or replace function forge._pass_gate(
    limits forge.limits,
    max_jobs integer,
    at timestamptz
)
returns integer
language plpgsql volatile
as $function$
begin
    for v_try in 1..10 loop
        exit when pg_try_advisory_xact_lock(forge._lock_space('queue'), hashtext(limits.queue));
        if v_try = 10 then
            return 0;
        end if;
        -- the other claim commits in a moment; a claim that waited for it without end could hang
        perform pg_sleep(0.001 * v_try);
    end loop;
    return least(_pass_gate.max_jobs, forge._room(limits, _pass_gate.at));
end;
$function$;
comment on function forge._pass_gate(forge.limits, integer, timestamptz) is
'Takes the gate of a limited queue until the transaction ends; returns how many jobs may start. Internal.';

create or replace function forge._choose_limited(
    queue text,
    max_jobs integer,
    types text[],
    at timestamptz
)
returns bigint[]
language plpgsql volatile
as $function$
declare
    v_limits forge.limits;
    v_start constant bigint := nextval('forge.turn_ticket_seq');
    v_left integer := _choose_limited.max_jobs;
    v_part integer;
    v_visits forge.visit[] := '{}'::forge.visit[];
    v_visit forge.visit;
    v_ids bigint[];
    v_chosen bigint[] := '{}'::bigint[];
begin
    select l.* into v_limits from forge.limits as l where l.queue = _choose_limited.queue;
    if num_nonnulls(v_limits.max_running, v_limits.rate) > 0 then
        v_left := forge._pass_gate(v_limits, v_left, _choose_limited.at);
        if v_left = 0 then
            return null;
        end if;
    end if;

    -- Half for the keys and half for the jobs without one; a single place by the toss of a coin. What one
    -- side has no use for is the other's.
    v_part := case when v_left = 1 then (random() < 0.5)::integer else (v_left + 1) / 2 end;
    v_visits := forge._deal(
        v_limits, _choose_limited.queue, v_visits, v_part, _choose_limited.types, v_start, _choose_limited.at
    );
    v_left := v_left - (select coalesce(sum(cardinality(v.ids)), 0) from unnest(v_visits) as v);
    if v_left > 0 then
        v_ids := forge._choose(
            _choose_limited.queue, v_left, _choose_limited.types, _choose_limited.at, true
        );
        v_chosen := coalesce(v_ids, '{}');
        v_left := v_left - cardinality(v_chosen);
    end if;
    if v_left > 0 then
        v_visits := forge._deal(
            v_limits, _choose_limited.queue, v_visits, v_left, _choose_limited.types, v_start,
            _choose_limited.at
        );
    end if;

    foreach v_visit in array v_visits loop
        if v_limits.key_rate is not null and v_visit.ids <> '{}' then
            perform forge._note_starts(
                _choose_limited.queue, v_visit.key, cardinality(v_visit.ids), _choose_limited.at
            );
        end if;
        perform forge._end_turn(_choose_limited.queue, v_visit, _choose_limited.at);
        v_chosen := v_chosen || v_visit.ids;
    end loop;
    if num_nonnulls(v_limits.max_running, v_limits.rate) > 0 and v_chosen <> '{}' then
        -- a place in the queue, which the claim that follows makes one that is taken
        update forge.jobs as j set aside = true where j.id = any(v_chosen);
    end if;
    if v_limits.rate is not null and v_chosen <> '{}' then
        perform forge._note_starts(_choose_limited.queue, '', cardinality(v_chosen), _choose_limited.at);
    end if;
    return nullif(v_chosen, '{}');
end;
$function$;
comment on function forge._choose_limited(text, integer, text[], timestamptz) is
'As _choose, in a queue that is limited or has keys whose turn it is. Internal.';
