-- The deal: the places of one claim go round the keys whose turn it is, in equal shares.
--
-- A visit is a key in such a claim: its turn and its gate are held until the transaction ends.
-- Locks: turns (skip locked), gates of keys (tries), then what 22_turns.sql takes. Called by: 23_limits.sql.

create or replace function forge._turn_floor(queue text)
returns timestamptz
language plpgsql stable
as $function$
begin
    return coalesce(
        (select q.turn_floor from forge.queues as q where q.queue = _turn_floor.queue), '-infinity'
    );
end;
$function$;
comment on function forge._turn_floor(text) is
'Where in the turns of a queue a claim begins to look. Internal.';

create or replace function forge._new_turn_floor(
    queue text,
    floor timestamptz,
    horizon timestamptz,
    sweep boolean
)
returns timestamptz
language plpgsql stable
as $function$
declare
    v_floor constant timestamptz := coalesce(_new_turn_floor.floor, '-infinity');
    v_first timestamptz;
begin
    -- As the floor of a lane: what came in below it late is found by a sweep.
    if _new_turn_floor.sweep then
        select t.turn_at into v_first
        from forge.turns as t
        where t.queue = _new_turn_floor.queue and t.turn_at < v_floor
        order by t.turn_at
        limit 1;
        if found then
            return v_first;
        end if;
    end if;
    select t.turn_at into v_first
    from forge.turns as t
    where t.queue = _new_turn_floor.queue and t.turn_at >= v_floor
    order by t.turn_at
    limit 1;
    return greatest(v_floor, least(v_first, _new_turn_floor.horizon));
end;
$function$;
comment on function forge._new_turn_floor(text, timestamptz, timestamptz, boolean) is
'The floor of the turns of a queue, raised, or lowered to a turn that a sweep found below it. Internal.';

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
    v_floor constant timestamptz := forge._turn_floor(_deal.queue);
    v_left integer := _deal.max_jobs;
    v_looks integer := _deal.max_jobs + 100;    -- keys that turn out to have nothing must end it, too
    v_visits forge.visit[] := _deal.visits;
    v_keys text[] := array(select v.key from unnest(_deal.visits) as v);
    v_tickets bigint[] := array(select v.ticket from unnest(_deal.visits) as v);
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
            where t.queue = _deal.queue
                and t.turn_at >= v_floor
                and t.turn_at <= _deal.at
                and t.ticket < _deal.start
                and t.ticket <> all (v_tickets)
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
            v_tickets := v_tickets || v_visit.ticket;
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
