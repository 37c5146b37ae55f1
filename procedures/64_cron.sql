-- Cron: what an expression means. Five fields as Debian's cron and the library cronsim read them.
--
-- Where neither the day of the month nor the day of the week begins with a star, either will do.
-- Locks: none. Raises: JQ001.

create or replace function forge._cron_number(
    field text,
    word text
)
returns integer
language sql immutable parallel safe
as $function$
    select case
        when $2 ~ '^[0-9]{1,9}$' then $2::integer
        when $1 = 'month' then
            array_position('{JAN,FEB,MAR,APR,MAY,JUN,JUL,AUG,SEP,OCT,NOV,DEC}'::text[], $2)
        when $1 = 'day of the week' then
            array_position('{SUN,MON,TUE,WED,THU,FRI,SAT}'::text[], $2) - 1
    end;
$function$;
comment on function forge._cron_number(text, text) is
'The number that a word of a cron field stands for; null for none. Internal.';

create or replace function forge._cron_field(
    field text,
    value text,
    low integer,
    high integer
)
returns integer[]
language plpgsql volatile
as $function$
declare
    v_item text;
    v_part text[];
    v_from integer;
    v_to integer;
    v_step integer;
    v_found integer[] := array[]::integer[];
begin
    foreach v_item in array string_to_array(_cron_field.value, ',') loop
        if _cron_field.field = 'day of the month' and v_item in ('L', 'LW') then
            v_found := v_found || case v_item when 'L' then 32 else 33 end;
            continue;
        end if;
        if _cron_field.field = 'day of the week' then
            -- The n-th (10 to 59) or the last (60 to 66) such day of a month.
            v_part := regexp_match(v_item, '^(?:([0-9]+)L|(\w+)#([0-9]{1,9}))$');
            v_from := forge._cron_number(_cron_field.field, coalesce(v_part[1], v_part[2]));
            if v_from between 0 and 7 and coalesce(v_part[3]::integer, 1) between 1 and 5 then
                v_found := v_found || v_from % 7 + coalesce(v_part[3]::integer, 6) * 10;
                continue;
            end if;
        end if;

        v_part := regexp_match(v_item, '^(?:(\*)|(\w+)(?:-(\w+))?)(?:/([0-9]{1,9}))?$');
        v_from := case
            when v_part[1] is not null then _cron_field.low
            else forge._cron_number(_cron_field.field, v_part[2])
        end;
        v_to := case
            when v_part[3] is not null then forge._cron_number(_cron_field.field, v_part[3])
            when v_part[1] is not null or v_part[4] is not null then _cron_field.high
            else v_from
        end;
        v_step := coalesce(v_part[4]::integer, 1);
        if (
            v_from between _cron_field.low and _cron_field.high
            and v_to between v_from and _cron_field.high
            and v_step > 0
        ) is not true then
            perform forge._invalid(
                'cron', _cron_field.value,
                format(
                    'the %s takes numbers from %s to %s or names, as in 1 1-5 */2 1-9/2 1,3',
                    _cron_field.field, _cron_field.low, _cron_field.high
                )
            );
        end if;
        v_found := v_found || array(
            select case when _cron_field.field = 'day of the week' then n.value % 7 else n.value end
            from generate_series(v_from, v_to, v_step) as n (value)
        );
    end loop;
    return array(select distinct n.value from unnest(v_found) as n (value) order by 1);
end;
$function$;
comment on function forge._cron_field(text, text, integer, integer) is
'The numbers that a field of a cron expression allows, ascending. Of the day of the month, 32 is the last
and 33 the last from Monday to Friday; of the day of the week, 10 n + d is the n-th d, 60 + d the last d of
a month. Internal.';

create or replace function forge._cron_interval(
    expression text,
    length text
)
returns interval
language plpgsql volatile
as $function$
declare
    v_every interval;
begin
    begin
        if _cron_interval.length ~ '^[A-Z]+$' then
            v_every := ('1 ' || _cron_interval.length)::interval;
        elsif _cron_interval.length ~ '^([0-9]{1,9}(\.[0-9]{1,6})? ?[A-Z]+ ?)+$' then
            v_every := _cron_interval.length::interval;
        end if;
    exception
        when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
            v_every := null;
    end;
    if (v_every between interval '1 second' and interval '10 years') is not true then
        perform forge._invalid(
            'cron', _cron_interval.expression,
            'use every and 1 second to 10 years, as in: every 15 minutes'
        );
    end if;
    return v_every;
end;
$function$;
comment on function forge._cron_interval(text, text) is
'The interval of an expression that begins with every. Internal.';

create or replace function forge._read_cron(expression text)
returns forge.cron_fields
language plpgsql volatile
as $function$
declare
    v_text text := upper(btrim(regexp_replace(left(_read_cron.expression, 1001), '\s+', ' ', 'g')));
    v_field text[];
    v_cron forge.cron_fields;
begin
    if v_text ~ '^@?EVERY ' then
        v_cron.every := forge._cron_interval(_read_cron.expression, substr(v_text, strpos(v_text, ' ') + 1));
        return v_cron;
    end if;

    v_field := string_to_array(
        case v_text
            when '@HOURLY' then '0 * * * *'
            when '@DAILY' then '0 0 * * *'
            when '@MIDNIGHT' then '0 0 * * *'
            when '@WEEKLY' then '0 0 * * 0'
            when '@MONTHLY' then '0 0 1 * *'
            when '@YEARLY' then '0 0 1 1 *'
            when '@ANNUALLY' then '0 0 1 1 *'
            else v_text
        end,
        ' '
    );
    if (cardinality(v_field) = 5 and char_length(v_text) <= 1000) is not true then
        perform forge._invalid(
            'cron', _read_cron.expression,
            'use five fields (minute, hour, day of the month, month, day of the week), '
                '@hourly, @daily, @weekly, @monthly, @yearly, or: every 15 minutes'
        );
    end if;
    v_cron.minutes := forge._cron_field('minute', v_field[1], 0, 59);
    v_cron.hours := forge._cron_field('hour', v_field[2], 0, 23);
    v_cron.days := forge._cron_field('day of the month', v_field[3], 1, 31);
    v_cron.months := forge._cron_field('month', v_field[4], 1, 12);
    v_cron.weekdays := forge._cron_field('day of the week', v_field[5], 0, 7);
    v_cron.both_days := v_field[3] like '*%' or v_field[5] like '*%';
    v_cron.wall := not (v_field[1] like '*%' or v_field[2] like '*%');
    return v_cron;
end;
$function$;
comment on function forge._read_cron(text) is
'Reads a cron expression, one of its abbreviations, or every and an interval. Raises JQ001. Internal.';
