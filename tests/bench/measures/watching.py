"""What it takes to watch a large database: each statement that a dashboard or a scrape makes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.bench.databases import Database, connect
from tests.bench.measure import Case, Measure, Sample
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE

JOBS = 1_000_000
QUEUES = 10
# Of so many jobs: some due or ahead, some running, some waiting, many finished, some dead.
FILL = """
insert into forge.jobs (
    scheduled_at, created_at, priority, attempts, status, queue, type, payload, worker, lease,
    lease_expires_at, aside
)
select
    now() + case when n %% 3 = 0 then interval '1 day' else interval '-1 minute' end, now(), n %% 3,
    k.runs::integer, k.status, 'queue-' || n %% %(queues)s, 'type-' || n %% 7, '{}',
    case when k.runs then 'worker-' || n %% 20 end, case when k.runs then gen_random_uuid() end,
    case when k.runs then now() + interval '1 day' end,
    case when k.status = 'WAITING' then true end
from generate_series(1, %(jobs)s::bigint * 6 / 10) as n
cross join lateral (
    select
        n %% 97 = 0 as runs,
        case when n %% 97 = 0 then 'PROCESSING' when n %% 97 = 1 then 'WAITING' else 'PENDING' end
            as status
) as k
"""
ENDED = """
insert into forge.{} (
    id, scheduled_at, created_at, attempted_at, finished_at, priority, attempts, revivals, status,
    queue, type, payload
)
select
    nextval('forge.job_id_seq'), now() - interval '1 second', now(), now(), now(), 0, 1, 0, '{}',
    'queue-' || n %% %(queues)s, 'type-' || n %% 7, '{{}}'
from generate_series(1, %(jobs)s::bigint * {} / 10) as n
"""
# A day of samples, in the spans in which they are kept, with twenty buckets each.
SAMPLES = """
insert into forge.latency_samples (at, queue, wait_buckets, wait_jobs, run_buckets, run_jobs)
select t.at, q.queue, b.buckets, b.jobs, b.buckets, b.jobs
from (
    select generate_series(
        date_bin('10 minutes', now() - interval '1 day', 'epoch'), now() - interval '2 hours',
        '10 minutes'
    )
    union
    select generate_series(
        date_trunc('minute', now() - interval '2 hours'), now() - interval '15 minutes', '1 minute'
    )
    union
    select generate_series(
        date_bin('10 seconds', now() - interval '15 minutes', 'epoch'), now(), '10 seconds'
    )
    union
    select '-infinity'
) as t (at)
cross join (
    select 'queue-' || n from generate_series(0, %(queues)s - 1) as n union all select ''
) as q (queue)
cross join (
    select array_agg(n::smallint) as buckets, array_agg(5.0) as jobs
    from generate_series(5, 24) as n
) as b
on conflict do nothing
"""
WORKERS = """
select forge.register_worker(
    'worker-' || n, array['queue-' || n %% %(queues)s], array['type-1', 'type-2'], liveness => false
)
from generate_series(1, 20) as n
"""
LOOK = "select * from forge.overview(topics => '{{{}}}')"
STATEMENTS = {
    "event stream, each second": LOOK.format("stats,worker,queue,job,dead"),
    "event stream, warnings and schedules": LOOK.format("warning,schedule"),
    "latency of 5 minutes": "select * from forge.latency()",
    "latency of 1 hour": "select * from forge.latency(since => '1 hour', bucket => '1 minute')",
    "latency of 24 hours": "select * from forge.latency(since => '1 day', bucket => '10 minutes')",
    "metrics": "select * from forge.prometheus()",
}
TIMES = 20
SLOWEST = Goal(title="Watching 1,000,000 jobs: ms a statement", limit=50.0, at_most=True)


@contextmanager
def _filled(rig: Rig) -> Iterator[Database]:
    sizes = {"queues": QUEUES, "jobs": rig.options.jobs(JOBS)}
    with rig.database(FORGE, alone=True) as database:
        with connect(database.dsn) as connection:
            connection.execute("select * from forge.tick()")
            for query in (
                FILL,
                ENDED.format("history", "COMPLETED", 3),
                ENDED.format("dead_jobs", "DEAD", 1),
                SAMPLES,
                WORKERS,
            ):
                connection.execute(query.encode(), sizes)
        database.settle()
        yield database


def _take(rig: Rig) -> Iterator[tuple[str, float]]:
    with _filled(rig) as database, connect(database.dsn) as connection:
        # as tick does after ten seconds: from then on the queues are known
        connection.execute("delete from forge.tick_tasks where task = 'queues'")
        connection.execute("select * from forge.tick()")
        for name, query in STATEMENTS.items():
            took = []
            for _ in range(TIMES):
                began = time.perf_counter()
                connection.execute(query.encode()).fetchall()
                took.append(1000 * (time.perf_counter() - began))
            yield name, median(took)


def _sample(rig: Rig) -> Sample:
    return Sample({f"{name}, ms": took for name, took in _take(rig)})


MEASURE = Measure(
    key="watching",
    title="Watching a large database",
    about=f"Of {JOBS:,} jobs in {QUEUES} queues 600,000 are live, 300,000 finished and 100,000 "
    f"dead. Each statement {TIMES} times on one connection, the median.",
    cases=[
        Case(
            subject=FORGE,
            name="statements",
            take=_sample,
            goals={f"{name}, ms": SLOWEST for name in STATEMENTS},
        )
    ],
    rounds=1,
)
