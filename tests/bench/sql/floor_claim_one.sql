update bare set taken = true where id = (select id from bare where queue = 'default' and not taken order by id limit 1 for update skip locked) returning id \gset
delete from bare where id = :id;
