drop table forge.dead_jobs;
drop table forge.history;
drop table forge.jobs;
drop type forge.job_extra;
drop sequence forge.job_id_seq;
