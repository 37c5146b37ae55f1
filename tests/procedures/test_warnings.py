"""81_warnings: what an operator should read now, of which queue, and since when."""

from __future__ import annotations

import pytest
from psycopg.rows import DictRow

from tests.database import Clock, Database
from tests.procedures.calls import Calls


@pytest.fixture
def ticked(db: Database, call: Calls, noon: Clock) -> Calls:
    """A database of its own, where somebody ticks and no long transaction is open."""
    call.tick()
    return call


def found(call: Calls) -> dict[str, DictRow]:
    return {row["code"]: row for row in call.rows("warnings")}


def test_where_all_is_well_there_is_nothing_to_read(ticked: Calls) -> None:
    assert ticked.rows("warnings") == []


def test_due_jobs_without_a_worker(ticked: Calls) -> None:
    ticked.enqueue(queue="lonely")

    row = found(ticked)["no_worker"]
    assert (row["severity"], row["queue"]) == ("warning", "lonely")
    assert "--queue lonely" in row["hint"]


def test_due_jobs_of_a_type_that_no_worker_runs(ticked: Calls) -> None:
    given = {"queues": ["q"], "liveness": False}
    ticked.rows("register_worker", worker="w", types=["known"], **given)
    ticked.enqueue("known", queue="q")
    ticked.enqueue("new", queue="q", priority=-1)
    ticked.enqueue("keyed", queue="q", concurrency_key="k")
    ticked.enqueue("later", queue="q", scheduled_at="2031-01-01Z")

    rows = [row for row in ticked.rows("warnings") if row["code"] == "no_worker_for_type"]
    assert [row["queue"] for row in rows] == ["q", "q"]
    assert ["type keyed" in rows[0]["sentence"], "type new" in rows[1]["sentence"]] == [True, True]

    ticked.rows("register_worker", worker="runs all", **given)
    assert ticked.rows("warnings") == []


def test_a_paused_queue_is_told_since_when_with_work_or_without(ticked: Calls, noon: Clock) -> None:
    ticked.rows("pause", queue="idle")
    ticked.rows("pause", queue="busy")
    paused = noon.now
    ticked.enqueue(queue="busy")
    noon.advance(seconds=30)

    rows = found(ticked)
    assert {code: (row["queue"], row["since"]) for code, row in rows.items()} == {
        "paused": ("idle", paused),
        "paused_with_work": ("busy", paused),
    }
    assert "since 2030-01-02 12:00 UTC" in rows["paused"]["sentence"]


def test_nobody_ticks(ticked: Calls, noon: Clock) -> None:
    last = noon.now
    noon.advance(seconds=61)

    assert found(ticked)["no_tick"]["since"] == last


def test_a_transaction_that_stays_open_is_told_in_full_minutes(
    db: Database, ticked: Calls, noon: Clock
) -> None:
    noon.run()
    open_one = db.connect(autocommit=False)
    open_one.execute("select 1")
    began = open_one.execute("select now() as at").fetchone()
    noon.set(ticked.one("select clock_timestamp()"))
    noon.advance(minutes=12, seconds=30)
    ticked.tick()

    row = found(ticked)["long_transaction"]
    open_one.rollback()
    assert began is not None
    assert row["since"] == began["at"]
    assert "open for 12 minutes" in row["sentence"]


def test_a_schedule_that_fails(ticked: Calls) -> None:
    ticked.rows("schedule", name="nightly", cron="@daily", type="t", queue="q")
    ticked.select("update forge.schedules set failures = 3, last_error = 'no room'")

    row = found(ticked)["schedule_failing"]
    assert row["queue"] == "q"
    assert "nightly" in row["sentence"]


def test_warnings_come_before_remarks(ticked: Calls) -> None:
    ticked.rows("pause", queue="a")
    ticked.enqueue(queue="b")

    assert [row["severity"] for row in ticked.rows("warnings")] == ["warning", "info"]


def test_what_it_says_stays_the_same_while_nothing_changes(ticked: Calls, noon: Clock) -> None:
    ticked.rows("pause", queue="a")
    ticked.enqueue(queue="b")
    before = ticked.rows("warnings")
    noon.advance(seconds=5)

    assert ticked.rows("warnings") == before
