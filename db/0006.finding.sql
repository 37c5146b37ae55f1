-- What forge.doctor() returns.

set local lock_timeout = '5s';

create type forge.finding as (
    code text,
    severity text,
    sentence text,
    hint text
);
