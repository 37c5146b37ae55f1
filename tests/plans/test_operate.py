"""What an operator looks at: types, a worker's jobs, one queue. Bounded, and none reads a table."""

from __future__ import annotations

from tests.plans.backlog import Reader

NEWEST = 1_000  # jobs of each place that types are gathered from
RUNNING = 10_000  # jobs among which those of a worker are looked for
COUNTED = 10_000


def test_the_types_are_gathered_from_the_newest_jobs(reader: Reader) -> None:
    (row,) = reader.run("select * from forge.list_types()")

    assert (row["type"], row["seen_at"] is not None) == ("t", True)
    assert not reader.reads.whole_tables & {"jobs", "dead_jobs", "history_default"}
    assert reader.reads.jobs <= 2 * NEWEST + 50


def test_the_jobs_of_a_worker_are_found_among_those_that_run(reader: Reader) -> None:
    rows = reader.run("select * from forge.worker_jobs('w7', max_rows => 50)")

    assert 0 < len(rows) <= 50
    assert not reader.reads.whole_tables & {"jobs", "dead_jobs", "history_default"}
    assert reader.reads.jobs <= 2 * RUNNING + 500


def test_the_page_of_a_queue_counts_no_further_than_the_numbers_do(reader: Reader) -> None:
    topics = {row["topic"] for row in reader.run("select * from forge.queue_page('default')")}

    assert "stats" in topics
    assert not reader.reads.whole_tables & {"jobs", "dead_jobs", "history_default"}
    assert reader.reads.jobs <= 6 * COUNTED


def test_a_claim_asks_an_index_whether_its_worker_drains(reader: Reader) -> None:
    reader.setup(
        "insert into forge.workers (worker, queues, concurrency, started_at, heartbeat_at)"
        " select 'w' || i, '{default}', 1, now(), now() from generate_series(1, 1000) as i"
    )

    reader.run("select * from forge.dequeue('default', 'w7')")

    assert "workers" not in reader.reads.whole_tables
    assert reader.reads.scans["worker_draining_idx"] == 1
    assert reader.reads.tuples.get("worker_draining_idx", 0) == 0
