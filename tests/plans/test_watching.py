"""What dashboards and scrapes ask: a bounded look, however much there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.plans.backlog import Reader

BIG = {"jobs", "dead_jobs", "history", "history_default"}
# A day of samples of fifty queues, in the spans in which they are kept: 333 a queue.
SAMPLES = """
insert into forge.{table} (at, queue, {columns})
select t.at, q.queue, {values}
from (
    select generate_series(
        date_bin('10 minutes', forge.now() - interval '1 day', 'epoch'),
        forge.now() - interval '2 hours', '10 minutes'
    )
    union
    select generate_series(
        date_trunc('minute', forge.now() - interval '2 hours'), forge.now(), '1 minute'
    )
) as t (at)
cross join (select 'q' || n from generate_series(1, 50) as n union all select '') as q (queue)
on conflict do nothing
"""


@pytest.fixture(scope="module")
def samples(backlog: Database) -> Iterator[None]:
    """Committed, as what one test after the other rolls back would be read, too."""
    columns = "wait_buckets, wait_jobs, run_buckets, run_jobs"
    bucket = "'{9}', '{1}', '{9}', '{1}'"
    for table, names, values in (
        ("latency_samples", columns, bucket),
        ("throughput_samples", "completed", "1"),
    ):
        backlog.rows(SAMPLES.format(table=table, columns=names, values=values))
    yield
    backlog.rows("truncate forge.latency_samples, forge.throughput_samples")


def many_queues(reader: Reader) -> None:
    reader.setup(
        "insert into forge.queues (queue) select 'none' || n from generate_series(1, 99) as n"
    )


@pytest.mark.parametrize("topics", ["{stats,worker,queue,job,dead}", "{warning,schedule}"])
def test_a_look_of_the_event_stream_is_bounded(reader: Reader, topics: str) -> None:
    many_queues(reader)

    reader.run("select * from forge.overview(topics => %(topics)s)", topics=topics)

    assert not reader.reads.whole_tables & BIG
    # The names of queues, 500 jobs of each status in each queue; those that run: 10,000, thrice.
    assert reader.reads.jobs <= 40_000
    assert reader.reads.tuples.get("dead_job_queue_idx", 0) <= 1_000


def test_the_numbers_of_many_queues_are_counted_less_far(reader: Reader) -> None:
    many_queues(reader)

    rows = {row["queue"]: row for row in reader.run("select * from forge.stats()")}

    assert 400 <= rows["default"]["ready"] == rows["default"]["counted_to"] <= 500
    assert rows["default"]["capped"]


def test_a_warning_of_a_type_looks_at_those_that_are_claimed_first(reader: Reader) -> None:
    reader.setup(
        "select forge.register_worker('w', '{default,ahead}', '{other}', liveness => false)"
    )

    found = reader.run("select code, queue from forge.warnings()")

    assert {row["queue"] for row in found if row["code"] == "no_worker_for_type"} == {
        "default",
        "ahead",  # below a hundred thousand jobs of a higher priority that are not due
    }
    assert not reader.reads.whole_tables & BIG
    assert reader.reads.jobs <= 5_000


def test_prometheus_reads_no_more_than_stats(reader: Reader) -> None:
    many_queues(reader)

    reader.run("select * from forge.prometheus()")

    assert not reader.reads.whole_tables & BIG
    assert reader.reads.jobs <= 25_000


@pytest.mark.parametrize("function", ["latency", "throughput"])
@pytest.mark.parametrize(
    ("span", "most"), [("5 minutes", 20), ("1 hour", 100), ("1 day", 400)], ids=str
)
@pytest.mark.usefixtures("samples")
def test_samples_are_read_of_one_queue_and_of_the_span(
    reader: Reader, function: str, span: str, most: int
) -> None:
    reader.run(f"select * from forge.{function}(since => %(span)s, bucket => '10 min')", span=span)

    assert not reader.reads.whole_tables & (BIG | {f"{function}_samples"})
    of_samples = [n for name, n in reader.reads.tuples.items() if f"{function}_sample" in name]
    assert 1 <= sum(of_samples) <= 2 * most  # in the index and in the table
    assert reader.reads.jobs == 0


def test_a_tick_reads_so_many_blocks_of_the_history_and_no_more(reader: Reader) -> None:
    """However much was finished since the last one: here 20,000 jobs."""
    ((day, jobs, blocks),) = (
        row.values()
        for row in reader.setup(
            """
            select
                tableoid::regclass::text as day, count(*) as jobs,
                pg_relation_size(tableoid) / current_setting('block_size')::integer as blocks
            from forge.history group by tableoid
            """
        )
    )
    assert blocks > 200
    name = day.removeprefix("forge.")
    reader.setup(
        "update forge.history_looks set from_at = '-infinity', till_at = 'infinity', "
        "from_blocks = jsonb_build_object(%(name)s::text, 0)",
        name=name,
    )

    reader.run("select forge._measure(forge.now())")

    assert name not in reader.reads.whole_tables
    assert 0 < reader.reads.tuples[name] <= 130 * jobs / blocks
