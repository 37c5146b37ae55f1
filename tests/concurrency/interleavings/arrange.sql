-- A job in each of the states that a race can begin in, and the state it is in after it.
--
-- Each job has a queue of its own, whose name is that of its worker too, and the key k there. The claim that
-- a race knows of is the job's first: where the job no longer runs under it, its lease is a stale one.

create sequence forge_test.race_seq;

-- what run and run_claimed run
create function public.nothing(payload jsonb) returns jsonb language sql as 'select null::jsonb';
do $do$ begin perform forge.register_sql_handler('t', 'public.nothing'); end $do$;

create type forge_test.arranged as (id bigint, lease uuid, queue text);

create function forge_test.arrange(state text, rich boolean)
returns forge_test.arranged
language plpgsql
as $function$
declare
    v_queue constant text := 'q' || nextval('forge_test.race_seq');
    v_row forge_test.arranged;
begin
    -- what an earlier race has left to the tick is not this one's
    update forge.jobs as j
    set lease_expires_at = forge.now() + '1 hour'
    where j.status = 'PROCESSING' and j.lease_expires_at < forge.now();

    perform forge.set_queue(v_queue, max_retries => 5);
    v_row.queue := v_queue;
    if arrange.state = 'OPEN' then
        v_row.id := forge.open_batch('t', queue => v_queue, options => jsonb_strip_nulls(jsonb_build_object(
            'unique_key', 'k', 'concurrency_key', case when arrange.rich then 'c' end
        )));
    else
        v_row.id := forge.enqueue(
            't', queue => v_queue, unique_key => 'k',
            concurrency_key => case when arrange.rich then 'c' end,
            depends_on => case
                when arrange.state = 'WAITING'
                then array[forge.enqueue('parent', queue => v_queue || ' parents')]
            end
        );
    end if;
    if arrange.rich then
        perform forge.enqueue(
            'child', queue => v_queue || ' children', depends_on => array[v_row.id],
            on_parent_failure => 'run'
        );
    end if;
    if arrange.state in ('WAITING', 'OPEN') then
        v_row.lease := gen_random_uuid();
        return v_row;
    end if;

    select d.lease into strict v_row.lease
    from forge.dequeue(v_queue, v_queue, lease => '1 hour') as d;
    case split_part(arrange.state, '_', 1)
        when 'PENDING' then perform forge.release(v_row.id, v_row.lease);
        when 'LATER' then perform forge.snooze(v_row.id, v_row.lease, '1 hour');
        when 'RUNNING', 'STOPPING' then null;
        when 'EXPIRED' then
            update forge.jobs as j
            set lease_expires_at = forge.now() - interval '1 second'
            where j.id = v_row.id;
        when 'TAKEN' then
            perform forge.release(v_row.id, v_row.lease);
            perform forge.dequeue(v_queue, 'another', lease => '1 hour');
        when 'COMPLETED' then perform forge.complete(v_row.id, v_row.lease);
        when 'CANCELLED' then
            perform forge.cancel(v_row.id);
            perform forge.release(v_row.id, v_row.lease);
        when 'DEAD', 'DISCARDED' then
            perform forge.fail(v_row.id, v_row.lease, 'no', retryable => false);
        when 'GONE' then perform forge.drop_queue(v_queue);
    end case;
    if arrange.state in ('STOPPING', 'EXPIRED_STOPPING', 'TAKEN_STOPPING') then
        perform forge.cancel(v_row.id);
    elsif arrange.state = 'DISCARDED' then
        perform forge.discard(v_row.id);
    end if;
    return v_row;
end;
$function$;

-- Its state, and after a plus that of another job of its queue: new (it is due), later, held or run.
create function forge_test.state(id bigint, lease uuid, queue text)
returns text
language sql
as $function$
    select coalesce(
        (
            select case
                when j.status = 'WAITING' and exists (
                    select from forge.open_dependencies as o where o.child = j.id and o.parent = j.id
                ) then 'OPEN'
                when j.status = 'WAITING' then 'WAITING'
                when j.status = 'PENDING' and j.scheduled_at > forge.now() then 'LATER'
                when j.status = 'PENDING' then 'PENDING'
                when j.lease <> $2 and j.cancel_requested_at is null then 'TAKEN'
                when j.lease <> $2 then 'TAKEN_STOPPING'
                when j.lease_expires_at < forge.now() and j.cancel_requested_at is null then 'EXPIRED'
                when j.lease_expires_at < forge.now() then 'EXPIRED_STOPPING'
                when j.cancel_requested_at is null then 'RUNNING'
                else 'STOPPING'
            end || case when j.queue <> $3 then '_AWAY' else '' end
            from forge.jobs as j
            where j.id = $1
        ),
        (select 'DEAD' from forge.dead_jobs as d where d.id = $1),
        (
            select case h.status when 'DEAD' then 'DISCARDED' else h.status end
            from forge.history as h
            where h.id = $1
        ),
        'GONE'
    ) || coalesce(
        (
            select string_agg(
                case
                    when j.status = 'PROCESSING' then '+run'
                    when j.status = 'WAITING' then '+held'
                    when j.scheduled_at > forge.now() then '+later'
                    else '+new'
                end,
                ''
            )
            from forge.jobs as j
            where j.queue = $3 and j.id <> $1
        ),
        ''
    );
$function$;
