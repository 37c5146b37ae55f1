-- What running jobs tell: the lines of their logs, by day.

set local lock_timeout = '5s';

create sequence forge.job_log_id_seq as bigint;

-- Append-only: nothing is ever updated or deleted here, retention drops days.
create table forge.job_logs (
    id bigint not null default nextval('forge.job_log_id_seq'),
    job_id bigint not null,
    at timestamptz not null,
    number integer not null,
    attempt integer not null,
    level text collate "C" not null,
    message text not null,
    data jsonb
) partition by range (at);

comment on table forge.job_logs is 'What handlers said of their jobs, by day (UTC). Read it through forge.job_log.';
comment on column forge.job_logs.id is 'In the order in which the lines came; a reader goes on after the last one it has.';
comment on column forge.job_logs.number is 'Which line of its job it is: more than log_settings.lines are not kept.';

-- Serves the reader, and the question how many lines a job has.
create index job_log_idx on forge.job_logs (job_id, id);

-- Takes what no day's partition takes.
create table forge.job_logs_default partition of forge.job_logs default;

create table forge.log_settings (
    one_row boolean not null default true,
    retention interval not null default '7 days',
    lines integer not null default 1000,
    constraint log_settings_pkey primary key (one_row),
    constraint log_settings_one_row check (one_row),
    constraint log_settings_retention check (retention >= interval '1 day'),
    constraint log_settings_lines check (lines between 0 and 100000)
);

comment on table forge.log_settings is 'How much of the logs of jobs is kept: one row.';
comment on column forge.log_settings.retention is 'How long lines are kept; whole days are dropped.';
comment on column forge.log_settings.lines is 'Of one job, at most.';

insert into forge.log_settings (one_row) values (true);

create type forge.log_line as (
    id bigint,
    at timestamptz,
    attempt integer,
    level text,
    message text,
    data jsonb
);

create type forge.log_limits as (retention interval, lines integer);
