\set number random(1, :queues)
select id, lease from forge.dequeue('bench-' || :number) \gset
select forge.complete(:id, :lease, queue => 'bench-' || :number);
