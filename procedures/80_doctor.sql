-- The doctor: what is wrong with the queue or with the server under it, in words.
--
-- Bounded looks at catalogs and indexes. Locks: none. Called by: forge doctor, alarms, psql.

create or replace function forge._ailing_transactions(at timestamptz)
returns setof forge.finding
language sql stable
as $function$
    -- In full minutes, so that who watches is not told every second.
    select
        'long_transaction', 'warning',
        format(
            'a transaction of process %s (%s) is open for %s minutes',
            a.pid, a.state, floor(extract(epoch from $1 - a.xact_start) / 60)
        ),
        'it keeps dead rows from being cleaned up: end it, or set idle_in_transaction_session_timeout',
        null::text,
        a.xact_start
    from pg_stat_activity as a
    where a.datname = current_database()
        and a.pid <> pg_backend_pid()
        and a.backend_type = 'client backend'
        and a.xact_start < $1 - interval '5 minutes'
    union all
    select
        'prepared_transaction', 'warning',
        format(
            'the prepared transaction %s is open for %s minutes',
            p.gid, floor(extract(epoch from $1 - p.prepared) / 60)
        ),
        'commit it, or roll it back',
        null,
        p.prepared
    from pg_prepared_xacts as p
    where p.database = current_database() and p.prepared < $1 - interval '5 minutes';
$function$;
comment on function forge._ailing_transactions(timestamptz) is
'Which transactions have been open for too long. Internal.';

create or replace function forge._ailing_server(at timestamptz)
returns setof forge.finding
language sql stable
as $function$
    select
        'dead_rows', 'warning',
        format('%s has %s dead rows for %s live ones', t.relid::regclass, t.n_dead_tup, t.n_live_tup),
        'look for long transactions and replication slots; then vacuum the table',
        null::text,
        null::timestamptz
    from pg_stat_user_tables as t
    where t.schemaname = 'forge' and t.n_dead_tup > greatest(100000, 2 * t.n_live_tup)
    union all
    select
        'autovacuum_off', 'warning', 'autovacuum is off',
        'set autovacuum = on: a queue lives from it',
        null,
        null
    where current_setting('autovacuum') = 'off'
    union all
    select
        'few_locks', 'warning',
        format('the server has room for about %s locks; the workers may take %s at once', l.room, l.need),
        'raise max_locks_per_transaction: each job that is being claimed takes a lock',
        null,
        null
    from (
        select
            current_setting('max_locks_per_transaction')::bigint
            * (
                current_setting('max_connections')::bigint
                + current_setting('max_prepared_transactions')::bigint
            ) as room,
            -- a batch that a worker claims ahead of its slots is 500 jobs, a queue at a time
            1000 + 500 * coalesce(sum(cardinality(w.queues)), 0) as need
        from forge.workers as w
    ) as l
    where l.room < l.need
    union all
    select
        'commits_not_durable', 'info',
        format('synchronous_commit is %s: a crash of the server may lose the last commits',
            current_setting('synchronous_commit')),
        'set it to on where no job may be lost',
        null,
        null
    where current_setting('synchronous_commit') = 'off'
    union all
    select
        'role_missing', 'info', format('the role %s is missing', r.role),
        'create it as an administrator and run forge migrate, if you want to grant it',
        null,
        null
    from unnest(array[
        'forge_viewer', 'forge_producer', 'forge_worker', 'forge_operator', 'forge_trigger', 'forge_runner'
    ]) as r (role)
    where to_regrole(r.role) is null;
$function$;
comment on function forge._ailing_server(timestamptz) is
'What is wrong with the server and its settings. Internal.';

create or replace function forge._since(moment timestamptz)
returns text
language sql stable
as $function$
    select 'since ' || to_char($1 at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"');
$function$;
comment on function forge._since(timestamptz) is
'A time in words. Internal.';

create or replace function forge._due_types(
    queue text,
    at timestamptz
)
returns setof text
language plpgsql stable
as $function$
declare
    v_left bigint := 1000;
    v_lane forge.lane;
    v_priority integer;
    v_found bigint;
    v_types text[];
begin
    -- Those that are claimed first, priority by priority: jobs scheduled ahead are never walked over.
    <<lanes>>
    foreach v_lane in array forge._lanes(_due_types.queue) loop
        v_priority := v_lane.high + 1;
        loop
            v_priority := forge._next_priority(_due_types.queue, v_lane, v_priority);
            exit when v_priority is null;
            select count(*), array_agg(distinct d.type)
            into v_found, v_types
            from (
                select j.type
                from forge.jobs as j
                where j.queue = _due_types.queue
                    and j.status = 'PENDING'
                    and j.concurrency_key is null
                    and j.priority = v_priority
                    and j.scheduled_at >= v_lane.floor
                    and j.scheduled_at <= _due_types.at
                order by j.scheduled_at, j.id
                limit v_left
            ) as d;
            return query select u.type from unnest(v_types) as u (type);
            v_left := v_left - v_found;
            exit lanes when v_left <= 0;
        end loop;
    end loop;
    return query
    select distinct j.type
    from (
        select k.type, k.scheduled_at
        from forge.jobs as k
        where k.queue = _due_types.queue and k.status = 'PENDING' and k.aside
            and k.concurrency_key is not null
        limit 1000
    ) as j
    where j.scheduled_at <= _due_types.at;
end;
$function$;
comment on function forge._due_types(text, timestamptz) is
'The types of due jobs of a queue, of some two thousand of them. Internal.';

create or replace function forge._ailing_queues(at timestamptz)
returns setof forge.finding
language plpgsql stable
as $function$
declare
    v_crew constant forge.workers[] := array(
        select w from forge.workers as w
        where forge._lives(w, _ailing_queues.at) and w.draining_at is null
    );
    v_ticked_at timestamptz;
    v_paused_at timestamptz;
    v_queue text;
    v_type text;
begin
    select t.done_at into v_ticked_at from forge.tick_tasks as t where t.task = 'tallies';
    if (v_ticked_at > _ailing_queues.at - interval '1 minute') is not true then
        return next (
            'no_tick', 'warning',
            format(
                'nobody has called forge.tick() since %s', coalesce(v_ticked_at::text, 'the installation')
            ),
            'start a worker, or call it about once a second: forge tick --every 1',
            null, v_ticked_at
        )::forge.finding;
    end if;

    perform from forge.history_default limit 1;
    if found then
        return next (
            'history_without_a_day', 'info', 'finished jobs lie outside the daily partitions',
            'they are deleted row by row when their time is over; keep a tick running',
            null, null
        )::forge.finding;
    end if;

    for v_queue, v_paused_at in
        select n.queue, q.paused_at
        from forge._queue_names() as n (queue)
        left join forge.queues as q on q.queue = n.queue
    loop
        continue when not forge._due(v_queue, _ailing_queues.at);
        if v_paused_at is not null then
            return next (
                'paused_with_work', 'info',
                format('the queue %s is paused %s and has due jobs', v_queue, forge._since(v_paused_at)),
                'forge.resume lets it go on',
                v_queue, v_paused_at
            )::forge.finding;
        elsif not exists (select from unnest(v_crew) as w where v_queue = any(w.queues)) then
            return next (
                'no_worker', 'warning',
                format('the queue %s has due jobs and no registered worker that claims them', v_queue),
                format('start one: forge worker myapp:forge --queue %s', v_queue),
                v_queue, null
            )::forge.finding;
        elsif not exists (
            select from unnest(v_crew) as w where v_queue = any(w.queues) and w.types is null
        ) then
            for v_type in
                select distinct d.type
                from forge._due_types(v_queue, _ailing_queues.at) as d (type)
                where not exists (
                    select from unnest(v_crew) as w where v_queue = any(w.queues) and d.type = any(w.types)
                )
                order by d.type
                limit 10
            loop
                return next (
                    'no_worker_for_type', 'warning',
                    format(
                        'the queue %s has due jobs of type %s, which none of its workers runs',
                        v_queue, v_type
                    ),
                    'start a worker with a handler of this type',
                    v_queue, null
                )::forge.finding;
            end loop;
        end if;
    end loop;
end;
$function$;
comment on function forge._ailing_queues(timestamptz) is
'What is wrong with the queues. Internal.';

create or replace function forge.doctor()
returns setof forge.finding
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    return query select f.* from forge._ailing_queues(v_now) as f;
    return query select f.* from forge._ailing_schedules() as f;
    return query select f.* from forge._ailing_transactions(v_now) as f;
    return query select f.* from forge._ailing_server(v_now) as f;
end;
$function$;
comment on function forge.doctor() is
'Looks for what is wrong with the queues, and with the server under them.

Transactions of other users are seen only by an owner who may: pg_read_all_stats.
Returns: one row a finding: code, severity (warning, info), sentence, hint (what to do), and queue and since
where there are such; none where all is well.
Example: select * from forge.doctor();';
