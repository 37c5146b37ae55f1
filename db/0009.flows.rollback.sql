drop type forge.parent_row;
drop table forge.ripe_jobs;
drop table forge.open_dependencies;
drop sequence forge.wait_seq;
drop table forge.dependencies;
