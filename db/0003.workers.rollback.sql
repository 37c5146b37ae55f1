drop table forge.workers;
drop sequence forge.worker_key_seq;
