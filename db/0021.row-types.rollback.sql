update forge.throughput_samples set queue = '*' where queue = '';
comment on table forge.throughput_samples is
'What happened in each ten seconds, by queue. The row of queue ''*'' holds the jobs enqueued in all queues.';
alter type forge.stats_row drop attribute counted_to;
alter type forge.finding drop attribute since;
alter type forge.finding drop attribute queue;
alter type forge.schedule_row drop attribute last_status;
alter type forge.worker_row drop attribute draining_at;
drop type forge.migration_row;
drop type forge.settings_row;
drop type forge.known_type;
drop type forge.new_token;
drop type forge.token_row;
drop type forge.latency_row;
drop type forge.timed_job;
drop type forge.latency_bucket;
drop type forge.latency_count;
drop type forge.child_row;
drop type forge.bounded_count;
drop type forge.found_page;
drop type forge.stretch;
drop type forge.job_batch;
drop type forge.job_filter;

create type forge.job_filter as (
    queue text,
    type text,
    tag text,
    status text,
    payload_contains jsonb,
    created_before timestamptz,
    scheduled_before timestamptz,
    priority integer
);

-- Which dead jobs: what is null matches all.
create type forge.dead_filter as (
    queue text,
    type text,
    error_contains text,
    died_before timestamptz,
    fingerprint text,
    ids bigint[],
    tag text,
    payload jsonb
);

-- Some of them, locked: how far the search came, and whether there may be more.
create type forge.dead_batch as (ids bigint[], after_id bigint, more boolean);
