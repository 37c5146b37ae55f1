select id, lease from forge.dequeue() \gset
select forge.complete(:id, :lease, queue => 'default');
