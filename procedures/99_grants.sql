-- Who may call what. Nothing else grants rights in schema forge.
--
-- Nobody needs a right on a table: public functions run with the rights of the schema's owner. Roles
-- belong to the whole cluster, so they are made where that is allowed and are missing; where it is not,
-- an administrator makes them and this is run again. Logins are granted the first four; nobody is granted
-- forge_trigger and forge_runner, with whose rights runs what others wrote.

revoke all on all functions in schema forge from public;

do $do$
declare
    v_role text;
    v_signature text;
    v_viewer constant text[] := array[
        'errors', 'transitions', 'version', 'migrations', 'now',
        'job', 'explain', 'job_log', 'parents', 'children', 'list_jobs', 'search_jobs', 'count_jobs',
        'list_dead', 'search_dead', 'count_dead', 'dead_groups', 'fingerprint', 'list_revivals',
        'list_queues', 'list_limits', 'list_admissions', 'list_retry_rules', 'list_payload_checks',
        'list_schedules', 'next_runs', 'list_conditions', 'list_sql_handlers', 'list_changes',
        'list_workers', 'worker_jobs', 'list_types', 'show_settings', 'queue_page',
        'stats', 'throughput', 'latency', 'overview', 'warnings', 'prometheus', 'doctor',
        'authenticate', 'needs_token'
    ];
    v_producer constant text[] := array[
        'errors', 'version', 'enqueue', 'enqueue_many', 'open_batch', 'close_batch', 'enqueue_batch',
        'run_when', '_answer',
        'on_change', 'off_change', 'list_changes', '_check_change', '_triggers_of',
        'authenticate', 'needs_token'
    ];
    v_worker constant text[] := array[
        'errors', 'transitions', 'version', 'dequeue', 'exchange', 'complete', 'complete_many', 'fail',
        'heartbeat', 'release', 'snooze', 'progress', 'log', 'report', 'parents',
        'register_worker', 'unregister_worker', 'park', 'unpark', 'tick',
        'run', 'run_claimed', 'list_sql_handlers',
        'authenticate', 'needs_token'
    ];
    v_operator constant text[] := array[
        'enqueue', 'enqueue_many', 'open_batch', 'close_batch', 'enqueue_batch', 'run_when', '_answer',
        'tick',
        'cancel', 'cancel_jobs', 'retry', 'retry_jobs', 'edit', 'edit_jobs', 'discard', 'discard_dead',
        'retry_dead', 'cancel_revival', 'pause', 'resume', 'set_queue', 'set_limits', 'set_admission',
        'set_type', 'set_schema', 'set_retry_rules', 'set_retention', 'set_log', 'drop_queue',
        'index_payloads',
        'schedule', 'unschedule', 'pause_schedule', 'resume_schedule', 'run_schedule',
        'drain_worker', 'resume_worker',
        'register_sql_handler', 'unregister_sql_handler', '_open_sql_handler', '_keep_sql_handler',
        'on_change', 'off_change', '_check_change', '_triggers_of',
        'create_token', 'revoke_token', 'list_tokens'
    ];
    v_trigger constant text[] := array[
        '_enqueue_changes', '_enqueue_rows', '_changes_from', '_changes_query'
    ];
begin
    foreach v_role in array array[
        'forge_viewer', 'forge_producer', 'forge_worker', 'forge_operator', 'forge_trigger', 'forge_runner'
    ] loop
        if to_regrole(v_role) is null then
            begin
                execute format('create role %I nologin', v_role);
            exception
                when insufficient_privilege then
                    raise notice 'role % is missing and may not be made here', v_role
                        using hint = 'let an administrator create it, then run forge migrate again';
                    continue;
                when duplicate_object or unique_violation then
                    null;    -- another migration made it at the same moment
            end;
        end if;
        execute format('grant usage on schema forge to %I', v_role);
        for v_signature in
            select p.oid::regprocedure::text
            from pg_proc as p
            where p.pronamespace = 'forge'::regnamespace
                and p.proname = any(
                    case v_role
                        when 'forge_viewer' then v_viewer
                        when 'forge_producer' then v_producer
                        when 'forge_worker' then v_worker
                        when 'forge_trigger' then v_trigger
                        when 'forge_runner' then '{}'
                        else v_operator || v_viewer
                    end
                )
        loop
            execute format('grant execute on function %s to %I', v_signature, v_role);
        end loop;
    end loop;
end;
$do$;

-- What others wrote never runs with the rights of the schema's owner: the functions that run it belong to
-- roles that may do next to nothing. Until they do, nobody may make a trigger of the one.
do $do$
declare
    v_pair text[];
begin
    foreach v_pair slice 1 in array array[
        ['forge_runner', 'forge._call_handler(name, jsonb)'], ['forge_trigger', 'forge._on_change()']
    ] loop
        if not pg_has_role(v_pair[1], 'usage') then
            execute format('grant %I to %I', v_pair[1], current_user);
        end if;
        -- to own something in a schema, one must for a moment be allowed to make it there
        execute format('grant create on schema forge to %I', v_pair[1]);
        execute format('alter function %s owner to %I', v_pair[2], v_pair[1]);
        execute format('revoke create on schema forge from %I', v_pair[1]);
        execute format('grant execute on function %s to %I', v_pair[2], current_user);
    end loop;
    grant execute on function forge._on_change() to forge_producer, forge_operator;
exception
    when insufficient_privilege or undefined_object then
        raise notice 'roles are missing: no SQL handlers and no changes that make jobs'
            using hint = 'let an administrator create forge_runner and forge_trigger, grant them to the '
                'owner of schema forge, then run forge migrate again';
end;
$do$;
