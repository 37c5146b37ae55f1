insert into bare (queue, payload) select 'default', :payload from generate_series(1, 1000);
