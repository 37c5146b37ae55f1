-- Tokens of the HTTP API: made, revoked, listed, and recognised by their hash.
--
-- A token is shown once, by create_token, and is never sent to the database again: who checks one sends its
-- SHA-256, so that no log of statements holds it. Locks: the row; authenticate waits for none. Raises: JQ001.

create or replace function forge._token_row(token forge.tokens)
returns forge.token_row
language sql stable
begin atomic
    select
        $1.id, $1.name, $1.role, $1.created_at, $1.expires_at, $1.revoked_at, $1.last_used_at;
end;
comment on function forge._token_row(forge.tokens) is
'A token without its hash. Internal.';

create or replace function forge._token_hash(token text)
returns bytea
language sql immutable parallel safe
as $function$
    select pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8'));
$function$;
comment on function forge._token_hash(text) is
'What is kept of a token. Internal.';

create or replace function forge.create_token(
    role text,
    name text,
    expires_in interval default null
)
returns forge.new_token
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_token text;
    v_row forge.tokens;
begin
    if (create_token.role in ('viewer', 'producer', 'worker', 'operator')) is not true then
        perform forge._invalid('role', create_token.role, 'use viewer, producer, worker or operator');
    end if;
    perform forge._check_name('name', create_token.name);
    if (create_token.expires_in between interval '1 second' and interval '3650 days') is false then
        perform forge._invalid(
            'expires_in', create_token.expires_in::text, 'use 1 second to 3650 days, or null for never'
        );
    end if;

    -- Two random uuids have 244 random bits between them, from the server's strong generator; their hash has
    -- the form of none of them. What begins with forge_ is found by scanners of repositories.
    v_token := 'forge_' || encode(
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'
    );
    insert into forge.tokens as t (hash, role, name, created_at, expires_at)
    values (
        forge._token_hash(v_token), create_token.role, create_token.name, v_now,
        v_now + create_token.expires_in
    )
    returning t.* into v_row;

    -- Here, as there is a row now: removing the last one would open the API.
    delete from forge.tokens as t
    where t.id in (
        select o.id
        from forge.tokens as o
        where least(o.expires_at, o.revoked_at) < v_now - interval '90 days'
        order by o.id
        limit 100
        for update skip locked
    );
    return (
        v_row.id, v_token, v_row.name, v_row.role, v_row.created_at, v_row.expires_at
    )::forge.new_token;
end;
$function$;
comment on function forge.create_token(text, text, interval) is
'Makes a token for the HTTP API and returns it, this once.

The first token closes the API: from then on every caller needs one, on loopback too, and it stays that way
when all of them are revoked or expired. Only the SHA-256 of a token is kept.

Parameters:
  role        what its bearer may do: viewer, producer, worker or operator
  name        whose it is, for people: 1 to 200 characters
  expires_in  how long it is good for, 1 second to 3650 days; default null: until it is revoked
Returns: one row: id, token, name, role, created_at, expires_at. What ended 90 days ago is forgotten.
Raises: JQ001.
Example: select id, token from forge.create_token(''viewer'', ''wall screen'', expires_in => ''90 days'');';

create or replace function forge.revoke_token(
    id bigint
)
returns setof forge.token_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_row forge.tokens;
begin
    update forge.tokens as t
    set revoked_at = coalesce(t.revoked_at, v_now)
    where t.id = revoke_token.id
    returning t.* into v_row;
    if found then
        return next forge._token_row(v_row);
    end if;
end;
$function$;
comment on function forge.revoke_token(bigint) is
'Ends a token for good. Every API heeds it within 5 seconds, on open event streams too.

Parameters:
  id  of the token
Returns: the token, as list_tokens; one that was revoked before keeps its time; no row where none has
  this id.
Example: select id, name, revoked_at from forge.revoke_token(1);';

create or replace function forge.list_tokens(
    before bigint default null,
    max_rows integer default 100
)
returns setof forge.token_row
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    if (list_tokens.max_rows between 1 and 1000) is not true then
        perform forge._invalid('max_rows', list_tokens.max_rows::text, 'use 1 to 1000');
    end if;
    return query
    select (forge._token_row(t)).*
    from forge.tokens as t
    where t.id < coalesce(list_tokens.before, 9223372036854775807)
    order by t.id desc
    limit list_tokens.max_rows;
end;
$function$;
comment on function forge.list_tokens(bigint, integer) is
'The tokens of the HTTP API, the newest first, without what would let anybody in.

Parameters:
  before    only ids below this: the last one of the page before; default null: from the newest
  max_rows  1 to 1000
Returns: one row a token: id, name, role, created_at, expires_at, revoked_at, last_used_at
  (to about a minute).
Raises: JQ001.
Example: select id, name, role, last_used_at from forge.list_tokens() where revoked_at is null;';

create or replace function forge.authenticate(
    hash bytea
)
returns setof forge.token_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_row forge.tokens;
begin
    select t.* into v_row
    from forge.tokens as t
    where t.hash = authenticate.hash
        and t.revoked_at is null
        and (t.expires_at > v_now) is not false;
    if not found then
        return;
    end if;
    -- Seldom, and waiting for nobody; on a standby never.
    if (v_row.last_used_at > v_now - interval '1 minute') is not true
        and current_setting('transaction_read_only') = 'off'
    then
        update forge.tokens as t
        set last_used_at = v_now
        from (
            select o.id from forge.tokens as o where o.id = v_row.id for no key update skip locked
        ) as free
        where t.id = free.id;
        v_row.last_used_at := v_now;
    end if;
    return next forge._token_row(v_row);
end;
$function$;
comment on function forge.authenticate(bytea) is
'Whose token has this SHA-256. An API asks this; it never sends the token itself.

Parameters:
  hash  sha256 of the token: 32 bytes
Returns: the token, as list_tokens; no row where it is unknown, revoked or expired. It notes the time of
  the use, once a minute.
Example: select name, role from forge.authenticate(sha256(''forge_0123''));';

create or replace function forge.needs_token()
returns boolean
language sql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    select exists (select from forge.tokens as t);
$function$;
comment on function forge.needs_token() is
'Whether the HTTP API asks its callers for a token, because there is or was one.

Returns: true from the first create_token on, also when all tokens are revoked or expired.
Example: select forge.needs_token();';
