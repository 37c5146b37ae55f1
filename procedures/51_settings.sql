-- What operators set: pause and resume, and the policies of queues, types and the whole.
--
-- A queue or type needs no row to be used; these make one. Locks: the row. Raises: JQ001.

create or replace function forge._queue_row(queue text)
returns forge.queue_row
language sql stable
begin atomic
    select
        q.queue, q.paused_at, q.retry_base, q.retry_factor, q.retry_cap, q.retry_jitter,
        q.max_retries, q.keep_history, q.keep_result, q.created_at, q.updated_at,
        -- the first, as failures may have brought several at the same moment
        (select p.reason from forge.pauses as p where p.queue = q.queue order by p.at limit 1)
    from forge.queues as q
    where q.queue = $1;
end;
comment on function forge._queue_row(text) is
'One queue with its settings. Internal.';

create or replace function forge.pause(
    queue text,
    reason text default null
)
returns forge.queue_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    perform forge._check_name('queue', pause.queue);
    if (char_length(pause.reason) between 1 and 500) is false then
        perform forge._invalid('reason', pause.reason, 'use 1 to 500 characters');
    end if;
    insert into forge.queues as q (queue, paused_at, created_at, updated_at)
    values (pause.queue, v_now, v_now, v_now)
    on conflict on constraint queues_pkey do update
    set paused_at = coalesce(q.paused_at, excluded.paused_at),
        updated_at = excluded.updated_at;
    if pause.reason is not null then
        delete from forge.pauses as p where p.queue = pause.queue;
        insert into forge.pauses (at, queue, reason) values (v_now, pause.queue, pause.reason);
    end if;
    perform forge._announce('queue');
    return forge._queue_row(pause.queue);
end;
$function$;
comment on function forge.pause(text, text) is
'Stops the claims from a queue. Jobs that run go on, and new ones are taken in.

Parameters:
  queue   its name; it need not have been used before
  reason  shown as pause_reason until it is resumed, 1 to 500 characters; default null: none is given, and
          the one there is stays
Returns: the queue with its settings; paused_at stays where it was paused before.
Raises: JQ001.
Example: select * from forge.pause(''default'', reason => ''the mail server moves'');';

create or replace function forge.resume(
    queue text
)
returns forge.queue_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    perform forge._check_name('queue', resume.queue);
    insert into forge.queues as q (queue, created_at, updated_at)
    values (resume.queue, v_now, v_now)
    on conflict on constraint queues_pkey do update
    set paused_at = null,
        updated_at = excluded.updated_at;
    delete from forge.pauses as p where p.queue = resume.queue;
    perform forge._ring(resume.queue);
    perform forge._announce('queue');
    return forge._queue_row(resume.queue);
end;
$function$;
comment on function forge.resume(text) is
'Lets a paused queue go on.

Parameters:
  queue  its name
Returns: the queue with its settings.
Raises: JQ001.
Example: select * from forge.resume(''default'');';

create or replace function forge._check_unset(
    unset text[],
    settings text[]
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_unset.unset <@ _check_unset.settings) is not true then
        perform forge._invalid(
            'unset', _check_unset.unset::text,
            'use names of settings: ' || array_to_string(_check_unset.settings, ', ')
        );
    end if;
end;
$function$;
comment on function forge._check_unset(text[], text[]) is
'Raises JQ001 for a name that is no setting. Internal.';

create or replace function forge.set_queue(
    queue text,
    retry_base interval default null,
    retry_factor double precision default null,
    retry_cap interval default null,
    retry_jitter double precision default null,
    max_retries integer default null,
    keep_history boolean default null,
    unset text[] default '{}',
    keep_result boolean default null
)
returns forge.queue_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
begin
    perform forge._check_name('queue', set_queue.queue);
    perform forge._check_unset(
        set_queue.unset,
        '{retry_base,retry_factor,retry_cap,retry_jitter,max_retries,keep_history,keep_result}'
    );
    perform forge._check_policy(
        set_queue.retry_base, set_queue.retry_factor, set_queue.retry_cap, set_queue.retry_jitter,
        set_queue.max_retries
    );
    insert into forge.queues as q (queue, created_at, updated_at)
    values (set_queue.queue, v_now, v_now)
    on conflict on constraint queues_pkey do nothing;

    -- A value given wins over its unset; neither leaves the setting as it is.
    update forge.queues as q
    set retry_base = coalesce(
            set_queue.retry_base, case when not 'retry_base' = any(set_queue.unset) then q.retry_base end),
        retry_factor = coalesce(
            set_queue.retry_factor,
            case when not 'retry_factor' = any(set_queue.unset) then q.retry_factor end),
        retry_cap = coalesce(
            set_queue.retry_cap, case when not 'retry_cap' = any(set_queue.unset) then q.retry_cap end),
        retry_jitter = coalesce(
            set_queue.retry_jitter,
            case when not 'retry_jitter' = any(set_queue.unset) then q.retry_jitter end),
        max_retries = coalesce(
            set_queue.max_retries, case when not 'max_retries' = any(set_queue.unset) then q.max_retries end),
        keep_history = coalesce(
            set_queue.keep_history, 'keep_history' = any(set_queue.unset) or q.keep_history),
        keep_result = coalesce(
            set_queue.keep_result, 'keep_result' = any(set_queue.unset) or q.keep_result),
        updated_at = v_now
    where q.queue = set_queue.queue;
    perform forge._announce('queue');
    return forge._queue_row(set_queue.queue);
end;
$function$;
comment on function forge.set_queue(
    text, interval, double precision, interval, double precision, integer, boolean, text[], boolean
) is
'Changes the settings of a queue; they hold for its live jobs too.

Parameters:
  queue         its name; it need not have been used before
  retry_base, retry_factor, retry_cap, retry_jitter, max_retries
                the retry policy of its jobs, unless the type or the job has one; null leaves it
  keep_history  false: finished jobs are deleted instead of kept; null leaves it
  unset         names of the settings that go back to the default; default none
  keep_result   false: what handlers return is dropped when a job finishes; null leaves it
Returns: the queue with its settings.
Raises: JQ001.
Example: select * from forge.set_queue(''default'', max_retries => 3, unset => ''{retry_cap}'');';

create or replace function forge.set_type(
    type text,
    retry_base interval default null,
    retry_factor double precision default null,
    retry_cap interval default null,
    retry_jitter double precision default null,
    max_retries integer default null,
    unset text[] default '{}',
    timeout interval default null
)
returns forge.type_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_row forge.type_row;
begin
    perform forge._check_name('type', set_type.type);
    perform forge._check_unset(
        set_type.unset, '{retry_base,retry_factor,retry_cap,retry_jitter,max_retries,timeout}'
    );
    perform forge._check_timeout(set_type.timeout);
    perform forge._check_policy(
        set_type.retry_base, set_type.retry_factor, set_type.retry_cap, set_type.retry_jitter,
        set_type.max_retries
    );
    insert into forge.types as t (type, created_at, updated_at)
    values (set_type.type, v_now, v_now)
    on conflict on constraint types_pkey do nothing;

    update forge.types as t
    set retry_base = coalesce(
            set_type.retry_base, case when not 'retry_base' = any(set_type.unset) then t.retry_base end),
        retry_factor = coalesce(
            set_type.retry_factor,
            case when not 'retry_factor' = any(set_type.unset) then t.retry_factor end),
        retry_cap = coalesce(
            set_type.retry_cap, case when not 'retry_cap' = any(set_type.unset) then t.retry_cap end),
        retry_jitter = coalesce(
            set_type.retry_jitter,
            case when not 'retry_jitter' = any(set_type.unset) then t.retry_jitter end),
        max_retries = coalesce(
            set_type.max_retries, case when not 'max_retries' = any(set_type.unset) then t.max_retries end),
        timeout = coalesce(
            set_type.timeout, case when not 'timeout' = any(set_type.unset) then t.timeout end),
        updated_at = v_now
    where t.type = set_type.type
    returning
        t.type, t.retry_base, t.retry_factor, t.retry_cap, t.retry_jitter, t.max_retries, t.timeout,
        t.created_at, t.updated_at
    into v_row;
    return v_row;
end;
$function$;
comment on function forge.set_type(
    text, interval, double precision, interval, double precision, integer, text[], interval
) is
'Changes the settings of a type; they hold for its live jobs too, and go before the queue''s.

Parameters:
  type   its name; it need not have been used before
  retry_base, retry_factor, retry_cap, retry_jitter, max_retries
         the retry policy of its jobs; null leaves the setting as it is
  unset  names of the settings that go back to the default; default none
  timeout
         how long one attempt may take, 1 second to 1 day; from the next claim on; null leaves it
Returns: the type with its settings.
Raises: JQ001.
Example: select * from forge.set_type(''email'', max_retries => 3);';

create or replace function forge.set_retention(
    history interval default null,
    dead interval default null,
    unset text[] default '{}'
)
returns forge.retention_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_row forge.retention_row;
begin
    if (set_retention.history between interval '1 day' and interval '3650 days') is false then
        perform forge._invalid('history', set_retention.history::text, 'use 1 to 3650 days');
    elsif (set_retention.dead between interval '0' and interval '3650 days') is false then
        perform forge._invalid('dead', set_retention.dead::text, 'use 0 to 3650 days');
    elsif (set_retention.unset <@ '{history,dead}') is not true then
        perform forge._invalid('unset', set_retention.unset::text, 'use history, dead or both');
    end if;
    update forge.settings as s
    set history_retention = coalesce(
            set_retention.history,
            case when 'history' = any(set_retention.unset) then interval '7 days' end,
            s.history_retention),
        dead_retention = coalesce(
            set_retention.dead,
            case when not 'dead' = any(set_retention.unset) then s.dead_retention end)
    where s.one_row
    returning s.history_retention, s.dead_retention into v_row;
    return v_row;
end;
$function$;
comment on function forge.set_retention(interval, interval, text[]) is
'Changes how long finished and dead jobs are kept.

Parameters:
  history  of COMPLETED and CANCELLED jobs, 1 to 3650 days; whole days (UTC) are dropped; null leaves it
  dead     of DEAD jobs, 0 to 3650 days; null leaves it
  unset    history (back to 7 days), dead (back to for ever); default none
Returns: history, dead (null: for ever).
Raises: JQ001.
Example: select * from forge.set_retention(history => ''30 days'');';
