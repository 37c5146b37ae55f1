-- Which jobs are meant: one filter for all that lists, counts or changes many of them.
--
-- Locks: none. Raises: JQ001, JQ005. Called by: lists, counts, edit_jobs, cancel_jobs, retry_jobs,
-- retry_dead, discard_dead and revivals.

create or replace function forge._matches(
    filter forge.job_filter,
    queue text,
    type text,
    status text,
    priority integer,
    created_at timestamptz,
    scheduled_at timestamptz,
    finished_at timestamptz,
    tags text[],
    fingerprint text,
    errors jsonb,
    payload jsonb
)
returns boolean
language sql immutable
as $function$
    -- What is cheap to look at first: documents may have to be fetched from elsewhere and unpacked.
    select (($1).queue is null or $2 = ($1).queue)
        and (($1).type is null or $3 = ($1).type)
        and (($1).status is null or $4 = ($1).status)
        and (($1).priority is null or $5 = ($1).priority)
        and (($1).created_after is null or $6 >= ($1).created_after)
        and (($1).created_before is null or $6 < ($1).created_before)
        and (($1).scheduled_after is null or $7 > ($1).scheduled_after)
        and (($1).scheduled_before is null or $7 < ($1).scheduled_before)
        and (($1).died_before is null or $8 < ($1).died_before)
        and (($1).tag is null or ($1).tag = any($9))
        and (($1).fingerprint is null or $10 = ($1).fingerprint)
        and (
            ($1).error_contains is null
            or pg_catalog.strpos(
                pg_catalog.lower($11 -> -1 ->> 'error'), pg_catalog.lower(($1).error_contains)
            ) > 0
        )
        and (($1).payload_contains is null or $12 @> ($1).payload_contains);
$function$;
comment on function forge._matches(
    forge.job_filter, text, text, text, integer, timestamptz, timestamptz, timestamptz, text[], text, jsonb,
    jsonb
) is
'Whether a job is what a filter asks for, its ids apart; a null in the filter asks for nothing. Internal.';

create or replace function forge._check_filter(
    filter forge.job_filter
)
returns void
language plpgsql volatile
as $function$
begin
    if filter.queue is not null then
        perform forge._check_name('queue', filter.queue);
    end if;
    if filter.type is not null then
        perform forge._check_name('type', filter.type);
    end if;
    if filter.status not in ('WAITING', 'PENDING', 'PROCESSING', 'COMPLETED', 'DEAD', 'CANCELLED') then
        perform forge._invalid(
            'status', filter.status, 'use WAITING, PENDING, PROCESSING, COMPLETED, DEAD or CANCELLED'
        );
    elsif cardinality(filter.ids) > 10000 then
        perform forge._invalid(
            'ids', cardinality(filter.ids)::text || ' ids',
            'name at most 10000; split them over several calls'
        );
    elsif jsonb_typeof(filter.payload_contains) not in ('object', 'array') then
        perform forge._invalid(
            'payload', filter.payload_contains::text, 'use an object or an array that the payload contains'
        );
    end if;
    if filter.payload_contains is not null then
        perform forge._check_size('payload', filter.payload_contains);
    end if;
end;
$function$;
comment on function forge._check_filter(forge.job_filter) is
'Raises JQ001 or JQ005 for a filter of jobs that cannot be. Internal.';

create or replace function forge._check_batch_size(
    max_jobs integer
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_batch_size.max_jobs between 1 and 10000) is not true then
        perform forge._invalid('max_jobs', _check_batch_size.max_jobs::text, 'use 1 to 10000');
    end if;
end;
$function$;
comment on function forge._check_batch_size(integer) is
'Raises JQ001 unless so many jobs can be changed at once. Internal.';

create or replace function forge._check_batch(
    filter forge.job_filter,
    after bigint,
    max_jobs integer
)
returns void
language plpgsql volatile
as $function$
begin
    perform forge._check_filter(filter);
    perform forge._check_batch_size(_check_batch.max_jobs);
    if (_check_batch.after >= 0) is not true then
        perform forge._invalid('after', _check_batch.after::text, 'use 0 or the last_id of a batch');
    end if;
end;
$function$;
comment on function forge._check_batch(forge.job_filter, bigint, integer) is
'Raises JQ001 or JQ005 for a batch of a walk over jobs that cannot be. Internal.';
