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
where jsonb_typeof(j.errors) is distinct from 'array' and j.errors is not null

union all

-- What check constraints would say of forge.jobs and the history, if they cost nothing.
select 'job ' || j.id || ' is ' || j.status || ' with lease ' || coalesce(j.lease::text, 'null')
    || ' until ' || coalesce(j.lease_expires_at::text, 'null') || ' and ' || j.attempts || ' attempts'
from forge.jobs as j
where j.status not in ('WAITING', 'PENDING', 'PROCESSING')
    or (j.status = 'PROCESSING') <> (j.lease is not null)
    or (j.lease is null) <> (j.lease_expires_at is null)
    or j.attempts < 0

union all

select 'job ' || h.id || ' lies in the history as ' || h.status
from forge.history as h
where h.status not in ('COMPLETED', 'CANCELLED', 'DEAD')

union all

select 'the groups count ' || coalesce(sum(c.counted), 0) || ' jobs of ' || c.queue || ' that died of '
    || c.fingerprint || ', and ' || coalesce(sum(c.dead), 0) || ' are dead'
from (
    select d.queue, d.type, d.fingerprint, 1 as dead, 0 as counted from forge.dead_jobs as d
    union all
    select g.queue, g.type, g.fingerprint, 0, g.jobs from forge.error_groups as g
    union all
    select t.queue, t.type, t.fingerprint, 0, t.jobs from forge.dead_tallies as t
) as c
where c.fingerprint is not null
group by c.queue, c.type, c.fingerprint
having sum(c.dead) <> sum(c.counted);
