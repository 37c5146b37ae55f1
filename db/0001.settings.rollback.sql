drop table forge.types;
drop table forge.queues;
drop type forge.lane;
drop table forge.settings;
