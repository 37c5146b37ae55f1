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
    if job.unique_key is not null and (job.extra).unique_for is not null and _let_go.status = 'COMPLETED' then
        perform forge._spend_key(job, _let_go.at);
    end if;
    perform forge._free_place(job, _let_go.at, null);
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
