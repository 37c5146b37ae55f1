"""What a call reads is bounded by what it returns, whatever the table and the statistics hold."""

from __future__ import annotations

import pytest

from tests.plans.backlog import Reader

# A row is read a few times: found, locked, changed by its id; and so are the dead versions of it
# that other tests of this file left when they rolled back.
A_FEW = 20
HELD = "select id, lease from forge.jobs where queue = 'running' order by id limit 500"


def held(reader: Reader) -> dict[str, object]:
    """The claims of 500 jobs out of all that run."""
    rows = reader.setup(HELD)
    return {"ids": [row["id"] for row in rows], "leases": [row["lease"] for row in rows]}


@pytest.mark.parametrize("queue", ["default", "ahead"])
@pytest.mark.parametrize("function", ["dequeue", "exchange"])
@pytest.mark.parametrize("max_jobs", [1, 500])
def test_a_claim_reads_little_more_than_it_claims(
    reader: Reader, function: str, queue: str, max_jobs: int
) -> None:
    jobs = reader.run(
        f"select * from forge.{function}(queue => %(queue)s, max_jobs => %(max_jobs)s)",
        queue=queue,
        max_jobs=max_jobs,
    )

    assert len(jobs) == max_jobs
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.tuples["job_ready_idx"] <= max_jobs + 10
    assert reader.reads.jobs <= 6 * max_jobs + A_FEW


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
def test_a_claim_finds_out_quickly_that_all_jobs_are_scheduled_ahead(
    reader: Reader, function: str
) -> None:
    reader.setup("select count(*) from forge.dequeue(queue => 'ahead', max_jobs => 1000)")

    jobs = reader.run(f"select * from forge.{function}(queue => 'ahead', max_jobs => 1000)")

    assert jobs == []
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.scans["job_ready_idx"] <= 6


def test_claim_after_claim_stays_cheap_when_the_plan_is_a_generic_one(reader: Reader) -> None:
    """From the sixth call on PL/pgSQL may plan without the values."""
    for _ in range(8):
        reader.run("select * from forge.dequeue(queue => 'ahead', max_jobs => 10)")

    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= 300  # with the entries of those it claimed before


@pytest.mark.parametrize(
    "call",
    [
        "select forge.complete_many(%(ids)s, %(leases)s)",
        "select * from forge.exchange(%(ids)s, %(leases)s, queue => 'no such queue')",
        "select * from forge.heartbeat('w1', %(ids)s, %(leases)s)",
    ],
    ids=["complete_many", "exchange", "heartbeat"],
)
def test_what_500_acknowledgements_read_is_500_rows_by_primary_key(
    reader: Reader, call: str
) -> None:
    claims = held(reader)

    reader.run(call, **claims)

    assert "jobs" not in reader.reads.whole_tables
    assert "job_processing_idx" not in reader.reads.scans
    assert reader.reads.tuples.get("job_ready_idx", 0) == 0
    # Each twice, and the dead versions that other tests of this file left by rolling back.
    assert reader.reads.tuples["jobs_pkey"] <= 8 * 500


@pytest.mark.parametrize(
    "call",
    [
        "select forge.complete(%(id)s, %(lease)s)",
        "select forge.fail(%(id)s, %(lease)s, 'no')",
        "select forge.release(%(id)s, %(lease)s)",
        "select forge.snooze(%(id)s, %(lease)s, '1 minute')",
        "select forge.progress(%(id)s, %(lease)s, 0.5)",
        "select forge.cancel(%(id)s)",
        "select * from forge.job(%(id)s)",
    ],
    ids=lambda call: call.partition("forge.")[2].partition("(")[0],
)
def test_a_call_about_one_job_reads_that_job(reader: Reader, call: str) -> None:
    (job,) = reader.setup(f"{HELD.replace('500', '1')}")

    reader.run(call, **job)

    assert not reader.reads.whole_tables & {"jobs", "dead_jobs"}
    assert reader.reads.jobs <= A_FEW


@pytest.mark.parametrize("function", ["retry", "discard"])
def test_bringing_a_dead_job_back_reads_that_job(reader: Reader, function: str) -> None:
    (job,) = reader.setup("select id from forge.dead_jobs limit 1")

    reader.run(f"select forge.{function}(%(id)s)", **job)

    assert not reader.reads.whole_tables & {"jobs", "dead_jobs"}
    assert reader.reads.jobs <= A_FEW
    assert reader.reads.tuples["dead_jobs_pkey"] <= 2


def test_an_enqueue_with_a_key_reads_at_most_the_job_that_has_it(reader: Reader) -> None:
    for _ in range(2):
        reader.run("select forge.enqueue('t', unique_key => 'k')")

    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= A_FEW


def test_parking_reads_a_few_entries_a_queue(reader: Reader) -> None:
    due = reader.run("select forge.park(array['default', 'ahead', 'running']) as queue")
    reader.setup("select forge.unpark()")

    assert sorted(row["queue"] for row in due) == ["ahead", "default"]
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= 20


def test_a_claim_of_one_type_in_an_empty_queue_costs_a_probe(reader: Reader) -> None:
    reader.run("select * from forge.dequeue('nothing here', max_jobs => 100, types => '{t}')")

    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs == 0
