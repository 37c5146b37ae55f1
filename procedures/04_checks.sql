-- Checks of arguments that several functions share. Each raises, or returns nothing.
--
-- The hot functions test all their arguments in one condition and call in here only to say which
-- of them was wrong. Locks: none. Raises: JQ001, JQ005, JQ006.

create or replace function forge._is_plain(name text)
returns boolean
language sql immutable parallel safe
as $function$
    select $1 !~ '[\x01-\x1f\x7f]';
$function$;
comment on function forge._is_plain(text) is
'Whether a text has no control characters. Internal.';

create or replace function forge._is_name(name text)
returns boolean
language sql immutable parallel safe
as $function$
    select pg_catalog.char_length($1) between 1 and 200 and forge._is_plain($1);
$function$;
comment on function forge._is_name(text) is
'Whether a text can be a queue, type or worker: 1 to 200 characters, none of them a control. Internal.';

create or replace function forge._check_name(
    argument text,
    name text
)
returns void
language plpgsql volatile
as $function$
begin
    if forge._is_name(_check_name.name) is not true then
        perform forge._invalid(
            _check_name.argument, _check_name.name,
            'use 1 to 200 characters without control characters'
        );
    end if;
end;
$function$;
comment on function forge._check_name(text, text) is
'Raises JQ001 unless a text can be a queue, type or worker. Internal.';

create or replace function forge._check_size(
    argument text,
    document jsonb
)
returns void
language plpgsql volatile
as $function$
declare
    v_limit integer;
    v_bytes integer;
begin
    -- By its text, as that is what readers get: a stored value may be compressed, and 1e131071 takes
    -- up a few bytes. 1,024 bytes are below any limit that can be set.
    v_bytes := octet_length(_check_size.document::text);
    if v_bytes <= 1024 then
        return;
    end if;
    select s.payload_limit into v_limit from forge.settings as s;
    if v_bytes > v_limit then
        perform forge._too_large(
            _check_size.argument, v_bytes, v_limit,
            'store it elsewhere and pass a reference'
        );
    end if;
end;
$function$;
comment on function forge._check_size(text, jsonb) is
'Raises JQ005 when a document is over settings.payload_limit. Internal.';

create or replace function forge._check_policy(
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer
)
returns void
language plpgsql volatile
as $function$
begin
    if (_check_policy.retry_base between interval '0' and interval '365 days') is false then
        perform forge._invalid('retry_base', _check_policy.retry_base::text, 'use 0 to 365 days');
    elsif (_check_policy.retry_factor between 1 and 100) is false then
        perform forge._invalid('retry_factor', _check_policy.retry_factor::text, 'use 1 to 100');
    elsif (_check_policy.retry_cap between interval '0' and interval '365 days') is false then
        perform forge._invalid('retry_cap', _check_policy.retry_cap::text, 'use 0 to 365 days');
    elsif (_check_policy.retry_jitter between 0 and 1) is false then
        perform forge._invalid('retry_jitter', _check_policy.retry_jitter::text, 'use 0 to 1');
    elsif (_check_policy.max_retries between 0 and 100000) is false then
        perform forge._invalid('max_retries', _check_policy.max_retries::text, 'use 0 to 100000');
    end if;
end;
$function$;
comment on function forge._check_policy(
    interval, double precision, interval, double precision, integer
) is
'Raises JQ001 for a retry policy out of range; null is allowed and inherits. Internal.';

create or replace function forge._is_claim(
    queue text,
    worker text,
    max_jobs integer,
    lease interval
)
returns boolean
language sql stable
as $function$
    select forge._is_name($1)
        and ($2 is null or forge._is_name($2))
        and $3 between 1 and 1000
        and $4 between interval '1 second' and interval '1 day'
        and pg_catalog.current_setting('transaction_isolation') = 'read committed';
$function$;
comment on function forge._is_claim(text, text, integer, interval) is
'Whether a claim can work with its arguments, in this transaction. Internal.';

create or replace function forge._check_claim(
    queue text,
    worker text,
    max_jobs integer,
    lease interval
)
returns void
language plpgsql volatile
as $function$
begin
    perform forge._check_name('queue', _check_claim.queue);
    if _check_claim.worker is not null then
        perform forge._check_name('worker', _check_claim.worker);
    end if;
    if (_check_claim.max_jobs between 1 and 1000) is not true then
        perform forge._invalid('max_jobs', _check_claim.max_jobs::text, 'use 1 to 1000');
    end if;
    if (_check_claim.lease between interval '1 second' and interval '1 day') is not true then
        perform forge._invalid('lease', _check_claim.lease::text, 'use 1 second to 1 day');
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception using
            errcode = 'JQ006',
            message = 'claims need a transaction in READ COMMITTED',
            detail = format('transaction_isolation=%s', current_setting('transaction_isolation')),
            hint = 'claim in a transaction of its own: begin isolation level read committed';
    end if;
end;
$function$;
comment on function forge._check_claim(text, text, integer, interval) is
'Raises JQ001 or JQ006 for arguments that a claim cannot work with. Internal.';
