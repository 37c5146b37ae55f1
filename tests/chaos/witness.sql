-- What the database itself saw: each time a job went from one status, lease or table to another, or was given
-- another payload or key where it was (an edit), and which public function did it. Forge has no triggers on its
-- job tables; these are the test's.

create schema witness;

create table witness.moves (
    n bigserial primary key,
    at timestamptz not null default clock_timestamp(),
    xid text not null default pg_current_xact_id()::text,
    id bigint not null,
    place text not null,            -- the table
    edit boolean not null,          -- it stays what it was and under the lease that it had
    gone text,                      -- status in the row that was; null: there was none
    came text,                      -- status in the row that is
    by text,
    lease uuid,
    lease_expires_at timestamptz,
    worker text,
    queue text not null,
    key text,
    priority integer not null,
    attempts integer not null,
    max_retries integer,
    scheduled_at timestamptz not null,
    attempted_at timestamptz,
    unique_key text,
    unique_scope text,
    revivals integer not null,
    asked boolean not null,         -- to be cancelled
    error_type text,
    nonce text,
    schedule text,
    nominal_at timestamptz
);

create function witness.see()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_job record;
    v_held record;
    v_stack text;
    v_by text;
begin
    if tg_op = 'DELETE' then
        v_job := old;
    else
        v_job := new;
    end if;
    v_held := v_job;
    if tg_op = 'UPDATE' and old.lease is not null then
        v_held := old;              -- the lease that ends here
    end if;
    get diagnostics v_stack = pg_context;
    -- The outermost of the calls is the one that somebody made. Named as its own search_path sees it.
    select f.name[1] into v_by
    from regexp_matches(v_stack, 'function (?:forge\.)?([a-z]\w*)\(', 'g') with ordinality as f (name, place)
    order by f.place desc
    limit 1;
    insert into witness.moves (
        id, place, edit, gone, came, by, lease, lease_expires_at, worker, queue, key, priority, attempts, max_retries,
        scheduled_at, attempted_at, unique_key, unique_scope, revivals, asked, error_type, nonce,
        schedule, nominal_at
    )
    values (
        v_job.id,
        case when tg_table_name in ('jobs', 'dead_jobs') then tg_table_name else 'history' end,
        tg_op = 'UPDATE' and old.status = new.status and old.lease is not distinct from new.lease,
        old.status,
        new.status,
        v_by, v_held.lease,
        case when tg_table_name = 'jobs' then (to_jsonb(v_held) ->> 'lease_expires_at')::timestamptz end,
        v_job.worker, v_job.queue, v_job.concurrency_key, v_job.priority, v_job.attempts, v_job.max_retries,
        v_job.scheduled_at, v_job.attempted_at, v_job.unique_key, v_job.unique_scope, v_job.revivals,
        v_job.cancel_requested_at is not null,
        v_job.errors -> -1 ->> 'error_type',
        v_job.payload ->> 'nonce',
        (v_job.extra).schedule, (v_job.extra).nominal_at
    );
    return null;
end;
$function$;

create trigger see_birth_and_end after insert or delete on forge.jobs
for each row execute function witness.see();
create trigger see_change after update on forge.jobs
for each row when (
    (old.status, old.lease, old.unique_key, old.payload)
    is distinct from (new.status, new.lease, new.unique_key, new.payload)
)
execute function witness.see();
create trigger see_history after insert or delete on forge.history
for each row execute function witness.see();
create trigger see_dead after insert or delete on forge.dead_jobs
for each row execute function witness.see();
