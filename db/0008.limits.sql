-- Limits: how many jobs run at once and how many start in an interval, by queue and by key.

set local lock_timeout = '5s';

create table forge.limits (
    queue text collate "C" not null,
    max_running integer,
    rate integer,
    per interval,
    key_max_running integer,
    key_rate integer,
    key_per interval,
    key_fifo boolean not null default false,
    settled boolean not null default false,
    mark bigint,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint limits_pkey primary key (queue),
    constraint limits_queue check (char_length(queue) between 1 and 200),
    constraint limits_max_running check (max_running between 1 and 100000),
    constraint limits_rate check (rate between 1 and 1000000),
    constraint limits_per check (per between interval '10 milliseconds' and interval '31 days'),
    constraint limits_rate_per check ((rate is null) = (per is null)),
    constraint limits_key_max_running check (key_max_running between 1 and 100000),
    constraint limits_key_rate check (key_rate between 1 and 1000000),
    constraint limits_key_per check (key_per between interval '10 milliseconds' and interval '31 days'),
    constraint limits_key_rate_per check ((key_rate is null) = (key_per is null))
);

comment on table forge.limits is 'Queues that have limits, or had some.';
comment on column forge.limits.max_running is 'Jobs of the queue that run at once, across all workers.';
comment on column forge.limits.rate is 'Jobs of the queue that start in any interval of length per.';
comment on column forge.limits.key_max_running is 'Jobs of one concurrency_key that run at once.';
comment on column forge.limits.key_rate is 'Jobs of one concurrency_key that start in any interval of length key_per.';
comment on column forge.limits.key_fifo is 'Whether the jobs of one concurrency_key run one by one, in the order of ids.';
comment on column forge.limits.settled is
'Whether every claim and every end of a job goes by these limits: those that began before they were set may not.';
comment on column forge.limits.mark is 'The next transaction id when a tick first saw them.';

-- In a table of its own, as each further index of forge.jobs makes every job dearer by a fiftieth.
create table forge.lines (
    queue text collate "C" not null,
    key text collate "C" not null,
    id bigint not null
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table forge.lines is 'The jobs with a concurrency_key that are PENDING or PROCESSING, in the order of ids.';

-- Serves the order of a key whose jobs run one by one, and whoever leaves the line.
create index line_idx on forge.lines (queue, key, id);

create sequence forge.turn_ticket_seq as bigint;

-- No unique index: two who enqueue for the same key at once must not wait for each other. And without one
-- there are no key columns, so that a turn can be put off while others hold it with "for key share".
create table forge.turns (
    queue text collate "C" not null,
    key text collate "C" not null,
    turn_at timestamptz not null,
    ticket bigint not null default nextval('forge.turn_ticket_seq')
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table forge.turns is
'The line in which the keys of a queue stand: this key is worth a look at this time. A key may stand in it
more than once, and every key with a job that could run does.';
comment on column forge.turns.ticket is 'Who came first among those of the same time; new at each turn.';

alter table forge.queues add column turn_floor timestamptz;

comment on column forge.queues.turn_floor is
'The time below which no turn is left, while dead rows lie before the others; else null.';

-- Serves the claim, and the question whether a queue has keys in line.
create index turn_due_idx on forge.turns (queue, turn_at, ticket);

-- Serves the search for the turns of one key.
create index turn_key_idx on forge.turns (queue, key, turn_at);

create table forge.starts (
    queue text collate "C" not null,
    key text collate "C" not null,
    at timestamptz not null,
    total bigint not null,
    jobs integer not null
) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

comment on table forge.starts is
'What has started in queues with a rate, one row a claim and key; the key of the queue''s own rate is ''''.';
comment on column forge.starts.total is
'A running total up to and with this row: what started in a window is the difference of two rows.';

-- Serves the rate: the newest row, and the first of the window.
create index start_window_idx on forge.starts (queue, key, at, total);

-- Serves the tick, which removes what no window of a key reaches any more.
create index start_old_idx on forge.starts (queue, at)
where key <> '';

create type forge.allowance as (jobs integer, more_at timestamptz);

comment on type forge.allowance is
'How many jobs a rate lets start now, and when the first that started in the window leaves it.';

create type forge.visit as (
    key text,
    ticket bigint,
    room integer,
    more boolean,
    ids bigint[]
);

comment on type forge.visit is
'A key whose turn it is in a claim: how many of its jobs may start, whether it seems to have more, and the
jobs that were chosen.';

create type forge.limits_row as (
    queue text,
    max_running integer,
    rate integer,
    per interval,
    key_max_running integer,
    key_rate integer,
    key_per interval,
    key_fifo boolean,
    running integer,
    created_at timestamptz,
    updated_at timestamptz
);
