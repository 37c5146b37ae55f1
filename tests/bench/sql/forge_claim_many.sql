select coalesce(array_agg(id), '{}') as ids, coalesce(array_agg(lease), '{}') as leases from forge.dequeue(max_jobs => :batch) \gset
select count(*) from forge.complete_many(:ids, :leases, queue => 'default');
