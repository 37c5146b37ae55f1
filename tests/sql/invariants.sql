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
having sum(c.dead) <> sum(c.counted)

union all

-- Else nobody would ever look at it.
select 'job ' || j.id || ' of key ' || j.concurrency_key || ' stands in line ' || count(l.id) || ' times'
from forge.jobs as j
left join forge.lines as l
    on l.queue = j.queue and l.key = j.concurrency_key and l.id = j.id
where j.concurrency_key is not null and j.status <> 'WAITING'
group by j.id, j.concurrency_key
having count(l.id) <> 1

union all

select 'job ' || l.id || ' stands in the line of key ' || l.key || ' and is not live'
from forge.lines as l
where not exists (select from forge.jobs as j where j.id = l.id and j.status <> 'WAITING')

union all

-- Where keys have limits, one may wait for an end to call it.
select 'job ' || j.id || ' of key ' || j.concurrency_key || ' waits for a turn that does not come'
from forge.jobs as j
where j.concurrency_key is not null
    and j.status = 'PENDING'
    and not exists (select from forge.limits as l where l.queue = j.queue)
    and not exists (
        select from forge.turns as t
        where t.queue = j.queue and t.key = j.concurrency_key
            and t.turn_at <= greatest(j.scheduled_at, forge.now())
    );
