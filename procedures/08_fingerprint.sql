-- The fingerprint of an error: what is left of it once all that differs between two times is taken out.
--
-- Two errors with the same title have the same fingerprint, and no others have. Only the beginning of
-- the text counts, so that a dump of data behind it splits no group, and the work is bounded.
-- Locks: none. Called by: whatever buries a job; callers who want to know a group's name.

create or replace function forge._normalise(error text)
returns text
language plpgsql immutable parallel safe
as $function$
declare
    v_text text := left(_normalise.error, 500);
begin
    -- The order matters: a part that may hold others goes before them. What stands in quotes is taken for
    -- a value only where a quote opens after no letter and closes before none, which an apostrophe does not.
    -- Each is tried only where a character says that it may be there: that halves the work.
    if strpos(v_text, '"') > 0 or strpos(v_text, '''') > 0 or strpos(v_text, '`') > 0 then
        v_text := regexp_replace(v_text, $$(?<!\w)("[^"]*"|'[^']*'|`[^`]*`)(?!\w)$$, '<text>', 'g');
    end if;
    if strpos(v_text, '://') > 0 then
        v_text := regexp_replace(v_text, '\m[[:alpha:]][[:alnum:]+.-]*://[^\s<>]+', '<url>', 'g');
    end if;
    if strpos(v_text, '@') > 0 then
        v_text := regexp_replace(v_text, '[\w.%+-]+@[\w-]+(\.[\w-]+)+', '<email>', 'g');
    end if;
    if strpos(v_text, '-') > 0 then
        v_text := regexp_replace(
            v_text, '\m[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\M', '<uuid>', 'gi');
        v_text := regexp_replace(
            v_text,
            '\m\d{4}-\d\d?-\d\d?([T ]\d\d?:\d\d(:\d\d([.,]\d+)?)?( ?Z\M| ?[+-]\d\d(:?\d\d)?)?)?',
            '<time>', 'g');
    end if;
    if strpos(v_text, ':') > 0 then
        v_text := regexp_replace(v_text, '\m\d\d?:\d\d:\d\d([.,]\d+)?', '<time>', 'g');
        v_text := regexp_replace(
            v_text,
            '\[?(?<![\w:])([0-9a-f]{1,4}:){2,7}(:?[0-9a-f]{1,4})(:[0-9a-f]{1,4})*\M(\]:\d+)?'
            '|\[?(?<![\w:])([0-9a-f]{1,4}:)*:([0-9a-f]{1,4}:)*[0-9a-f]{1,4}\M(\]:\d+)?',
            '<address>', 'gi');
    end if;
    if strpos(v_text, '/') > 0 or strpos(v_text, '\') > 0 then
        v_text := regexp_replace(
            v_text,
            '(?<![\w.:/<>])(~|\.{1,2}|[[:alpha:]]:)?[/\\][\w.@+%-]+([/\\][\w.@+%-]*)*', '<path>', 'g');
    end if;
    if v_text ~ '\d' then
        v_text := regexp_replace(v_text, '\m\d{1,3}(\.\d{1,3}){3}(:\d+)?\M', '<address>', 'g');
        v_text := regexp_replace(v_text, '\m0x[0-9a-f]+\M', '<hex>', 'gi');
        -- A word of digits and letters, as ids of other systems are; a short one, as utf8, keeps its letters.
        v_text := regexp_replace(
            v_text, '\m(?=[\w-]*\d)(?=[\w-]*[[:alpha:]])[\w-]{8,}\M', '<id>', 'g');
        v_text := regexp_replace(v_text, '[+-]?\d+([.,:]\d+)*', '<n>', 'g');
    end if;
    v_text := regexp_replace(v_text, '\s+', ' ', 'g');
    return left(btrim(v_text), 200);
end;
$function$;
comment on function forge._normalise(text) is
'The first 200 characters of an error without numbers, ids, times, addresses, paths, quoted texts. Internal.';

create or replace function forge.fingerprint(
    error_type text,
    error text
)
returns forge.error_print
language plpgsql immutable parallel safe security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_row forge.error_print;
begin
    v_row.title := concat_ws(
        ': ',
        nullif(left(btrim(fingerprint.error_type), 200), ''),
        nullif(forge._normalise(fingerprint.error), '')
    );
    -- Not md5, which a server held to FIPS refuses. The escapes make bytes of the text in any encoding.
    v_row.fingerprint := left(
        encode(sha256(decode(replace(v_row.title, '\', '\\'), 'escape')), 'hex'), 16
    );
    return v_row;
end;
$function$;
comment on function forge.fingerprint(text, text) is
'What an error has in common with others of its kind: a short hash, and the text that it is of.

Taken out are numbers, ids, uuids, hexadecimal values, times, addresses, emails, URLs, paths and quoted texts.
The class stays as it is, so that a status code is better put there than into the text.

Parameters:
  error_type  the class of the error; null: none
  error       its text, of which the first 500 characters count; null: none
Returns: fingerprint (16 characters), title (the class, and up to 200 characters of what is left).
Example: select * from forge.fingerprint(''Timeout'', ''no answer from 10.1.2.3:443 after 30.1 s'');';
