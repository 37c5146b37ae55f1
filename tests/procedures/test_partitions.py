"""61_partitions: a day of the history is made ahead of time and dropped whole."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.procedures.calls import Calls

PARTITIONS = """
select c.relname as name from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
where i.inhparent = 'forge.history'::regclass order by c.relname
"""


def partitions(call: Calls) -> list[str]:
    names = [row["name"].removeprefix("history_") for row in call.select(PARTITIONS)]
    assert names.pop() == "default"
    return names


def holder(call: Calls, job_id: int) -> str:
    name: str = call.one(
        "select c.relname from forge.history as h join pg_class as c on c.oid = h.tableoid"
        " where h.id = %s",
        job_id,
    )
    return name.removeprefix("history_")


def test_today_and_three_days_are_made(call: Calls, noon: Clock) -> None:
    before = set(partitions(call))

    assert call.tick()["partitions_made"] == 4
    new = sorted(set(partitions(call)) - before)
    assert new == ["20300102", "20300103", "20300104", "20300105"]


def test_days_are_of_utc_whatever_the_session_says(call: Calls, clock: Clock) -> None:
    clock.set("2030-01-02T23:30:00Z")
    call.select("set local timezone = 'Pacific/Kiritimati'")
    call.tick()
    late = call.completed()
    clock.set("2030-01-03T00:00:00Z")
    next_day = call.completed()

    assert "20300102" in partitions(call)
    assert (holder(call, late), holder(call, next_day)) == ("20300102", "20300103")


def test_the_work_is_done_once_a_minute(call: Calls, noon: Clock) -> None:
    call.tick()
    noon.advance(days=1, seconds=-1)

    assert call.tick()["partitions_made"] == 1
    noon.advance(seconds=59)
    assert "partitions_made" not in call.tick()
    noon.advance(days=1)
    assert call.tick()["partitions_made"] == 1


def test_retention_drops_whole_days_with_their_jobs(call: Calls, noon: Clock) -> None:
    call.tick()
    job_id = call.completed()

    noon.set("2030-01-09T23:59:00Z")  # seven days and twelve hours on: the day is not over yet
    call.tick()
    assert "20300102" in partitions(call)
    assert call.status(job_id) == "COMPLETED"

    noon.set("2030-01-10T00:00:00Z")
    assert call.tick()["partitions_dropped"] == 1
    assert "20300102" not in partitions(call)
    assert call.status(job_id) is None


def test_a_longer_retention_keeps_more_days(call: Calls, noon: Clock) -> None:
    call.rows("set_retention", history="30 days")
    call.tick()
    noon.advance(days=30)
    call.tick()
    assert "20300102" in partitions(call)

    noon.advance(days=1)
    call.tick()
    assert "20300102" not in partitions(call)


def test_a_job_of_a_day_without_partition_is_kept_in_the_default(call: Calls, noon: Clock) -> None:
    job_id = call.completed()
    assert holder(call, job_id) == "default"

    # The day stays there; the others are made.
    assert call.tick()["partitions_made"] == 3
    assert "20300102" not in partitions(call)
    assert call.status(job_id) == "COMPLETED"
    assert holder(call, call.completed()) == "default"


def test_retention_clears_the_default_partition_too(call: Calls, noon: Clock) -> None:
    job_id = call.completed()
    noon.set("2030-01-09T23:59:00Z")
    call.tick()
    assert call.status(job_id) == "COMPLETED"

    noon.set("2030-01-10T00:00:00Z")
    call.tick()
    assert call.status(job_id) is None


def test_dead_jobs_are_kept_for_ever_unless_told_otherwise(call: Calls, noon: Clock) -> None:
    job_id = call.dead()
    noon.advance(days=1000)
    call.tick()
    assert call.status(job_id) == "DEAD"

    call.rows("set_retention", dead="1000 days")
    noon.advance(minutes=1)
    assert call.tick()["dead_jobs_dropped"] == 1
    assert call.status(job_id) is None


def test_a_reader_of_the_history_postpones_the_work(db: Database, call: Calls, noon: Clock) -> None:
    reader = db.connect(autocommit=False)
    reader.execute("select from forge.history")
    before = partitions(call)
    call.select("set lock_timeout = 0")  # it brings its own

    done = call.tick()
    assert done["partitions_postponed"] == 1
    assert call.one("show lock_timeout") == "0"
    assert "partitions_made" not in done
    assert partitions(call) == before

    reader.rollback()
    noon.advance(minutes=1)
    assert call.tick()["partitions_made"] == 4


def test_what_is_postponed_keeps_the_rest_of_the_tick(
    db: Database, call: Calls, noon: Clock
) -> None:
    job = call.running()
    reader = db.connect(autocommit=False)
    reader.execute("select from forge.history")
    noon.advance(seconds=61)

    done = call.tick()

    assert (done["partitions_postponed"], done["expired_leases"]) == (1, 1)
    assert call.status(job["id"]) == "PENDING"
    reader.rollback()


def test_a_tick_leaves_the_callers_lock_timeout_alone(call: Calls, noon: Clock) -> None:
    call.select("set local lock_timeout = '7s'")
    call.tick()

    assert call.one("show lock_timeout") == "7s"


@pytest.mark.parametrize("style", ["ISO", "SQL, DMY", "Postgres, MDY", "German"])
def test_days_are_the_same_however_the_session_writes_times(
    style: str, call: Calls, noon: Clock
) -> None:
    call.select("set local timezone = 'Asia/Kolkata'")  # whose IST is also Israel's
    call.select(f"set local datestyle = '{style}'")
    call.tick()
    call.select("set local timezone = 'UTC'")
    call.select("set local datestyle = 'ISO'")

    bounds = call.one(
        "select pg_get_expr(relpartbound, oid) from pg_class where relname = 'history_20300102'"
    )
    assert bounds == ("FOR VALUES FROM ('2030-01-02 00:00:00+00') TO ('2030-01-03 00:00:00+00')")


def test_no_day_is_left_out_where_the_sessions_day_has_no_midnight(
    call: Calls, clock: Clock
) -> None:
    call.select("set local timezone = 'America/Sao_Paulo'")
    clock.set("2018-11-04T12:00:00Z")

    assert call.tick()["partitions_made"] == 4
