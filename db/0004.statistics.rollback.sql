drop table forge.tick_tasks;
drop table forge.throughput_samples;
drop table forge.queue_totals;
drop table forge.tallies;
