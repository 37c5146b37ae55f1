drop index forge.throughput_sample_queue_idx;
alter table forge.queue_totals drop column retried;
drop table forge.history_looks;
drop table forge.latency_samples;
