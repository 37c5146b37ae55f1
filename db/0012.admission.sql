-- What a queue or a type takes in: depths, schemas, checks; and what an edit of many jobs returns.

set local lock_timeout = '5s';

-- What every enqueue asks. The names are written into it by whatever changes them, because a condition that is
-- folded into the caller's plan is all that costs nothing: to read a table here was 20 to 30 % of an enqueue, to
-- read a sequence 5 %. So it is no file of procedures/, and belongs to the data as they do.
create function forge._is_open(
    queue text,
    type text
)
returns boolean
language sql stable parallel safe
as 'select true';
comment on function forge._is_open(text, text) is
'Whether neither a queue nor a type asks anything of a job. Internal.';

create table forge.admissions (
    queue text collate "C" not null,
    max_depth integer not null,
    on_full text collate "C" not null default 'reject',
    defer_for interval not null default '1 minute',
    counter integer not null,
    arrivals regclass not null,
    mark bigint not null,
    depth integer not null,
    sampled_at timestamptz not null,
    took interval not null default '0',
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint admissions_pkey primary key (queue),
    constraint admissions_counter_taken unique (counter),
    constraint admissions_max_depth check (max_depth between 1 and 1000000),
    constraint admissions_on_full check (on_full in ('reject', 'defer', 'drop_oldest'))
) with (fillfactor = 50);

comment on table forge.admissions is 'Queues that take in a limited number of jobs.';
comment on column forge.admissions.arrivals is
'Counts the jobs that were taken in: a sequence, as nobody waits for one. Freed numbers are used again.';
comment on column forge.admissions.depth is
'The depth when the tick looked last, at most max_depth; arrivals since then are those beyond mark.';
comment on column forge.admissions.took is 'How long that look took.';

create table forge.deferrals (
    id bigint not null,
    until timestamptz not null,
    constraint deferrals_pkey primary key (id)
);

comment on table forge.deferrals is 'Jobs that a full queue put off, until they are due; for explain.';

-- Serves the tick that removes what is over.
create index deferral_until_idx on forge.deferrals (until);

create table forge.payload_checks (
    type text collate "C" not null,
    schema jsonb,
    function_name text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint payload_checks_pkey primary key (type),
    constraint payload_checks_some check (num_nonnulls(schema, function_name) > 0)
);

comment on table forge.payload_checks is 'What the payloads of a type must keep to.';
comment on column forge.payload_checks.function_name is
'A function of the payload, by its name: an oid would not outlive a dump.';

create type forge.admission_row as (
    queue text,
    max_depth integer,
    on_full text,
    defer_for interval,
    depth integer,
    sampled_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz
);

create type forge.payload_check_row as (
    type text,
    schema jsonb,
    function_name text,
    created_at timestamptz,
    updated_at timestamptz
);

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

create type forge.edited as (
    matched integer,
    changed integer,
    skipped integer,
    last_id bigint,
    more boolean
);
