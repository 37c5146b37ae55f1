-- When a cron expression or an interval comes next in a time zone, and when it came last.
--
-- Clocks change as for Debian's cron and the library cronsim, which the tests compare with:
--   * where neither the minute nor the hour begins with a star, an expression means times on the wall:
--     one that the clocks skip comes right after the gap, one that they show twice comes the first time;
--   * else it means real time: what is skipped does not come, what is shown twice comes twice.
-- Locks: none. Raises: nothing.

create or replace function forge._cron_is_day(
    cron forge.cron_fields,
    day date
)
returns boolean
language plpgsql immutable parallel safe
as $function$
declare
    v_month_day constant integer := extract(day from _cron_is_day.day);
    v_weekday constant integer := extract(dow from _cron_is_day.day);
    v_last integer;
    v_days boolean := v_month_day = any(_cron_is_day.cron.days);
    v_weekdays boolean := _cron_is_day.cron.weekdays && array[
        v_weekday, (v_month_day + 6) / 7 * 10 + v_weekday
    ];
begin
    if v_month_day > 21 and not (v_days and v_weekdays) then
        v_last := extract(
            day from date_trunc('month', _cron_is_day.day::timestamp) + interval '1 month -1 day'
        );
        v_weekdays := v_weekdays
            or v_month_day + 7 > v_last and v_weekday + 60 = any(_cron_is_day.cron.weekdays);
        v_days := v_days
            or v_month_day = v_last and 32 = any(_cron_is_day.cron.days)
            -- the last from Monday to Friday: the last day, or the Friday before it
            or 33 = any(_cron_is_day.cron.days) and v_weekday between 1 and 5
            and (v_month_day = v_last or v_weekday = 5 and v_month_day + 2 >= v_last);
    end if;
    return case when _cron_is_day.cron.both_days then v_days and v_weekdays else v_days or v_weekdays end;
end;
$function$;
comment on function forge._cron_is_day(forge.cron_fields, date) is
'Whether a cron expression means this day, given that it means its month. Internal.';

create or replace function forge._cron_day(
    cron forge.cron_fields,
    day date,
    last_day date
)
returns date
language plpgsql immutable parallel safe
as $function$
declare
    v_day date := _cron_day.day;
begin
    while v_day <= _cron_day.last_day loop
        if not extract(month from v_day)::integer = any(_cron_day.cron.months) then
            v_day := date_trunc('month', v_day::timestamp) + interval '1 month';
        elsif forge._cron_is_day(_cron_day.cron, v_day) then
            return v_day;
        else
            v_day := v_day + 1;
        end if;
    end loop;
    return null;
end;
$function$;
comment on function forge._cron_day(forge.cron_fields, date, date) is
'The first day from day to last_day that a cron expression means; null for none. Internal.';

create or replace function forge._wall_time(
    wall timestamp,
    time_zone text
)
returns timestamptz
language plpgsql stable parallel safe
as $function$
declare
    v_wall timestamp := _wall_time.wall;
    v_at timestamptz := timezone(_wall_time.time_zone, v_wall);
    v_day_before timestamptz;
    v_first timestamptz;
begin
    -- PostgreSQL moves a time that was skipped on by the gap; here it comes in the first minute after.
    while timezone(_wall_time.time_zone, v_at) <> v_wall loop
        v_wall := v_wall + interval '1 minute';
        v_at := timezone(_wall_time.time_zone, v_wall);
    end loop;

    -- Of a time that comes twice PostgreSQL takes the second; the first has the offset of the day before.
    v_day_before := v_at - interval '24 hours';
    v_first := timezone('UTC', v_wall)
        - (timezone(_wall_time.time_zone, v_day_before) - timezone('UTC', v_day_before));
    if v_first < v_at and timezone(_wall_time.time_zone, v_first) = v_wall then
        return v_first;
    end if;
    return v_at;
end;
$function$;
comment on function forge._wall_time(timestamp, text) is
'When clocks on the wall first show this time; where they skip it, the first minute after. Internal.';

create or replace function forge._cron_wall(
    cron forge.cron_fields,
    time_zone text,
    after timestamptz
)
returns timestamptz
language plpgsql stable parallel safe
as $function$
declare
    v_wall constant timestamp := timezone(_cron_wall.time_zone, _cron_wall.after);
    v_last_day constant date := make_date(extract(year from v_wall)::integer + 50, 12, 31);
    v_day date := v_wall;
    v_time timestamp;
    v_at timestamptz;
begin
    loop
        v_day := forge._cron_day(_cron_wall.cron, v_day, v_last_day);
        exit when v_day is null;
        for v_time in
            select v_day + make_interval(hours => h.value, mins => m.value) as wall
            from unnest(_cron_wall.cron.hours) as h (value)
            cross join unnest(_cron_wall.cron.minutes) as m (value)
            where v_day + make_interval(hours => h.value, mins => m.value) > v_wall
            order by wall
        loop
            v_at := forge._wall_time(v_time, _cron_wall.time_zone);
            -- not so where after lies in the second showing of an hour, and this in the first
            if v_at > _cron_wall.after then
                return v_at;
            end if;
        end loop;
        v_day := v_day + 1;
    end loop;
    return null;
end;
$function$;
comment on function forge._cron_wall(forge.cron_fields, text, timestamptz) is
'When an expression that means times on the wall comes next; null: not within 50 years. Internal.';

create or replace function forge._cron_real(
    cron forge.cron_fields,
    time_zone text,
    after timestamptz
)
returns timestamptz
language plpgsql stable parallel safe
as $function$
declare
    v_at timestamptz := date_trunc('minute', _cron_real.after, 'UTC') + interval '1 minute';
    v_wall timestamp := timezone(_cron_real.time_zone, v_at);
    v_last_day constant date := make_date(extract(year from v_wall)::integer + 50, 12, 31);
    v_day date;
    v_hour integer;
    v_minute integer;
    v_next integer;
    v_jump interval;
begin
    loop
        v_day := forge._cron_day(_cron_real.cron, v_wall::date, v_last_day);
        exit when v_day is null;
        if v_day > v_wall::date then
            -- Midnight may come twice, and we be after the first; then on by one minute.
            v_at := greatest(
                forge._wall_time(v_day, _cron_real.time_zone), v_at + interval '1 minute'
            );
        else
            v_hour := extract(hour from v_wall);
            v_minute := extract(minute from v_wall);
            if v_hour = any(_cron_real.cron.hours) then
                select min(m.value) into v_next
                from unnest(_cron_real.cron.minutes) as m (value)
                where m.value >= v_minute;
                if v_next = v_minute then
                    return v_at;
                end if;
                v_jump := make_interval(mins => coalesce(v_next, 60) - v_minute);
            else
                select min(h.value) into v_next
                from unnest(_cron_real.cron.hours) as h (value)
                where h.value > v_hour;
                v_jump := make_interval(mins => (coalesce(v_next, 24) - v_hour) * 60 - v_minute);
            end if;
            -- Where the clocks change on the way, as slowly as it takes to miss nothing.
            if timezone(_cron_real.time_zone, v_at + v_jump) <> v_wall + v_jump then
                v_jump := interval '1 minute';
            end if;
            v_at := v_at + v_jump;
        end if;
        v_wall := timezone(_cron_real.time_zone, v_at);
    end loop;
    return null;
end;
$function$;
comment on function forge._cron_real(forge.cron_fields, text, timestamptz) is
'When an expression that means real time comes next; null: not within 50 years. Internal.';

create or replace function forge._interval_next(
    every interval,
    time_zone text,
    starts_at timestamptz,
    after timestamptz
)
returns timestamptz
language plpgsql stable parallel safe
as $function$
declare
    -- Months and days are counted on the calendar of the time zone, the rest in real time.
    v_months constant integer := extract(year from _interval_next.every) * 12
        + extract(month from _interval_next.every);
    v_days constant integer := extract(day from _interval_next.every);
    v_rest constant interval := _interval_next.every - make_interval(months => v_months, days => v_days);
    v_start constant timestamp := timezone(_interval_next.time_zone, _interval_next.starts_at);
    v_count bigint;
    v_at timestamptz;
begin
    if _interval_next.after < _interval_next.starts_at then
        return _interval_next.starts_at;
    end if;
    -- No interval is longer than this, and clocks change by less than two days: begin below, count up.
    v_count := greatest(0, floor(
        extract(epoch from _interval_next.after - _interval_next.starts_at)
        / (v_months * 31 * 86400 + v_days * 86400 + extract(epoch from v_rest))
    ) - case when v_months + v_days > 0 then 2 else 0 end);
    loop
        v_at := forge._wall_time(
            v_start + make_interval(
                months => (v_count * v_months)::integer, days => (v_count * v_days)::integer
            ),
            _interval_next.time_zone
        ) + v_count * v_rest;
        exit when v_at > _interval_next.after;
        v_count := v_count + 1;
    end loop;
    return v_at;
end;
$function$;
comment on function forge._interval_next(interval, text, timestamptz, timestamptz) is
'The first time after another that is a whole number of intervals from a start. Internal.';

create or replace function forge._next_run(
    cron forge.cron_fields,
    time_zone text,
    starts_at timestamptz,
    after timestamptz
)
returns timestamptz
language plpgsql stable parallel safe
as $function$
declare
    -- the start itself is a time like others
    v_after constant timestamptz := greatest(
        _next_run.after, _next_run.starts_at - interval '1 microsecond'
    );
begin
    if (_next_run.cron).every is not null then
        return forge._interval_next(
            (_next_run.cron).every, _next_run.time_zone, _next_run.starts_at, _next_run.after
        );
    elsif (_next_run.cron).wall then
        return forge._cron_wall(_next_run.cron, _next_run.time_zone, v_after);
    end if;
    return forge._cron_real(_next_run.cron, _next_run.time_zone, v_after);
end;
$function$;
comment on function forge._next_run(forge.cron_fields, text, timestamptz, timestamptz) is
'When an expression comes next after a time, not before its start; null for never. Internal.';

create or replace function forge._last_runs(
    cron forge.cron_fields,
    time_zone text,
    starts_at timestamptz,
    after timestamptz,
    until timestamptz,
    count integer
)
returns timestamptz[]
language plpgsql stable parallel safe
as $function$
declare
    v_at timestamptz := forge._next_run(
        _last_runs.cron, _last_runs.time_zone, _last_runs.starts_at, _last_runs.after
    );
    v_middle constant timestamptz := _last_runs.after + (_last_runs.until - _last_runs.after) / 2;
    v_runs timestamptz[] := array[]::timestamptz[];
begin
    if (v_at <= _last_runs.until) is not true then
        return v_runs;
    end if;

    -- A year of missed minutes is not walked through: look into the later half first.
    if _last_runs.until - _last_runs.after
        > _last_runs.count * coalesce((_last_runs.cron).every, interval '1 minute') then
        v_runs := forge._last_runs(
            _last_runs.cron, _last_runs.time_zone, _last_runs.starts_at, v_middle,
            _last_runs.until, _last_runs.count
        );
        if cardinality(v_runs) < _last_runs.count then
            v_runs := forge._last_runs(
                _last_runs.cron, _last_runs.time_zone, _last_runs.starts_at, _last_runs.after,
                v_middle, _last_runs.count - cardinality(v_runs)
            ) || v_runs;
        end if;
        return v_runs;
    end if;

    while v_at <= _last_runs.until loop
        v_runs := v_runs || v_at;
        v_at := forge._next_run(
            _last_runs.cron, _last_runs.time_zone, _last_runs.starts_at, v_at
        );
    end loop;
    return v_runs[greatest(1, cardinality(v_runs) - _last_runs.count + 1):];
end;
$function$;
comment on function forge._last_runs(
    forge.cron_fields, text, timestamptz, timestamptz, timestamptz, integer
) is
'The newest times of an expression after one time and up to another, oldest first. Internal.';
