select array_agg(id) as ids, array_agg(lease) as leases from forge.exchange(:ids, :leases, max_jobs => :batch) \gset
