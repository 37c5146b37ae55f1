-- The doctor: what is wrong with the queue or with the server under it, in words.
--
-- Bounded looks at catalogs and indexes. Locks: none. Called by: forge doctor, alarms, psql.

create or replace function forge._ailing_server(at timestamptz)
returns setof forge.finding
language sql stable
as $function$
    select
        'long_transaction', 'warning',
        format(
            'a transaction of process %s (%s) is open for %s',
            a.pid, a.state, date_trunc('second', $1 - a.xact_start)
        ),
        'it keeps dead rows from being cleaned up: end it, or set idle_in_transaction_session_timeout'
    from pg_stat_activity as a
    where a.datname = current_database()
        and a.pid <> pg_backend_pid()
        and a.backend_type = 'client backend'
        and a.xact_start < $1 - interval '5 minutes'
    union all
    select
        'prepared_transaction', 'warning',
        format('the prepared transaction %s is open for %s', p.gid, date_trunc('second', $1 - p.prepared)),
        'commit it, or roll it back'
    from pg_prepared_xacts as p
    where p.database = current_database() and p.prepared < $1 - interval '5 minutes'
    union all
    select
        'dead_rows', 'warning',
        format('%s has %s dead rows for %s live ones', t.relid::regclass, t.n_dead_tup, t.n_live_tup),
        'look for long transactions and replication slots; then vacuum the table'
    from pg_stat_user_tables as t
    where t.schemaname = 'forge' and t.n_dead_tup > greatest(100000, 2 * t.n_live_tup)
    union all
    select
        'autovacuum_off', 'warning', 'autovacuum is off',
        'set autovacuum = on: a queue lives from it'
    where current_setting('autovacuum') = 'off'
    union all
    select
        'few_locks', 'warning',
        format('the server has room for about %s locks; the workers may take %s at once', l.room, l.need),
        'raise max_locks_per_transaction: each job that is being claimed takes a lock'
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
        'set it to on where no job may be lost'
    where current_setting('synchronous_commit') = 'off'
    union all
    select
        'role_missing', 'info', format('the role %s is missing', r.role),
        'create it as an administrator and run forge migrate, if you want to grant it'
    from unnest(array[
        'forge_viewer', 'forge_producer', 'forge_worker', 'forge_operator', 'forge_trigger', 'forge_runner'
    ]) as r (role)
    where to_regrole(r.role) is null;
$function$;
comment on function forge._ailing_server(timestamptz) is
'What is wrong with the server and its settings. Internal.';

create or replace function forge._ailing_queues(at timestamptz)
returns setof forge.finding
language plpgsql stable
as $function$
declare
    v_ticked_at timestamptz;
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
            'start a worker, or call it about once a second: forge tick --every 1'
        )::forge.finding;
    end if;

    perform from forge.history_default limit 1;
    if found then
        return next (
            'history_without_a_day', 'info', 'finished jobs lie outside the daily partitions',
            'they are deleted row by row when their time is over; keep a tick running'
        )::forge.finding;
    end if;

    for v_queue in select n.queue from forge._queue_names() as n (queue) loop
        continue when not forge._due(v_queue, _ailing_queues.at);
        if exists (select from forge.queues as q where q.queue = v_queue and q.paused_at is not null) then
            return next (
                'paused_with_work', 'info', format('the queue %s is paused and has due jobs', v_queue),
                'forge.resume lets it go on'
            )::forge.finding;
        elsif not exists (
            select from forge.list_workers() as w
            where w.alive and w.draining_at is null and v_queue = any(w.queues)
        ) then
            return next (
                'no_worker', 'warning',
                format('the queue %s has due jobs and no registered worker that claims them', v_queue),
                format('start one: forge worker myapp:forge --queue %s', v_queue)
            )::forge.finding;
        else
            for v_type in
                select distinct d.type
                from (
                    -- those that are claimed first
                    (
                        select j.type
                        from forge.jobs as j
                        where j.queue = v_queue and j.status = 'PENDING' and j.concurrency_key is null
                            and j.scheduled_at <= _ailing_queues.at
                        order by j.priority desc, j.scheduled_at, j.id
                        limit 1000
                    )
                    union all
                    (
                        select j.type
                        from forge.jobs as j
                        where j.queue = v_queue and j.status = 'PENDING' and j.aside
                            and j.concurrency_key is not null
                            and j.scheduled_at <= _ailing_queues.at
                        limit 1000
                    )
                ) as d
                where not exists (
                    select from forge.list_workers() as w
                    where w.alive
                        and w.draining_at is null
                        and v_queue = any(w.queues)
                        and (w.types is null or d.type = any(w.types))
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
                    'start a worker with a handler of this type'
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
    return query select f.* from forge._ailing_server(v_now) as f;
end;
$function$;
comment on function forge.doctor() is
'Looks for what is wrong with the queues, and with the server under them.

Transactions of other users are seen only by an owner who may: pg_read_all_stats.
Returns: one row a finding: code, severity (warning, info), sentence, hint (what to do); none where all is
well.
Example: select * from forge.doctor();';
