-- As many in as out, so that the backlog stays what it was.
\if :fresh
select jsonb_agg(jsonb_build_object('type', 'bench', 'payload', :payload::jsonb))::text as jobs from generate_series(1, :batch) \gset
\set fresh 0
\endif
select count(*) from forge.enqueue_many(:jobs);
select coalesce(array_agg(id), '{}') as ids, coalesce(array_agg(lease), '{}') as leases from forge.exchange(:ids, :leases, max_jobs => :batch) \gset
