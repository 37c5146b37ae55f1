-- Keys that stay taken for a while after the completion of their job (unique_for).
--
-- Locks: none that anyone waits for, as rows are only added, looked for and, once they are over, deleted.
-- Called by: _insert_unique, _enqueue, _after, the tick; 52_drop_queue deletes them too.

create or replace function forge._spent(
    job forge.jobs,
    at timestamptz
)
returns forge.spent_keys
language plpgsql stable
as $function$
declare
    v_spent forge.spent_keys;
begin
    select s.* into v_spent
    from forge.spent_keys as s
    where s.unique_key = job.unique_key
        and s.unique_scope = job.unique_scope
        and s.until > _spent.at
    order by s.until desc
    limit 1;
    return v_spent;
end;
$function$;
comment on function forge._spent(forge.jobs, timestamptz) is
'By which completed job its key is still taken, and until when; nulls: by none. Internal.';

create or replace function forge._await_key(
    job forge.jobs,
    at timestamptz
)
returns forge.jobs
language plpgsql volatile
-- A plan that was made while a table was empty would go on reading all of it when it is not.
set enable_seqscan = off
as $function$
begin
    job.scheduled_at := greatest(job.scheduled_at, (forge._spent(job, _await_key.at)).until);
    update forge.jobs as j
    set scheduled_at = job.scheduled_at
    where j.id = job.id and j.scheduled_at < job.scheduled_at;
    return job;
end;
$function$;
comment on function forge._await_key(forge.jobs, timestamptz) is
'Puts a job off that was just inserted, until its key is no longer spent. Internal.';

create or replace function forge._spend_key(
    job forge.jobs,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    insert into forge.spent_keys (unique_scope, unique_key, until, id)
    values (job.unique_scope, job.unique_key, at + (job.extra).unique_for, job.id);
end;
$function$;
comment on function forge._spend_key(forge.jobs, timestamptz) is
'Keeps the key of a job that was completed taken for its unique_for. Internal.';

create or replace function forge._free_keys(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_count bigint;
begin
    delete from forge.spent_keys as s
    where s.ctid = any(array(
        select o.ctid
        from forge.spent_keys as o
        where o.until <= _free_keys.at
        order by o.until
        limit 5000
        for update skip locked
    ));
    get diagnostics v_count = row_count;
    return next ('freed_keys', v_count)::forge.tick_result;
end;
$function$;
comment on function forge._free_keys(timestamptz) is
'Removes spent keys whose time is over, a bounded number; returns how many. Internal.';
