-- Who may call what. Nothing else grants.
--
-- Nobody needs a right on a table: public functions run with the rights of the schema's owner. Roles
-- belong to the whole cluster, so they are made where that is allowed and are missing; where it is not,
-- an administrator makes the four roles and this is run again.

revoke all on all functions in schema forge from public;

do $do$
declare
    v_role text;
    v_signature text;
    v_viewer constant text[] := array[
        'errors', 'transitions', 'version', 'now', 'stats', 'throughput', 'job', 'list_jobs',
        'list_dead', 'list_queues', 'list_workers', 'overview', 'doctor', 'explain', 'parents',
        'list_conditions'
    ];
    v_producer constant text[] := array[
        'enqueue', 'enqueue_many', 'errors', 'version', 'open_batch', 'close_batch', 'enqueue_batch',
        'run_when'
    ];
    v_worker constant text[] := array[
        'dequeue', 'exchange', 'complete', 'complete_many', 'fail', 'heartbeat', 'release', 'snooze',
        'progress', 'register_worker', 'unregister_worker', 'park', 'unpark', 'tick', 'errors',
        'transitions', 'version', 'parents'
    ];
    v_operator constant text[] := array[
        'cancel', 'retry', 'retry_dead', 'discard', 'pause', 'resume', 'set_queue', 'set_type',
        'set_retention', 'drop_queue', 'tick', 'enqueue', 'enqueue_many', 'open_batch', 'close_batch',
        'enqueue_batch', 'run_when'
    ];
begin
    foreach v_role in array array['forge_viewer', 'forge_producer', 'forge_worker', 'forge_operator'] loop
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
                        else v_operator || v_viewer
                    end
                )
        loop
            execute format('grant execute on function %s to %I', v_signature, v_role);
        end loop;
    end loop;
end;
$do$;
