-- What holds in every committed state; a row is a violation, in words.

select 'job ' || found.id || ' is in ' || string_agg(found.place, ' and ') as violation
from (
    select id, 'jobs' as place from forge.jobs
    union all
    select id, 'dead_jobs' from forge.dead_jobs
    union all
    -- A job that was discarded, or that ended, lies here once.
    select id, 'history' from forge.history
) as found
group by found.id
having count(*) > 1

union all

select 'job ' || j.id || ' has used ' || j.attempts || ' attempts and recorded '
    || jsonb_array_length(j.errors) || ' errors'
from forge.jobs as j
where jsonb_typeof(j.errors) is distinct from 'array' and j.errors is not null;
