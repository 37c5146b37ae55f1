drop type forge.log_limits;
drop type forge.log_line;
drop table forge.log_settings;
drop table forge.job_logs;
drop sequence forge.job_log_id_seq;
