-- Admission: what operators set and see, and what the tick does for it.
--
-- Locks: the row of forge.settings, so that one sets at a time. Raises: JQ001.

create or replace function forge._begin_setting()
returns void
language plpgsql volatile
as $function$
begin
    perform from forge.settings as s for update;
end;
$function$;
comment on function forge._begin_setting() is
'Waits until nobody else changes what is taken in. Internal.';

create or replace function forge._end_setting()
returns void
language plpgsql volatile
as $function$
declare
    v_queues constant text[] := array(select a.queue from forge.admissions as a order by a.queue);
    v_types constant text[] := array(select p.type from forge.payload_checks as p order by p.type);
begin
    execute format(
        'create or replace function forge._is_open(queue text, type text) returns boolean '
            'language sql stable parallel safe as %L',
        case
            when v_queues = '{}' and v_types = '{}' then 'select true'
            else format(
                'select $1 operator(pg_catalog.<>) all (%L::pg_catalog.text[]) '
                    'and $2 operator(pg_catalog.<>) all (%L::pg_catalog.text[])',
                v_queues, v_types
            )
        end
    );
end;
$function$;
comment on function forge._end_setting() is
'Has exactly those jobs looked at whose queue or type asks something of them. Internal.';

create or replace function forge._admission_row(queue text)
returns forge.admission_row
language sql volatile
as $function$
    select
        a.queue, a.max_depth, a.on_full, a.defer_for,
        least(a.depth + pg_catalog.pg_sequence_last_value(a.arrivals) - a.mark, a.max_depth)::integer,
        a.sampled_at, a.created_at, a.updated_at
    from forge.admissions as a
    where a.queue = $1;
$function$;
comment on function forge._admission_row(text) is
'One admission with its depth. Internal.';

create or replace function forge._new_admission(
    queue text,
    max_depth integer,
    at timestamptz
)
returns forge.admissions
language plpgsql volatile
as $function$
declare
    v_row forge.admissions;
begin
    v_row.queue := _new_admission.queue;
    v_row.max_depth := _new_admission.max_depth;
    v_row.on_full := 'reject';
    v_row.defer_for := '1 minute';
    v_row.created_at := _new_admission.at;
    v_row.updated_at := _new_admission.at;
    select min(n.number) into v_row.counter
    from generate_series(1, (select count(*) + 1 from forge.admissions)) as n (number)
    where not exists (select from forge.admissions as a where a.counter = n.number);
    -- Never dropped: that would wait for whoever has just enqueued.
    execute format(
        'create sequence if not exists forge.arrivals_%s owned by forge.admissions.counter', v_row.counter
    );
    v_row.arrivals := format('forge.arrivals_%s', v_row.counter)::regclass;
    perform nextval(v_row.arrivals);
    return v_row;
end;
$function$;
comment on function forge._new_admission(text, integer, timestamptz) is
'An admission of a queue that had none. Internal.';

create or replace function forge.set_admission(
    queue text,
    max_depth integer default null,
    on_full text default null,
    defer_for interval default null,
    unset text[] default '{}'
)
returns forge.admission_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_row forge.admissions;
    v_none forge.admission_row;
begin
    perform forge._check_name('queue', set_admission.queue);
    perform forge._check_unset(set_admission.unset, '{max_depth,on_full,defer_for}');
    if (set_admission.max_depth between 1 and 1000000) is false then
        perform forge._invalid('max_depth', set_admission.max_depth::text, 'use 1 to 1000000');
    elsif (set_admission.on_full in ('reject', 'defer', 'drop_oldest')) is false then
        perform forge._invalid('on_full', set_admission.on_full, 'use reject, defer or drop_oldest');
    elsif (set_admission.defer_for between interval '1 second' and interval '365 days') is false then
        perform forge._invalid('defer_for', set_admission.defer_for::text, 'use 1 second to 365 days');
    end if;
    perform forge._begin_setting();
    select a.* into v_row from forge.admissions as a where a.queue = set_admission.queue;
    if set_admission.max_depth is null and 'max_depth' = any(set_admission.unset) then
        delete from forge.admissions as a where a.queue = set_admission.queue;
        perform forge._end_setting();
        perform forge._announce('queue');
        v_none.queue := set_admission.queue;
        return v_none;
    elsif v_row.queue is null then
        if set_admission.max_depth is null then
            perform forge._invalid('max_depth', null, 'say how many jobs the queue takes in');
        end if;
        v_row := forge._new_admission(set_admission.queue, set_admission.max_depth, v_now);
    end if;

    v_row.max_depth := coalesce(set_admission.max_depth, v_row.max_depth);
    v_row.on_full := coalesce(
        set_admission.on_full,
        case when 'on_full' = any(set_admission.unset) then 'reject' end,
        v_row.on_full
    );
    v_row.defer_for := coalesce(
        set_admission.defer_for,
        case when 'defer_for' = any(set_admission.unset) then interval '1 minute' end,
        v_row.defer_for
    );
    v_row.updated_at := v_now;
    v_row := forge._sample_depth(v_row, v_now);
    delete from forge.admissions as a where a.queue = v_row.queue;
    insert into forge.admissions select v_row.*;
    perform forge._end_setting();
    perform forge._announce('queue');
    return forge._admission_row(v_row.queue);
end;
$function$;
comment on function forge.set_admission(text, integer, text, interval, text[]) is
'Limits how many jobs a queue takes in.

The depth is known approximately: the tick looks once a second, less often where that takes long; claims
since then are not taken off yet, and jobs whose transaction was open at that look are not counted until the
next. Retries and jobs that schedules make are always taken in.

Parameters:
  queue      its name; it need not have been used before
  max_depth  how many PENDING jobs it has at most, 1 to 1000000; null leaves it
  on_full    what happens to a job beyond: reject (JQ013); defer (it is due later; then only jobs that are
             due count); drop_oldest (it comes in, and of the jobs of the lowest priority the one that has
             been due for longest goes to the history as CANCELLED; for a job with a concurrency_key, the
             next one of that key); default reject; null leaves it
  defer_for  how much later, 1 second to 365 days; default 1 minute; null leaves it
  unset      names of the settings that go back to the default; max_depth: the queue takes in any number
Returns: queue, max_depth (null: any number), on_full, defer_for, depth, sampled_at, created_at, updated_at.
Raises: JQ001.
Example: select * from forge.set_admission(''default'', max_depth => 10000, on_full => ''defer'');';

create or replace function forge.list_admissions()
returns setof forge.admission_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    return query
    select r.*
    from forge.admissions as a
    cross join lateral forge._admission_row(a.queue) as r
    order by a.queue;
end;
$function$;
comment on function forge.list_admissions() is
'The queues that take in a limited number of jobs, and about how deep they are.

Returns: one row a queue: queue, max_depth, on_full, defer_for, depth (at most max_depth), sampled_at,
created_at, updated_at.
Example: select * from forge.list_admissions();';

create or replace function forge._keep_admissions(at timestamptz)
returns setof forge.tick_result
language plpgsql volatile
as $function$
declare
    v_row forge.admissions;
    v_count bigint := 0;
begin
    for v_row in
        select a.*
        from forge.admissions as a
        -- at most a twentieth of the time goes into it
        where a.sampled_at <= _keep_admissions.at - greatest(interval '0.9 seconds', a.took * 20)
            or a.sampled_at > _keep_admissions.at
        order by a.queue
        for no key update skip locked
    loop
        v_row := forge._sample_depth(v_row, _keep_admissions.at);
        update forge.admissions as a
        set mark = v_row.mark, depth = v_row.depth, sampled_at = v_row.sampled_at, took = v_row.took
        where a.queue = v_row.queue;
        v_count := v_count + 1;
    end loop;
    return next ('depths', v_count)::forge.tick_result;

    delete from forge.deferrals as d
    where d.id = any(array(
        select o.id from forge.deferrals as o where o.until <= _keep_admissions.at order by o.until limit 5000
    ));
end;
$function$;
comment on function forge._keep_admissions(timestamptz) is
'Looks how deep the queues are whose depth is limited, and returns how many they were. Internal.';

create or replace function forge._explain_admission(
    job forge.jobs,
    at timestamptz
)
returns setof forge.reason
language plpgsql stable
as $function$
begin
    return query
    select
        'deferred',
        format('the queue %s was full when it was enqueued, and put it off until %s', job.queue, d.until),
        jsonb_build_object('queue', job.queue, 'until', d.until, 'max_depth', a.max_depth)
    from forge.deferrals as d
    left join forge.admissions as a on a.queue = job.queue
    where d.id = job.id
        and job.status = 'PENDING'
        and job.scheduled_at = d.until
        and d.until > _explain_admission.at;
end;
$function$;
comment on function forge._explain_admission(forge.jobs, timestamptz) is
'Whether a job is held back because its queue was full. Internal.';
