-- Whose results are kept with the finished job.
--
-- Asked only of jobs that have a result. Locks: none. Raises: JQ001. Called by: complete; operators.

create or replace function forge._kept_result(
    type text,
    result jsonb
)
returns jsonb
language sql stable
as $function$
    select case
        when not exists (select from forge.result_settings as s where s.type = $1 and not s.keep)
        then $2
    end;
$function$;
comment on function forge._kept_result(text, jsonb) is
'What is kept of a result: all of it, or nothing where its type says so. Internal.';

create or replace function forge.set_result(
    type text,
    keep boolean
)
returns forge.result_rule
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
begin
    perform forge._check_name('type', set_result.type);
    if set_result.keep is null then
        perform forge._invalid('keep', null, 'use true or false');
    end if;
    insert into forge.result_settings as s (type, keep)
    values (set_result.type, set_result.keep)
    on conflict on constraint result_settings_pkey do update
    set keep = excluded.keep;
    return (set_result.type, set_result.keep)::forge.result_rule;
end;
$function$;
comment on function forge.set_result(text, boolean) is
'Says whether the results of a type are kept with its finished jobs; the jobs are kept all the same.

Results are kept as long as the job is: see set_retention, and keep_history of set_queue.

Parameters:
  type  its name; it need not have been used before
  keep  false: what its handlers return is dropped, from now on; true: kept, as at first
Returns: type, keep.
Raises: JQ001.
Example: select * from forge.set_result(''resize'', keep => false);';
