drop type forge.schedule_row;
drop table forge.schedules;
drop type forge.cron_fields;
