drop table forge.types;
drop table forge.queues;
drop table forge.settings;
