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
'What a rate allows at a time: all that has started in the interval before it, taken from the rate. Internal.';

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
        select limits.max_running - count(*) into v_room
        from (
            select from forge.jobs as j where j.queue = limits.queue and j.slot limit limits.max_running
        ) as r;
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

create or replace function forge._begin_turn(
    limits forge.limits,
    queue text,
    visit forge.visit,
    at timestamptz
)
returns forge.visit
language plpgsql volatile
as $function$
declare
    v_most constant integer := case when limits.key_fifo then 1 else limits.key_max_running end;
begin
    visit.room := 2147483647;
    if v_most is not null then
        visit.room := v_most - forge._running_of_key(_begin_turn.queue, visit.key, v_most);
    end if;
    if visit.room > 0 and limits.key_rate is not null then
        visit.room := least(
            visit.room,
            (forge._allowance(
                _begin_turn.queue, visit.key, limits.key_rate, limits.key_per, _begin_turn.at
            )).jobs
        );
    end if;
    return visit;
end;
$function$;
comment on function forge._begin_turn(forge.limits, text, forge.visit, timestamptz) is
'Finds out how many jobs of a key may start; under its gate nobody else starts one. Internal.';

create or replace function forge._take_share(
    limits forge.limits,
    queue text,
    visit forge.visit,
    max_jobs integer,
    types text[],
    at timestamptz
)
returns forge.visit
language plpgsql volatile
as $function$
declare
    v_want constant integer := least(_take_share.max_jobs, visit.room);
    v_ids bigint[] := '{}'::bigint[];
begin
    if v_want > 0 then
        v_ids := case
            when limits.key_fifo
            then forge._choose_head(_take_share.queue, visit.key, _take_share.types, _take_share.at)
            else forge._choose_of_key(
                _take_share.queue, visit.key, v_want, _take_share.types, visit.ids, _take_share.at
            )
        end;
    end if;
    visit.ids := visit.ids || v_ids;
    visit.room := visit.room - cardinality(v_ids);
    visit.more := visit.room > 0 and v_want > 0 and cardinality(v_ids) = v_want;
    return visit;
end;
$function$;
comment on function forge._take_share(forge.limits, text, forge.visit, integer, text[], timestamptz) is
'Chooses up to so many jobs of a key whose turn it is. Internal.';

create or replace function forge._end_turn(
    queue text,
    visit forge.visit,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_next timestamptz;
    -- those that nobody relies on who has not committed yet
    v_held constant bigint[] := array(
        select t.ticket
        from forge.turns as t
        where t.queue = _end_turn.queue and t.key = visit.key
        order by t.turn_at
        limit 100
        for update skip locked
    );
begin
    -- After that lock, in statements of its own: what others have committed is seen.
    v_next := forge._next_turn(_end_turn.queue, visit.key, visit.ids, _end_turn.at);
    if not visit.ticket = any(v_held) then
        v_next := _end_turn.at;     -- somebody relies on it: it stays due
    end if;
    -- One turn a key is enough, and more than one would be more than its share.
    delete from forge.turns as t
    where t.queue = _end_turn.queue
        and t.key = visit.key
        and t.ticket = any(v_held)
        and (v_next is null or t.ticket <> visit.ticket);
    if v_next is not null then
        perform forge._put_back(_end_turn.queue, visit, greatest(v_next, _end_turn.at));
    end if;
end;
$function$;
comment on function forge._end_turn(text, forge.visit, timestamptz) is
'Sends a key to the end of the line; or, where it has nothing that could start, away until the time when it
has, or until it is called. Internal.';

create or replace function forge._put_back(
    queue text,
    visit forge.visit,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    update forge.turns as t
    set turn_at = _put_back.at, ticket = nextval('forge.turn_ticket_seq')
    where t.queue = _put_back.queue and t.key = visit.key and t.ticket = visit.ticket;
end;
$function$;
comment on function forge._put_back(text, forge.visit, timestamptz) is
'Puts a turn, locked by the caller, behind all others of the same time. Internal.';

create or replace function forge._deal(
    limits forge.limits,
    queue text,
    visits forge.visit[],
    max_jobs integer,
    types text[],
    start bigint,
    at timestamptz
)
returns forge.visit[]
language plpgsql volatile
as $function$
declare
    v_space constant integer := forge._lock_space('key');
    v_left integer := _deal.max_jobs;
    v_looks integer := _deal.max_jobs + 100;    -- keys that turn out to have nothing must end it, too
    v_visits forge.visit[] := _deal.visits;
    v_keys text[] := array(select v.key from unnest(_deal.visits) as v);
    v_turns forge.visit[];
    v_visit forge.visit;
    v_share integer;
    v_had integer;
begin
    while v_left > 0 loop
        -- Keys are served in the order of their turns, each gets an equal share of what is left.
        select array_agg(row(p.key, p.ticket, 0, false, '{}')::forge.visit) into v_turns
        from (
            select t.key, t.ticket
            from forge.turns as t
            where t.queue = _deal.queue and t.turn_at <= _deal.at and t.ticket < _deal.start
            order by t.turn_at, t.ticket
            limit least(v_left, v_looks)
            for no key update skip locked
        ) as p;
        exit when v_turns is null;

        v_looks := v_looks - cardinality(v_turns);
        v_share := (v_left + cardinality(v_turns) - 1) / cardinality(v_turns);
        foreach v_visit in array v_turns loop
            exit when v_left = 0;
            if v_visit.key = any(v_keys)
                or not pg_try_advisory_xact_lock(v_space, hashtext(_deal.queue || chr(31) || v_visit.key))
            then
                perform forge._put_back(_deal.queue, v_visit, _deal.at);
                continue;
            end if;
            v_visit := forge._begin_turn(_deal.limits, _deal.queue, v_visit, _deal.at);
            v_visit := forge._take_share(
                _deal.limits, _deal.queue, v_visit, least(v_share, v_left), _deal.types, _deal.at
            );
            v_left := v_left - cardinality(v_visit.ids);
            v_keys := v_keys || v_visit.key;
            v_visits := v_visits || v_visit;
        end loop;
    end loop;

    -- What is left over goes round again to those that have more.
    while v_left > 0 loop
        select (v_left + count(*) - 1) / nullif(count(*), 0) into v_share
        from unnest(v_visits) as v
        where v.more;
        exit when v_share is null;
        for v_number in 1..cardinality(v_visits) loop
            v_visit := v_visits[v_number];
            continue when v_left = 0 or not v_visit.more;
            v_had := cardinality(v_visit.ids);
            v_visit := forge._take_share(
                _deal.limits, _deal.queue, v_visit, least(v_share, v_left), _deal.types, _deal.at
            );
            v_left := v_left - cardinality(v_visit.ids) + v_had;
            v_visits[v_number] := v_visit;
        end loop;
    end loop;
    return v_visits;
end;
$function$;
comment on function forge._deal(
    forge.limits, text, forge.visit[], integer, text[], bigint, timestamptz
) is
'Deals so many places of a claim out to the keys in line, one round after the other; start is a ticket after
those of the keys to be looked at. Internal.';

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
    if v_limits.rate is not null and v_chosen <> '{}' then
        perform forge._note_starts(_choose_limited.queue, '', cardinality(v_chosen), _choose_limited.at);
    end if;
    return nullif(v_chosen, '{}');
end;
$function$;
comment on function forge._choose_limited(text, integer, text[], timestamptz) is
'As _choose, in a queue that is limited or has keys whose turn it is. Internal.';
