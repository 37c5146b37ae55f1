-- Conditions: jobs that wait until an SQL expression holds. new --run_when--> WAITING --tick--> PENDING;
-- after its deadline also CANCELLED or DEAD.
--
-- A condition is looked at with the rights of who asked for it. SET ROLE is not allowed where a function runs
-- as its owner, as the tick does; but whom such a function runs as is a matter of who owns it. So each look
-- makes a function, gives it to the asker, calls it, and undoes all of that by an error that is caught:
-- function, ownership, settings and whatever else the condition may have done. Locks: rows of forge.jobs
-- with skip locked. Raises: JQ001, JQ003, JQ004, JQ005. Called by: producers; the tick.

create or replace function forge._answer(
    query text,
    path text,
    plan boolean
)
returns boolean
language plpgsql volatile
as $function$
declare
    v_holds boolean;
begin
    perform pg_catalog.set_config('search_path', _answer.path, true);
    if _answer.plan then
        execute _answer.query;
    else
        execute _answer.query into v_holds;
    end if;
    return v_holds;
end;
$function$;
comment on function forge._answer(text, text, boolean) is
'Looks at a condition, as whoever calls it: askers may, and it gives nobody a right. Internal.';

create or replace function forge._look(
    asker text,
    condition text,
    search_path text,
    plan boolean
)
returns forge.reason
language plpgsql volatile
as $function$
declare
    v_function constant text := format('forge._asked_%s', pg_backend_pid());
    v_query constant text := format(
        -- on a line of its own, lest a comment at the end swallow the bracket
        E'%sselect true where (\n%s\n)', case when _look.plan then 'explain ' end, _look.condition
    );
    v_holds boolean;
    v_looked boolean := false;
    v_create boolean;
begin
    begin
        -- In SQL, and a plain call: of every function in PL/pgSQL that it has called, a session keeps 57 kB
        -- until it ends, also when the function is gone (6 kB of one in SQL, from PostgreSQL 18 on).
        execute format(
            'create function %s(query text, path text, plan boolean) returns boolean '
                'language sql volatile security definer '
                'set search_path = pg_catalog, pg_temp set lock_timeout = ''1s'' '
                'as ''select forge._answer($1, $2, $3)''',
            v_function
        );
        if _look.asker <> current_user then
            execute format('grant execute on function %s to public', v_function);
            -- who is to own a function in a schema must be allowed to make one there, for this moment
            v_create := has_schema_privilege(_look.asker, 'forge', 'create');
            if not v_create then
                execute format('grant create on schema forge to %I', _look.asker);
            end if;
            execute format('alter function %s owner to %I', v_function, _look.asker);
            if not v_create then
                execute format('revoke create on schema forge from %I', _look.asker);
            end if;
        end if;
        perform set_config('transaction_read_only', 'on', true);
        execute format('select %s($1, $2, $3)', v_function)
        into v_holds
        using v_query, _look.search_path, _look.plan;
        v_looked := true;
        perform forge._invalid('condition', null, 'undone');
    exception
        when query_canceled then
            return ('canceled', left(sqlerrm, 1000), null)::forge.reason;
        when others then
            if not v_looked then
                return ('error', left(sqlerrm, 1000), null)::forge.reason;
            end if;
    end;
    return (case when v_holds then 'holds' else 'fails' end, null, null)::forge.reason;
end;
$function$;
comment on function forge._look(text, text, text, boolean) is
'Whether a condition holds for a role: holds, fails, error or canceled, with the message; plan: only whether
it could be looked at. Nothing that it does remains. Internal.';

create or replace function forge.run_when(
    type text,
    condition text,
    payload jsonb default '{}',
    queue text default 'default',
    every interval default '30 seconds',
    deadline timestamptz default null,
    on_deadline text default 'dead',
    options jsonb default '{}',
    search_path text default current_setting('search_path'),
    asker forge.asker default current_user
)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_look forge.reason;
    v_made forge.enqueued;
begin
    if (char_length(run_when.condition) between 1 and 10000) is not true then
        perform forge._invalid(
            'condition', run_when.condition, 'use an SQL expression of 1 to 10000 characters'
        );
    elsif (run_when.every between interval '1 second' and interval '1 day') is not true then
        perform forge._invalid('every', run_when.every::text, 'use 1 second to 1 day');
    elsif (isfinite(run_when.deadline) and run_when.deadline > v_now) is false then
        perform forge._invalid('deadline', run_when.deadline::text, 'use a time to come');
    elsif (run_when.on_deadline in ('run', 'cancel', 'dead')) is not true then
        perform forge._invalid('on_deadline', run_when.on_deadline, 'use run, cancel or dead');
    elsif run_when.search_path is null then
        perform forge._invalid('search_path', null, 'leave it out');
    elsif pg_has_role(current_user, run_when.asker, 'member') is not true then
        perform forge._invalid(
            'asker', run_when.asker,
            format(
                'the owner of the schema forge may not act for this role: grant %s to %s',
                quote_ident(run_when.asker), quote_ident(current_user)
            )
        );
    end if;
    v_look := forge._look(run_when.asker, run_when.condition, run_when.search_path, true);
    if v_look.sentence is not null then
        perform forge._invalid(
            'condition', run_when.condition, format('the database says: %s', v_look.sentence)
        );
    end if;

    v_made := forge._hold(
        run_when.options || jsonb_build_object(
            'type', run_when.type, 'payload', run_when.payload, 'queue', run_when.queue
        ),
        'condition', v_now
    );
    if v_made.created then
        insert into forge.conditions (
            id, condition, asker, search_path, every, due_at, deadline, on_deadline
        )
        values (
            v_made.id, run_when.condition, run_when.asker, run_when.search_path, run_when.every, v_now,
            run_when.deadline, run_when.on_deadline
        );
    end if;
    return v_made.id;
end;
$function$;
comment on function forge.run_when(
    text, text, jsonb, text, interval, timestamptz, text, jsonb, text, forge.asker
) is
'Adds a job that becomes due when an SQL condition holds.

The tick looks at the condition with the rights of the role that calls this, read-only, first at once and then
at the interval; a look that took long is repeated after ten times as long. What goes wrong in a look is kept
for explain and list_conditions, and it is looked at again. Ticks need a statement_timeout for this.

Parameters:
  type, payload, queue
               as in enqueue
  condition    a boolean SQL expression, such as exists (select from orders where paid); up to 10,000
               characters
  every        how often to look, 1 second to 1 day; default 30 seconds
  deadline     until when to wait; default for ever
  on_deadline  what happens then: run, cancel or dead (to the dead-letter queue); default dead
  options      more parameters of enqueue, an object with their names as keys; default none
  search_path  where the names in the condition are looked up; default the caller''s
  asker        the role that calls; any other value is refused: leave it out
Returns: the id; where unique_key is taken, the id of the live job that holds it.
Raises: JQ001 (also for a condition that the caller may not evaluate, and where the owner of the schema is not
a member of the calling role), JQ003, JQ004, JQ005, JQ012, JQ013, JQ014.
Example: select forge.run_when(''report'', ''localtime > time ''''08:00'''''', every => ''1 minute'');';

create or replace function forge._drop_condition(id bigint)
returns void
language plpgsql volatile
as $function$
begin
    delete from forge.conditions as c where c.id = _drop_condition.id;
    delete from forge.open_dependencies as o where o.child = _drop_condition.id and o.parent = 0;
end;
$function$;
comment on function forge._drop_condition(bigint) is
'Removes a condition, and what its job waits for with it. Internal.';

create or replace function forge._miss_deadline(
    missed forge.conditions,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
declare
    v_job forge.jobs;
begin
    if missed.on_deadline = 'run' then
        perform forge._drop_condition(missed.id);
        perform forge._decide(array[missed.id], array[0], array[0], _miss_deadline.at);
        return;
    end if;
    if missed.on_deadline = 'cancel' then
        -- a row that somebody holds is left to the next tick, which comes by here again
        perform forge._spread(
            forge._cancel_waiting(array[missed.id], _miss_deadline.at), 'CANCELLED', _miss_deadline.at
        );
        return;
    end if;
    select j.* into v_job
    from forge.jobs as j
    where j.id = missed.id and case when j.status = 'WAITING' then true end
    for update skip locked;
    if found then
        v_job.errors := coalesce(v_job.errors, '[]') || jsonb_strip_nulls(jsonb_build_object(
            'attempt', v_job.attempts,
            'failed_at', _miss_deadline.at,
            'error_type', 'DeadlinePassed',
            'error', format('its condition did not hold until %s', missed.deadline),
            'traceback', missed.error
        ));
        perform forge._bury(v_job, _miss_deadline.at);
        insert into forge.tallies (at, queue, dead) values (_miss_deadline.at, v_job.queue, 1);
    end if;
end;
$function$;
comment on function forge._miss_deadline(forge.conditions, timestamptz) is
'Does what was to happen when a condition did not come to hold in time. Internal.';

create or replace function forge._look_at_conditions(
    at timestamptz
)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    -- A timeout that is set inside a function has no effect on what runs already: the caller sets it.
    v_guarded constant boolean := current_setting('statement_timeout') <> '0';
    v_end constant timestamptz := clock_timestamp() + interval '1 second';
    v_row forge.conditions;
    v_look forge.reason;
    v_began timestamptz;
    v_took interval;
    v_looks bigint := 0;
    v_met bigint := 0;
    v_missed bigint := 0;
begin
    for v_row in
        select c.*
        from forge.conditions as c
        where c.due_at <= _look_at_conditions.at
            and (v_guarded or c.deadline <= _look_at_conditions.at)
        order by c.due_at
        limit 100
    loop
        perform from forge.jobs as j where j.id = v_row.id and case when j.status = 'WAITING' then true end;
        if not found then
            perform forge._drop_condition(v_row.id);
            continue;
        end if;
        v_look := null;
        v_began := clock_timestamp();
        if v_guarded then
            exit when v_began > v_end;
            v_look := forge._look(v_row.asker, v_row.condition, v_row.search_path, false);
            v_looks := v_looks + 1;
        end if;
        if v_look.code = 'holds' then
            perform forge._drop_condition(v_row.id);
            perform forge._decide(array[v_row.id], array[0], array[0], _look_at_conditions.at);
            v_met := v_met + 1;
            continue;
        end if;

        if v_guarded then
            v_took := clock_timestamp() - v_began;
            update forge.conditions as c
            set looks = c.looks + 1,
                looked_at = _look_at_conditions.at,
                took = v_took,
                error = v_look.sentence,
                due_at = least(c.deadline, _look_at_conditions.at + greatest(c.every, 10 * v_took))
            where c.id = v_row.id
            returning c.* into v_row;
        end if;
        if v_row.deadline <= _look_at_conditions.at then
            perform forge._miss_deadline(v_row, _look_at_conditions.at);
            v_missed := v_missed + 1;
        end if;
        exit when v_look.code = 'canceled';     -- the timeout has been used up, or somebody wants an end
    end loop;
    return query
    select r.task, r.count
    from (
        values
        ('conditions', v_looks), ('conditions_met', v_met), ('conditions_missed', v_missed),
        (
            'conditions_unguarded',
            (
                select count(*)
                from (
                    select
                    from forge.conditions as c
                    where not v_guarded and c.due_at <= _look_at_conditions.at
                    limit 100
                ) as u
            )
        )
    ) as r (task, count);
end;
$function$;
comment on function forge._look_at_conditions(timestamptz) is
'Looks at conditions that are due, for about a second at most. Internal.';

create or replace function forge.list_conditions(
    after bigint default 0,
    max_rows integer default 50
)
returns setof forge.condition_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
begin
    if (list_conditions.max_rows between 1 and 500) is not true then
        perform forge._invalid('max_rows', list_conditions.max_rows::text, 'use 1 to 500');
    end if;
    return query
    select
        c.id, c.condition, c.asker, c.every, c.due_at, c.deadline, c.on_deadline, c.looks, c.looked_at,
        c.took, c.error
    from forge.conditions as c
    where c.id > list_conditions.after
    order by c.id
    limit list_conditions.max_rows;
end;
$function$;
comment on function forge.list_conditions(bigint, integer) is
'The conditions that jobs wait for.

Parameters:
  after     only ids above this one: the last id of the page before; default from the first
  max_rows  1 to 500; default 50
Returns: one row a job, by id: id, condition, asker (whose rights hold), every, due_at (the next look),
deadline, on_deadline, looks, looked_at, took (the last look), error (why it failed; null: it did not).
Raises: JQ001.
Example: select id, condition, error from forge.list_conditions();';

create or replace function forge._explain_condition(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
declare
    v_row forge.conditions;
begin
    select c.* into v_row from forge.conditions as c where c.id = job.id and job.status = 'WAITING';
    if found then
        return next (
            case when v_row.error is null then 'condition' else 'condition_error' end,
            format('it waits until this holds: %s', left(v_row.condition, 300))
                || case
                    when v_row.error is not null
                    then format('; the last look failed: %s', left(v_row.error, 300))
                    when v_row.looked_at is not null then format('; at %s it did not', v_row.looked_at)
                    when v_row.due_at < _explain_condition.at - interval '1 minute'
                    then '; nobody has looked yet: a tick looks only under a statement_timeout'
                    else '; the next tick looks for the first time'
                end,
            jsonb_strip_nulls(jsonb_build_object(
                'condition', v_row.condition,
                'asker', v_row.asker,
                'looks', v_row.looks,
                'looked_at', v_row.looked_at,
                'due_at', v_row.due_at,
                'deadline', v_row.deadline,
                'on_deadline', case when v_row.deadline is not null then v_row.on_deadline end,
                'error', v_row.error
            ))
        )::forge.reason;
    end if;
end;
$function$;
comment on function forge._explain_condition(forge.jobs, timestamptz) is
'Which condition a job waits for. Internal.';
