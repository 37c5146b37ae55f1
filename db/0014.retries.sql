-- Retry rules by class of error, and why a queue is paused.

set local lock_timeout = '5s';

create table forge.retry_rules (
    scope text collate "C" not null,
    name text collate "C" not null,
    rules jsonb not null,
    updated_at timestamptz not null default clock_timestamp(),
    constraint retry_rules_pkey primary key (scope, name),
    constraint retry_rules_scope check (scope in ('type', 'queue', 'all')),
    constraint retry_rules_name check ((scope = 'all') = (name = '')),
    constraint retry_rules_rules check (jsonb_typeof(rules) = 'array')
);

comment on table forge.retry_rules is
'What becomes of failures by the class of their error: one list of rules a type, a queue, and for all.';
comment on column forge.retry_rules.rules is
'The list, first match first, as jobs have it in retry_rules: written as a whole, so read as a whole.';

create table forge.pauses (
    at timestamptz not null,
    queue text collate "C" not null,
    reason text not null,
    constraint pauses_reason check (char_length(reason) between 1 and 1000)
);

comment on table forge.pauses is
'Why queues are paused. Failures append here and wait for nobody, so that a queue may have several; one that
still runs is paused by the next tick.';

create index pause_queue_idx on forge.pauses (queue);

-- One rule as it is read from its list.
create type forge.retry_rule as (
    rule text,
    error_type text,
    error text,
    action text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer
);

create type forge.retry_rule_row as (
    scope text,
    name text,
    "position" integer,
    rule text,
    error_type text,
    error text,
    action text,
    retry_base interval,
    retry_factor double precision,
    retry_cap interval,
    retry_jitter double precision,
    max_retries integer
);

-- What is decided of a failed attempt.
create type forge.verdict as (
    status text,
    delay interval,
    max_retries integer,
    rule text,
    counted boolean,
    pauses boolean
);

alter type forge.queue_row add attribute pause_reason text;
