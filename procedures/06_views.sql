-- All jobs under one shape, wherever they live.
--
-- Leases are left out: who reads one could finish the job. Locks: none.

create or replace view forge.all_jobs as
select
    j.id,
    j.queue,
    j.type,
    j.payload,
    j.priority,
    j.status,
    j.attempts,
    coalesce(j.max_retries, (forge._policy(j.queue, j.type)).max_retries) as max_retries,
    j.scheduled_at,
    j.created_at,
    j.attempted_at,
    null::timestamptz as finished_at,
    j.worker,
    j.lease_expires_at,
    j.cancel_requested_at,
    j.unique_key,
    j.tags,
    j.progress,
    j.progress_note,
    null::jsonb as result,
    coalesce(j.errors, '[]') as errors,
    j.revived_at,
    j.revivals
from forge.jobs as j
union all
select
    h.id,
    h.queue,
    h.type,
    h.payload,
    h.priority,
    h.status,
    h.attempts,
    coalesce(h.max_retries, (forge._policy(h.queue, h.type)).max_retries) as max_retries,
    h.scheduled_at,
    h.created_at,
    h.attempted_at,
    h.finished_at,
    h.worker,
    null::timestamptz as lease_expires_at,
    h.cancel_requested_at,
    h.unique_key,
    h.tags,
    null::double precision as progress,
    null::text as progress_note,
    h.result,
    coalesce(h.errors, '[]') as errors,
    h.revived_at,
    h.revivals
from forge.history as h
union all
select
    d.id,
    d.queue,
    d.type,
    d.payload,
    d.priority,
    'DEAD'::text as status,
    d.attempts,
    coalesce(d.max_retries, (forge._policy(d.queue, d.type)).max_retries) as max_retries,
    d.scheduled_at,
    d.created_at,
    d.attempted_at,
    d.finished_at,
    d.worker,
    null::timestamptz as lease_expires_at,
    d.cancel_requested_at,
    d.unique_key,
    d.tags,
    null::double precision as progress,
    null::text as progress_note,
    null::jsonb as result,
    coalesce(d.errors, '[]') as errors,
    d.revived_at,
    d.revivals
from forge.dead_jobs as d;

comment on view forge.all_jobs is
'Every job, live, finished or dead, under one shape.';
