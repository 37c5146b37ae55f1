-- What operators set: retry rules; and the pauses that these bring about, each with its reason.
--
-- A list is written as a whole. Locks: the row of the list; the row of the queue, which a failure only
-- tries to lock: who changes the queue meanwhile leaves the pause to the next tick. Raises: JQ001.

create or replace function forge.list_retry_rules(
    queue text default null,
    type text default null
)
returns setof forge.retry_rule_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select
        r.scope, nullif(r.name, ''), e.ordinality::integer,
        p.rule, p.error_type, p.error, p.action,
        p.retry_base, p.retry_factor, p.retry_cap, p.retry_jitter, p.max_retries
    from forge.retry_rules as r
    cross join lateral jsonb_array_elements(r.rules) with ordinality as e (rule, ordinality)
    cross join lateral jsonb_populate_record(null::forge.retry_rule, e.rule) as p
    where (list_retry_rules.queue is null and list_retry_rules.type is null)
        or (r.scope = 'queue' and r.name = list_retry_rules.queue)
        or (r.scope = 'type' and r.name = list_retry_rules.type)
        or r.scope = 'all'
    order by case r.scope when 'type' then 1 when 'queue' then 2 else 3 end, r.name, e.ordinality;
end;
$function$;
comment on function forge.list_retry_rules(text, text) is
'The retry rules, in the order in which a failure asks them; the rules of a job itself go before all.

Parameters:
  queue, type  only what jobs of this queue, of this type ask, those for all included; default all lists
Returns: scope (type, queue, all), name (of the type or queue), position in its list, rule (its name),
error_type, error (regular expressions), action, retry_base, retry_factor, retry_cap, retry_jitter,
max_retries.
Example: select scope, name, rule, action from forge.list_retry_rules(type => ''email'');';

create or replace function forge.set_retry_rules(
    rules jsonb,
    queue text default null,
    type text default null
)
returns setof forge.retry_rule_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_scope constant text := case
        when set_retry_rules.type is not null then 'type'
        when set_retry_rules.queue is not null then 'queue'
        else 'all'
    end;
    v_name constant text := coalesce(set_retry_rules.type, set_retry_rules.queue, '');
    v_rules constant jsonb := forge._check_rules('rules', set_retry_rules.rules, true);
begin
    if num_nonnulls(set_retry_rules.queue, set_retry_rules.type) > 1 then
        perform forge._invalid(
            'queue', set_retry_rules.queue, 'name a queue or a type; neither sets the rules for all'
        );
    elsif v_scope <> 'all' then
        perform forge._check_name(v_scope, v_name);
    end if;
    if v_rules = '[]' then
        delete from forge.retry_rules as r where r.scope = v_scope and r.name = v_name;
    else
        insert into forge.retry_rules as r (scope, name, rules, updated_at)
        values (v_scope, v_name, v_rules, forge.now())
        on conflict on constraint retry_rules_pkey do update
        set rules = excluded.rules, updated_at = excluded.updated_at;
    end if;
    perform forge._announce('queue');
    return query
    select l.* from forge.list_retry_rules() as l where l.scope = v_scope and coalesce(l.name, '') = v_name;
end;
$function$;
comment on function forge.set_retry_rules(jsonb, text, text) is
'Says what becomes of failures by the class of their error; it holds for live jobs too.

A list replaces the one before as a whole. A failure asks the rules of its job, then of its type, its queue,
and those for all; the first that matches decides, and where none does, the retry policy. What the handler
says goes first: retryable => false is permanent and retry_in is the delay, whatever a rule says.

Parameters:
  rules  an array of at most 50 objects; an empty one removes the list. Each has
         error_type, error: regular expressions over the class and over the text of the error, up to 500
           characters, without back references; at least one of them, and both must match; (?i) at the
           beginning ignores case. Lost workers, ended leases and timeouts are of the classes WorkerLost,
           LeaseExpired and Timeout.
         action: permanent (dead at once), retry, or pause (the queue, until somebody resumes it; the failure
           uses up no retry)
         retry_base, retry_factor, retry_cap, retry_jitter: the backoff of these failures; what is left out
           comes from the job''s own. The n of the delay counts failures of this rule.
         max_retries: how many of these failures are retried. They are counted apart then: they use up none
           of the job''s other retries.
         rule: its name, kept with each failure; default its regular expression
  queue  whose rules; default none
  type   whose rules; default none. With neither, the rules for all.
Returns: the list, as list_retry_rules.
Raises: JQ001.
Example: select * from forge.set_retry_rules(
  ''[{"error_type": "RateLimited", "action": "retry", "retry_base": "1 minute", "max_retries": 50}]'',
  type => ''email'');';

create or replace function forge._pause_as_asked(
    queue text,
    at timestamptz
)
returns boolean
language plpgsql volatile
as $function$
begin
    perform
    from forge.queues as q
    where q.queue = _pause_as_asked.queue and q.paused_at is null
    for no key update skip locked;
    if not found then
        return false;
    end if;
    update forge.queues as q
    set paused_at = _pause_as_asked.at, updated_at = _pause_as_asked.at
    where q.queue = _pause_as_asked.queue;
    perform forge._announce('queue');
    return true;
end;
$function$;
comment on function forge._pause_as_asked(text, timestamptz) is
'Pauses a queue that is known and runs, unless somebody else is changing it; returns whether. Internal.';

create or replace function forge._pause_for(
    job forge.jobs,
    rule text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_error constant jsonb := job.errors -> -1;
begin
    if exists (select from forge.queues as q where q.queue = job.queue and q.paused_at is not null) then
        return;
    end if;
    insert into forge.pauses (at, queue, reason)
    values (
        _pause_for.at, job.queue,
        left(
            format(
                'rule %s: job %s failed with %s',
                _pause_for.rule, job.id,
                concat_ws(': ', nullif(v_error ->> 'error_type', ''), v_error ->> 'error')
            ),
            500
        )
    );
    perform forge._pause_as_asked(job.queue, _pause_for.at);
end;
$function$;
comment on function forge._pause_for(forge.jobs, text, timestamptz) is
'Pauses the queue of a job that has just failed, and keeps the reason; waits for nobody. Internal.';

create or replace function forge._pause_late(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_queue text;
    v_count bigint := 0;
begin
    for v_queue in
        select distinct p.queue
        from forge.pauses as p
        left join forge.queues as q on q.queue = p.queue
        where q.paused_at is null
    loop
        insert into forge.queues as q (queue, created_at, updated_at)
        select v_queue, _pause_late.at, _pause_late.at
        where not exists (select from forge.queues as k where k.queue = v_queue)
        on conflict on constraint queues_pkey do nothing;
        v_count := v_count + forge._pause_as_asked(v_queue, _pause_late.at)::integer;
    end loop;
    return query values ('paused_queues', v_count);
end;
$function$;
comment on function forge._pause_late(timestamptz) is
'Pauses the queues that a failure could not pause, as they were new or somebody was changing them. Internal.';

create or replace function forge._explain_retry(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_error constant jsonb := job.errors -> -1;
    v_what constant text := concat_ws(
        ': ', nullif(v_error ->> 'error_type', ''), nullif(left(v_error ->> 'error', 200), '')
    );
    v_max_retries constant integer := coalesce(
        job.max_retries, (forge._policy(job.queue, job.type)).max_retries
    );
begin
    if job.status = 'PENDING'
        and job.scheduled_at > _explain_retry.at
        and job.attempts > 0
        and v_error ->> 'revival' is not distinct from nullif(job.revivals, 0)::text
    then
        return next (
            'retry_backoff',
            format(
                'attempt %s of at most %s failed%s; it is retried at %s',
                v_error ->> 'attempt', v_max_retries + 1, ' with ' || nullif(v_what, ''), job.scheduled_at
            ),
            jsonb_strip_nulls(jsonb_build_object(
                'attempt', v_error -> 'attempt',
                'max_retries', v_max_retries,
                'failed_at', v_error -> 'failed_at',
                'error_type', v_error -> 'error_type',
                'error', left(v_error ->> 'error', 200),
                'rule', v_error -> 'rule',
                'retry_at', job.scheduled_at
            ))
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_retry(forge.jobs, timestamptz) is
'That a job waits out its backoff, after which failure and until when. Internal.';
