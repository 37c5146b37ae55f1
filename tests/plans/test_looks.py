"""What the tick and the dashboard look at: bounded, however many jobs there are."""

from __future__ import annotations

import pytest

from tests.plans.backlog import Reader

COUNTED = 10_000


def forget_the_last_tick(reader: Reader) -> None:
    reader.setup("delete from forge.tick_tasks where task <> 'statistics'")


def test_a_tick_with_nothing_to_do_reads_a_few_entries(reader: Reader) -> None:
    forget_the_last_tick(reader)

    reader.run("select * from forge.tick()")

    assert not reader.reads.whole_tables & {"jobs", "dead_jobs"}
    assert reader.reads.jobs <= 50


def test_a_tick_reads_the_leases_that_have_ended_and_no_others(reader: Reader) -> None:
    reader.setup(
        "update forge.jobs set lease_expires_at = forge.now() - interval '1 minute' "
        "where id in (select id from forge.jobs where queue = 'running' order by id limit 300)"
    )
    forget_the_last_tick(reader)

    tasks = {row["task"]: row["count"] for row in reader.run("select * from forge.tick()")}

    assert tasks["expired_leases"] == 300
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= 300 * 6 + 50


def test_a_tick_that_ends_a_worker_reads_no_pending_job(reader: Reader) -> None:
    """There is no index by worker: it reads what runs, once, and nothing that waits."""
    reader.setup(
        "insert into forge.workers (worker, queues, concurrency, liveness_key, backend_pid, "
        "missing_since, started_at, heartbeat_at) values "
        "('w7', '{default}', 1, -1, 0, forge.now() - interval '1 minute', forge.now(), forge.now())"
    )

    (runs,) = reader.setup(
        "select count(*) as jobs, count(*) filter (where worker = 'w7') as lost "
        "from forge.jobs where status = 'PROCESSING'"
    )

    tasks = {row["task"]: row["count"] for row in reader.run("select * from forge.tick()")}

    assert tasks["jobs_of_lost_workers"] == runs["lost"] > 0
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= runs["jobs"] + 6 * runs["lost"] + 2000  # and dead versions


def test_a_tick_finds_the_schedule_that_is_due_among_many(reader: Reader) -> None:
    """And whether its job of before is live by the id of that."""
    reader.setup(
        "select forge.schedule('s' || n, '@yearly', 't', overlap => 'skip') "
        "from generate_series(1, 1000) as n"
    )
    reader.setup("select forge.run_schedule('s7')")
    reader.setup(
        "update forge.schedules set due_at = forge.now(), next_at = forge.now() where name = 's7'"
    )
    forget_the_last_tick(reader)

    reader.run("select * from forge.tick()")

    (seen,) = reader.setup("select skipped_because from forge.list_schedules('s7')")
    assert seen == {"skipped_because": "overlap"}
    assert not reader.reads.whole_tables & {"jobs", "schedules"}
    assert reader.reads.scans["jobs_pkey"] == 1


@pytest.mark.parametrize("before", [None, "middle"])
@pytest.mark.parametrize("function", ["list_jobs", "list_dead"])
def test_a_page_walks_the_index_of_ids(reader: Reader, function: str, before: str | None) -> None:
    limit = None
    if before:
        table = "jobs" if function == "list_jobs" else "dead_jobs"
        limit = reader.setup(f"select (min(id) + max(id)) / 2 as id from forge.{table}")[0]["id"]

    rows = reader.run(f"select id from forge.{function}(before => %(limit)s)", limit=limit)

    assert len(rows) == 50
    assert not reader.reads.whole_tables & {"jobs", "dead_jobs", "history_default"}
    assert reader.reads.jobs <= 200
    assert reader.reads.tuples.get("dead_jobs_pkey", 0) <= 200
    assert sum(n for name, n in reader.reads.tuples.items() if name.startswith("history")) <= 400
    assert reader.reads.tuples.get("settings", 0) <= 50  # a policy is looked up for a row returned


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED", "DEAD", "CANCELLED"])
def test_a_page_of_one_status_works_out_no_more_rows_than_it_returns(
    reader: Reader, status: str
) -> None:
    """One that is rare among the newest may take a walk, but no sort of worked-out rows."""
    rows = reader.run("select id from forge.list_jobs(status => %(status)s)", status=status)

    assert len(rows) == (0 if status == "CANCELLED" else 50)
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.tuples.get("settings", 0) <= 50


def test_each_number_of_the_statistics_is_counted_up_to_ten_thousand(reader: Reader) -> None:
    rows = {row["queue"]: row for row in reader.run("select * from forge.stats()")}

    assert rows["default"]["ready"] == rows["default"]["dead"] == COUNTED
    assert rows["ahead"]["scheduled"] == rows["running"]["processing"] == COUNTED
    assert all(row["capped"] for row in rows.values())
    assert not reader.reads.whole_tables & {"jobs", "dead_jobs"}
    # Pending of two queues, what runs twice: for the names of the queues, and for the numbers.
    assert reader.reads.jobs <= 2 * 4 * COUNTED + 100
    assert reader.reads.tuples["dead_job_queue_idx"] <= COUNTED + 10


def test_the_list_of_workers_counts_at_most_ten_thousand_jobs(reader: Reader) -> None:
    reader.setup("select forge.register_worker('w7', array['default'], liveness => false)")

    reader.run("select * from forge.list_workers()")

    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= COUNTED + 1000
