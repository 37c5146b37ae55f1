drop index forge.worker_draining_idx;
alter table forge.workers drop column draining_at;
drop table forge.tokens;
