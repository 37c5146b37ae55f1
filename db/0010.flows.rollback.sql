drop type forge.parent_row;
drop table forge.ripe_jobs;
drop table forge.open_dependencies;
drop table forge.dependencies;
