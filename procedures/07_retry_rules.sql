-- Retry rules: what becomes of a failure by the class of its error. First match first, and the lists in the
-- order of job, type, queue, all. What the handler itself says goes before every rule.
--
-- Locks: the row of a list. Raises: JQ001. Called by: operators; fail and the tick, for whom a rule that
-- has become invalid does not exist.

create or replace function forge._check_pattern(
    argument text,
    pattern text
)
returns void
language plpgsql volatile
as $function$
begin
    if _check_pattern.pattern is null then
        return;
    end if;
    -- Without back references PostgreSQL matches in one pass over the text, whatever the pattern.
    if char_length(_check_pattern.pattern) > 500
        or replace(_check_pattern.pattern, '\\', '') ~ '\\[1-9]'
    then
        perform forge._invalid(
            _check_pattern.argument, _check_pattern.pattern,
            'use at most 500 characters, and no back references such as \1'
        );
    end if;
    perform '' ~ _check_pattern.pattern;
exception
    when invalid_regular_expression then
        perform forge._invalid(
            _check_pattern.argument, _check_pattern.pattern,
            format('use a regular expression of PostgreSQL; this one is refused: %s', sqlerrm)
        );
end;
$function$;
comment on function forge._check_pattern(text, text) is
'Raises JQ001 for what is no regular expression, or one that could take long. Internal.';

create or replace function forge._parse_rule(
    argument text,
    rule jsonb
)
returns forge.retry_rule
language plpgsql volatile
as $function$
begin
    if jsonb_typeof(_parse_rule.rule) is distinct from 'object'
        or _parse_rule.rule - array[
            'rule', 'error_type', 'error', 'action', 'retry_base', 'retry_factor', 'retry_cap',
            'retry_jitter', 'max_retries'
        ] <> '{}'
    then
        perform forge._invalid(
            _parse_rule.argument, _parse_rule.rule::text,
            'use an object with the keys error_type, error, action, rule, retry_base, retry_factor, '
                'retry_cap, retry_jitter, max_retries'
        );
    end if;
    -- A record would turn any value into text without a word.
    if exists (
        select
        from jsonb_each(_parse_rule.rule) as e (key, value)
        where e.key in ('rule', 'error_type', 'error', 'action')
            and jsonb_typeof(e.value) not in ('string', 'null')
    ) then
        perform forge._invalid(
            _parse_rule.argument, _parse_rule.rule::text,
            'use texts for rule, error_type, error and action'
        );
    end if;
    return jsonb_populate_record(null::forge.retry_rule, _parse_rule.rule);
exception
    when data_exception then
        perform forge._invalid(
            _parse_rule.argument, _parse_rule.rule::text,
            format('use values of the right types: %s', sqlerrm)
        );
        return null;
end;
$function$;
comment on function forge._parse_rule(text, jsonb) is
'A rule as a record; raises JQ001 for what is none by its keys and types. Internal.';

create or replace function forge._check_rule(
    argument text,
    rule jsonb,
    may_pause boolean
)
returns jsonb
language plpgsql volatile
as $function$
declare
    v_rule forge.retry_rule := forge._parse_rule(_check_rule.argument, _check_rule.rule);
begin
    if (v_rule.action in ('retry', 'permanent', 'pause')) is not true then
        perform forge._invalid(
            _check_rule.argument || '.action', v_rule.action, 'use retry, permanent or pause');
    elsif v_rule.action = 'pause' and not _check_rule.may_pause then
        perform forge._invalid(
            _check_rule.argument || '.action', v_rule.action,
            'a job cannot pause its queue: let an operator set the rule for its type or queue'
        );
    elsif num_nonnulls(v_rule.error_type, v_rule.error) = 0 then
        perform forge._invalid(
            _check_rule.argument, _check_rule.rule::text,
            'give error_type or error, a regular expression; an empty one matches every error'
        );
    elsif v_rule.action = 'permanent' and num_nonnulls(
        v_rule.retry_base, v_rule.retry_factor, v_rule.retry_cap, v_rule.retry_jitter, v_rule.max_retries
    ) > 0 then
        perform forge._invalid(
            _check_rule.argument, _check_rule.rule::text, 'a permanent error has no backoff');
    elsif v_rule.action = 'pause' and v_rule.max_retries is not null then
        perform forge._invalid(
            _check_rule.argument || '.max_retries', v_rule.max_retries::text,
            'a failure that pauses the queue uses up no retry'
        );
    end if;
    perform forge._check_pattern(_check_rule.argument || '.error_type', v_rule.error_type);
    perform forge._check_pattern(_check_rule.argument || '.error', v_rule.error);
    perform forge._check_policy(
        v_rule.retry_base, v_rule.retry_factor, v_rule.retry_cap, v_rule.retry_jitter, v_rule.max_retries
    );
    v_rule.rule := coalesce(v_rule.rule, left(coalesce(v_rule.error_type, v_rule.error), 100));
    if (char_length(v_rule.rule) <= 100 and forge._is_plain(v_rule.rule)) is not true then
        perform forge._invalid(
            _check_rule.argument || '.rule', v_rule.rule, 'use at most 100 characters, no control characters'
        );
    end if;
    return jsonb_strip_nulls(to_jsonb(v_rule));
end;
$function$;
comment on function forge._check_rule(text, jsonb, boolean) is
'A rule with its name filled in; raises JQ001 for what is none. Internal.';

create or replace function forge._check_rules(
    argument text,
    rules jsonb,
    may_pause boolean
)
returns jsonb
language plpgsql volatile
as $function$
declare
    v_rules jsonb := jsonb '[]';
    v_rule jsonb;
begin
    if jsonb_typeof(_check_rules.rules) is distinct from 'array'
        or jsonb_array_length(_check_rules.rules) > 50
    then
        perform forge._invalid(
            _check_rules.argument, _check_rules.rules::text, 'use an array of at most 50 rules');
    end if;
    for v_rule in select e.value from jsonb_array_elements(_check_rules.rules) as e (value) loop
        v_rules := v_rules || forge._check_rule(
            format('%s[%s]', _check_rules.argument, jsonb_array_length(v_rules)),
            v_rule,
            _check_rules.may_pause
        );
    end loop;
    return v_rules;
end;
$function$;
comment on function forge._check_rules(text, jsonb, boolean) is
'A list of rules in the form in which it is kept; raises JQ001 for what is none. Internal.';

create or replace function forge._match(
    rule jsonb,
    error_type text,
    error text
)
returns forge.retry_rule
language plpgsql stable
as $function$
declare
    v_rule forge.retry_rule;
begin
    v_rule := jsonb_populate_record(null::forge.retry_rule, _match.rule);
    if (coalesce(_match.error_type, '') ~ v_rule.error_type) is not false
        and (coalesce(_match.error, '') ~ v_rule.error) is not false
    then
        return v_rule;
    end if;
    return null;
exception
    when others then
        return null;    -- invalid since it was checked, by a new release of PostgreSQL or by hand
end;
$function$;
comment on function forge._match(jsonb, text, text) is
'A rule, if an error matches it and it is valid; else null. Internal.';

create or replace function forge._rule_of(
    job forge.jobs,
    error_type text,
    error text
)
returns forge.retry_rule
language plpgsql stable
as $function$
declare
    v_lists jsonb[];
    v_list jsonb;
    v_rule jsonb;
    v_found forge.retry_rule;
begin
    select array_agg(
        r.rules order by case r.scope when 'type' then 1 when 'queue' then 2 else 3 end
    ) into v_lists
    from (values ('type', job.type), ('queue', job.queue), ('all', '')) as s (scope, name)
    join forge.retry_rules as r on r.scope = s.scope and r.name = s.name;

    if jsonb_typeof((job.extra).retry_rules) = 'array' then
        v_lists := array_prepend((job.extra).retry_rules, v_lists);
    end if;
    if v_lists is null then
        return null;
    end if;
    foreach v_list in array v_lists loop
        for v_rule in select e.value from jsonb_array_elements(v_list) as e (value) loop
            v_found := forge._match(v_rule, _rule_of.error_type, _rule_of.error);
            if v_found.action is not null then
                return v_found;
            end if;
        end loop;
    end loop;
    return null;
end;
$function$;
comment on function forge._rule_of(forge.jobs, text, text) is
'The first rule that an error of a job matches, or null. Internal.';

create or replace function forge._verdict(
    job forge.jobs,
    error_type text,
    error text,
    retryable boolean,
    retry_in interval,
    failures integer
)
returns forge.verdict
language plpgsql volatile
as $function$
declare
    v_policy constant forge.retry_policy := forge._policy(job.queue, job.type);
    v_rule forge.retry_rule;
    v_failures integer := _verdict.failures;
    v_apart integer := 0;
    v_of_rule integer := 0;
    v_row forge.verdict;
begin
    v_row.max_retries := coalesce(job.max_retries, v_policy.max_retries);
    if job.cancel_requested_at is not null then
        v_row.status := 'CANCELLED';
        return v_row;
    elsif not _verdict.retryable then
        v_row.status := 'DEAD';
        return v_row;
    end if;

    if (job.extra).retry_rules is not null or exists (select from forge.retry_rules as r) then
        v_rule := forge._rule_of(job, _verdict.error_type, _verdict.error);
    end if;
    v_row.rule := v_rule.rule;
    if v_rule.action = 'permanent' then
        v_row.status := 'DEAD';
        return v_row;
    end if;

    -- Of this life of the job: failures of the same rule, and those that do not count for the others.
    if jsonb_path_exists(job.errors, '$[*].rule') then
        select
            count(*) filter (where e.error ->> 'rule' = v_rule.rule),
            count(*) filter (where e.error ? 'counted')
        into v_of_rule, v_apart
        from jsonb_array_elements(job.errors) as e (error)
        where e.error ->> 'revival' is not distinct from nullif(job.revivals, 0)::text;
    end if;
    v_failures := case when v_rule.action is null then v_failures - v_apart else v_of_rule + 1 end;
    if v_rule.action = 'pause' or v_rule.max_retries is not null then
        v_row.counted := false;
    end if;
    v_row.pauses := v_rule.action = 'pause';
    v_row.status := case
        when v_rule.action = 'pause' then 'PENDING'
        when v_rule.max_retries is not null and v_of_rule >= v_rule.max_retries then 'DEAD'
        when v_rule.max_retries is null and job.attempts - v_apart > v_row.max_retries then 'DEAD'
        else 'PENDING'
    end;
    v_row.delay := coalesce(
        _verdict.retry_in,
        case when v_failures < 1 then interval '0' end,
        forge._retry_delay(
            v_failures,
            coalesce(v_rule.retry_base, (job.extra).retry_base, v_policy.retry_base),
            coalesce(v_rule.retry_factor, (job.extra).retry_factor, v_policy.retry_factor),
            coalesce(v_rule.retry_cap, (job.extra).retry_cap, v_policy.retry_cap),
            coalesce(v_rule.retry_jitter, (job.extra).retry_jitter, v_policy.retry_jitter),
            random()
        )
    );
    return v_row;
end;
$function$;
comment on function forge._verdict(forge.jobs, text, text, boolean, interval, integer) is
'What becomes of a job whose attempt has failed. failures is the n of the backoff where no rule matches; 0 is
no delay at all. Internal.';
