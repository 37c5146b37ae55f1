-- Errors: the SQLSTATE class JQ. The standard keeps classes 0-4 and A-H for itself; J is free.
--
-- Locks: none. Raises: whatever it is asked to. Called by: every other file, and by callers that
-- turn codes into words.

create or replace function forge.errors()
returns setof forge.error_code
language sql immutable parallel safe security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    values
    ('JQ001', 'invalid_argument', 'an argument is missing, of the wrong type or out of range'),
    ('JQ002', 'lease_lost', 'the lease is not the current one of a running job'),
    ('JQ003', 'job_not_found', 'no job has this id'),
    ('JQ004', 'wrong_status', 'the status of the job does not allow this'),
    ('JQ005', 'payload_too_large', 'a payload, result or batch is over its limit'),
    ('JQ006', 'wrong_isolation', 'claims need a transaction in READ COMMITTED'),
    ('JQ007', 'schedule_not_found', 'no schedule has this name'),
    ('JQ012', 'unique_conflict', 'a live job holds the unique_key, and the enqueue was not to keep it'),
    ('JQ013', 'queue_full', 'the queue has as many jobs as it admits'),
    ('JQ014', 'payload_invalid', 'the payload does not keep to what is set for its type');
$function$;
comment on function forge.errors() is
'Every error code of Forge.

Returns: one row a code: code (the SQLSTATE), name, meaning.
Example: select * from forge.errors();';

create or replace function forge._invalid(
    argument text,
    value text,
    hint text
)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ001',
        message = format('%s is not valid', _invalid.argument),
        -- cut: a value may be a megabyte, and an error message is no place for it
        detail = format('%s=%s', _invalid.argument, left(coalesce(_invalid.value, 'null'), 200)),
        hint = _invalid.hint;
end;
$function$;
comment on function forge._invalid(text, text, text) is
'Raises JQ001 for one argument. Internal.';

create or replace function forge._too_large(
    argument text,
    bytes bigint,
    most bigint,
    hint text
)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ005',
        message = format('%s is too large', _too_large.argument),
        detail = format('%s of at most %s', _too_large.bytes, _too_large.most),
        hint = _too_large.hint;
end;
$function$;
comment on function forge._too_large(text, bigint, bigint, text) is
'Raises JQ005 for one argument. Internal.';

create or replace function forge._not_found(id bigint)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ003',
        message = 'no job has this id',
        detail = format('id=%s', coalesce(_not_found.id::text, 'null')),
        hint = 'check the id and the queue; finished jobs are kept for the retention of the history';
end;
$function$;
comment on function forge._not_found(bigint) is
'Raises JQ003 for one id. Internal.';

create or replace function forge._wrong_status(
    id bigint,
    status text,
    hint text
)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ004',
        message = 'the status of the job does not allow this',
        detail = format('id=%s status=%s', _wrong_status.id, _wrong_status.status),
        hint = _wrong_status.hint;
end;
$function$;
comment on function forge._wrong_status(bigint, text, text) is
'Raises JQ004 for one job. Internal.';

create or replace function forge._no_schedule(name text)
returns void
language plpgsql volatile
as $function$
begin
    raise exception using
        errcode = 'JQ007',
        message = 'no schedule has this name',
        detail = format('name=%s', left(coalesce(_no_schedule.name, 'null'), 200)),
        hint = 'list_schedules() shows the names there are';
end;
$function$;
comment on function forge._no_schedule(text) is
'Raises JQ007 for one name. Internal.';
