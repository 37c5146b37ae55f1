-- What an end leads to: whoever waited for the job, its keys, its place in a limit.
--
-- Called in the transaction that ends the job, wherever that happens; never waits for the row of
-- another job. Jobs that nobody waits for and that have no keys are not brought here when they complete.

create or replace function forge._let_go(
    job forge.jobs,
    status text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    -- unique: a key that stays taken for a while
    -- limits: the next job of the same concurrency_key
end;
$function$;
comment on function forge._let_go(forge.jobs, text, timestamptz) is
'Lets go of what a job held that has ended: its keys, its place in a limit. Internal.';

create or replace function forge._after(
    job forge.jobs,
    status text,
    at timestamptz
)
returns void
language plpgsql volatile
as $function$
begin
    perform forge._let_go(job, _after.status, _after.at);
    perform forge._spread(array[job.id], _after.status, _after.at);
end;
$function$;
comment on function forge._after(forge.jobs, text, timestamptz) is
'What follows from the end of a job, whose row is gone and whose status is its last. Internal.';
