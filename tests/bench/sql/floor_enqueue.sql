insert into bare (queue, payload) values ('default', :payload);
