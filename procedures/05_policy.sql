-- Retry policy: who decides, and the delay. Job before type before queue before settings.
--
-- delay = base * factor^(n-1) for the n-th failure, at most cap; then up to jitter of it on top.
-- Locks: none. Called by: fail, tick, all_jobs.

create or replace function forge._policy(
    queue text,
    type text
)
returns forge.retry_policy
language plpgsql stable
as $function$
declare
    v_policy forge.retry_policy;
begin
    -- Not a function in SQL, which would be parsed and planned anew in every statement that calls it.
    select
        coalesce(t.retry_base, q.retry_base, s.retry_base),
        coalesce(t.retry_factor, q.retry_factor, s.retry_factor),
        coalesce(t.retry_cap, q.retry_cap, s.retry_cap),
        coalesce(t.retry_jitter, q.retry_jitter, s.retry_jitter),
        coalesce(t.max_retries, q.max_retries, s.max_retries)
    into v_policy
    from forge.settings as s
    left join forge.queues as q on q.queue = _policy.queue
    left join forge.types as t on t.type = _policy.type;
    return v_policy;
end;
$function$;
comment on function forge._policy(text, text) is
'The retry policy of a type in a queue, with every default filled in. Internal.';

create or replace function forge._retry_delay(
    failures integer,
    base interval,
    factor double precision,
    cap interval,
    jitter double precision,
    dice double precision
)
returns interval
language plpgsql immutable parallel safe
as $function$
declare
    v_base constant double precision := extract(epoch from _retry_delay.base);
    v_cap constant double precision := extract(epoch from _retry_delay.cap);
    v_power constant integer := greatest(_retry_delay.failures - 1, 0);
    v_seconds double precision;
begin
    -- Compared as logarithms, so that the power is taken only where it cannot overflow.
    v_seconds := case
        when v_base <= 0 or v_cap <= 0 then 0
        when ln(v_base) + v_power * ln(_retry_delay.factor) >= ln(v_cap) then v_cap
        else v_base * power(_retry_delay.factor, v_power)
    end;
    return make_interval(secs => v_seconds * (1 + _retry_delay.jitter * _retry_delay.dice));
end;
$function$;
comment on function forge._retry_delay(
    integer, interval, double precision, interval, double precision, double precision
) is
'How long to wait after the n-th failure; dice is a random number from 0 to 1. Internal.';
