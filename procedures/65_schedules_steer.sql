-- Steering schedules: remove, pause, resume, run now.
--
-- Locks: the row of the schedule, before any job. Raises: JQ001, JQ005, JQ007. Called by: operators.

create or replace function forge._locked_schedule(name text)
returns forge.schedules
language plpgsql volatile
as $function$
declare
    v_schedule forge.schedules;
begin
    select s.* into v_schedule from forge.schedules as s where s.name = _locked_schedule.name for update;
    if not found then
        perform forge._no_schedule(_locked_schedule.name);
    end if;
    return v_schedule;
end;
$function$;
comment on function forge._locked_schedule(text) is
'A schedule, whose row is locked until the end of the transaction. Raises JQ007. Internal.';

create or replace function forge.unschedule(
    name text
)
returns forge.schedule_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_schedule forge.schedules;
begin
    delete from forge.schedules as s where s.name = unschedule.name returning s.* into v_schedule;
    if not found then
        perform forge._no_schedule(unschedule.name);
    end if;
    perform forge._announce('schedule');
    return forge._schedule_row(v_schedule);
end;
$function$;
comment on function forge.unschedule(text) is
'Removes a schedule. Its jobs stay.

Parameters:
  name  its name
Returns: the schedule as it was.
Raises: JQ007.
Example: select name, last_at from forge.unschedule(''nightly'');';

create or replace function forge.pause_schedule(
    name text
)
returns forge.schedule_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_schedule forge.schedules;
begin
    update forge.schedules as s
    set paused_at = coalesce(s.paused_at, v_now), next_at = null, due_at = null, updated_at = v_now
    where s.name = pause_schedule.name
    returning s.* into v_schedule;
    if not found then
        perform forge._no_schedule(pause_schedule.name);
    end if;
    perform forge._announce('schedule');
    return forge._schedule_row(v_schedule);
end;
$function$;
comment on function forge.pause_schedule(text) is
'Stops a schedule. What comes due until it is resumed is not made up for.

Parameters:
  name  its name
Returns: the schedule; paused_at stays where it was paused before.
Raises: JQ007.
Example: select paused_at from forge.pause_schedule(''nightly'');';

create or replace function forge.resume_schedule(
    name text
)
returns forge.schedule_row
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_schedule forge.schedules := forge._locked_schedule(resume_schedule.name);
    v_next timestamptz := v_schedule.next_at;
begin
    if v_schedule.paused_at is not null then
        v_next := forge._next_run(
            forge._read_cron(v_schedule.cron), v_schedule.time_zone, v_schedule.starts_at, v_now
        );
    end if;
    update forge.schedules as s
    set paused_at = null, next_at = v_next, due_at = v_now, updated_at = v_now
    where s.name = v_schedule.name
    returning s.* into v_schedule;
    perform forge._announce('schedule');
    return forge._schedule_row(v_schedule);
end;
$function$;
comment on function forge.resume_schedule(text) is
'Lets a paused schedule go on, with its next run after now.

Parameters:
  name  its name
Returns: the schedule.
Raises: JQ001, JQ007.
Example: select next_at from forge.resume_schedule(''nightly'');';

create or replace function forge.run_schedule(
    name text
)
returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_schedule constant forge.schedules := forge._locked_schedule(run_schedule.name);
    v_id constant bigint := forge._run(v_schedule, v_now, v_now);
begin
    update forge.schedules as s
    set last_at = v_now,
        last_job_id = v_id,
        live_jobs = s.live_jobs[greatest(1, cardinality(s.live_jobs) - 98):] || v_id
    where s.name = v_schedule.name;
    return v_id;
end;
$function$;
comment on function forge.run_schedule(text) is
'Enqueues the job of a schedule now, also while it is paused; its next run stays where it is.

Parameters:
  name  its name
Returns: the id of the job, whose nominal_at is now. While it is live, it counts as a run for the overlap.
Raises: JQ001, JQ005, JQ007, JQ014.
Example: select forge.run_schedule(''nightly'');';
