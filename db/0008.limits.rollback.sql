drop type forge.limits_row;
drop type forge.visit;
drop type forge.allowance;
drop table forge.starts;
alter table forge.queues drop column turn_floor;
drop table forge.turns;
drop sequence forge.turn_ticket_seq;
drop table forge.lines;
drop table forge.limits;
