delete from bare where id = any (array(select id from bare where queue = 'default' and not taken order by id limit 100 for update skip locked));
