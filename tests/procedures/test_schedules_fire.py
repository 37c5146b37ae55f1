"""65_schedules_fire: the tick enqueues what is due, catches up, and minds what is still live."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from psycopg.rows import DictRow

from tests.database import Clock
from tests.procedures.calls import Calls


def schedule(call: Calls, cron: str = "* * * * *", **given: object) -> DictRow:
    return call.row("schedule", **{"name": "s", "cron": cron, "type": "t", **given})


def state(call: Calls) -> DictRow:
    return call.row("list_schedules", name="s")


def nominal(call: Calls) -> list[datetime]:
    """The nominal times of all jobs, in the order of their ids."""
    return [row["nominal_at"] for row in reversed(call.rows("list_jobs", max_rows=100))]


def fired(call: Calls) -> int:
    return call.tick().get("schedules", 0)


def minutes_after(start: datetime, *minutes: float) -> list[datetime]:
    return [start + timedelta(minutes=n) for n in minutes]


def test_a_run_comes_once_when_it_is_due(call: Calls, noon: Clock) -> None:
    start = noon.now
    schedule(call)
    noon.advance(seconds=59)
    assert fired(call) == 0

    noon.advance(seconds=1.5)
    assert (fired(call), fired(call)) == (1, 0)

    (job,) = call.rows("list_jobs")
    (due,) = minutes_after(start, 1)
    assert (job["schedule"], job["nominal_at"]) == ("s", due)
    assert job["scheduled_at"] == job["created_at"] == noon.now
    row = state(call)
    assert (row["last_at"], row["last_job_id"]) == (due, job["id"])
    assert [row["next_at"]] == minutes_after(start, 2)


def test_its_jobs_run_like_others(call: Calls, noon: Clock) -> None:
    schedule(call, payload={"to": "a"}, max_retries=0)
    noon.advance(minutes=1)
    call.tick()

    job = call.claim()
    assert (job["schedule"], job["nominal_at"]) == ("s", noon.now)
    assert call.fail(job)["status"] == "DEAD"
    assert call.row("list_dead")["schedule"] == "s"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [60]),
        ({"catch_up": "one"}, [60]),
        ({"catch_up": "all", "catch_up_limit": 3}, [58, 59, 60]),
        ({"catch_up": "all", "catch_up_limit": 100}, list(range(1, 61))),
        ({"catch_up": "skip", "grace": "31 s"}, [60]),
        ({"catch_up": "skip", "grace": "29 s"}, []),
        ({"cron": "every 1 minute", "catch_up": "all", "catch_up_limit": 2}, [59, 60]),
    ],
    ids=str,
)
def test_missed_runs_are_caught_up_on_as_the_policy_says(
    given: dict[str, str], expected: list[int], call: Calls, noon: Clock
) -> None:
    start = noon.now
    schedule(call, **given)
    noon.advance(hours=1, seconds=30)

    assert fired(call) == len(expected)

    assert nominal(call) == minutes_after(start, *expected)
    assert [state(call)["next_at"]] == minutes_after(start, 61)
    assert fired(call) == 0


def test_what_is_skipped_as_too_late_is_told(call: Calls, noon: Clock) -> None:
    start = noon.now
    schedule(call, "@hourly", catch_up="skip")
    noon.advance(hours=1, minutes=2)

    assert fired(call) == 0

    row = state(call)
    assert (row["skipped_at"], row["skipped_because"]) == (start + timedelta(hours=1), "late")


def test_a_year_of_missed_minutes_is_caught_up_on_at_once(call: Calls, noon: Clock) -> None:
    schedule(call, "* * * 1 *", catch_up="all", catch_up_limit=2)
    noon.set("2031-01-01T00:00:00Z")
    call.select("set local statement_timeout = '2s'")

    assert fired(call) == 2

    assert [at.isoformat() for at in nominal(call)] == [
        "2030-01-31T23:59:00+00:00",
        "2031-01-01T00:00:00+00:00",
    ]


def test_overlap_allow_enqueues_beside_a_live_job(call: Calls, noon: Clock) -> None:
    schedule(call, overlap="allow")
    for _ in range(3):
        noon.advance(minutes=1)
        assert fired(call) == 1


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_overlap_skip_leaves_out_runs_while_a_job_is_live(
    status: str, call: Calls, noon: Clock
) -> None:
    start = noon.now
    schedule(call, overlap="skip")
    noon.advance(minutes=1)
    assert fired(call) == 1
    job = call.claim(lease="1 hour") if status == "PROCESSING" else None

    noon.advance(minutes=1)
    assert fired(call) == 0
    row = state(call)
    assert [row["skipped_at"]] == minutes_after(start, 2)
    assert row["skipped_because"] == "overlap"

    call.complete(job or call.claim())
    noon.advance(minutes=1)
    assert fired(call) == 1
    assert nominal(call) == minutes_after(start, 1, 3)


def test_a_job_that_waits_for_its_retry_is_live(call: Calls, noon: Clock) -> None:
    schedule(call, overlap="skip")
    noon.advance(minutes=1)
    call.tick()
    call.fail(call.claim(), retry_in="1 hour")

    noon.advance(minutes=1)
    assert fired(call) == 0


def test_a_run_by_hand_counts_for_the_overlap(call: Calls, noon: Clock) -> None:
    schedule(call, overlap="skip")
    call.value("run_schedule", name="s")
    noon.advance(minutes=1)
    assert fired(call) == 0


def test_overlap_queue_keeps_one_run_until_the_one_before_has_ended(
    call: Calls, noon: Clock
) -> None:
    start = noon.now
    schedule(call, overlap="queue")
    noon.advance(minutes=1)
    assert fired(call) == 1
    job = call.claim(lease="1 hour")
    for _ in range(2):
        noon.advance(minutes=1)
        assert fired(call) == 0
    row = state(call)
    assert [row["queued_at"], row["skipped_at"]] == minutes_after(start, 2, 3)

    call.complete(job)
    noon.advance(seconds=1)
    assert fired(call) == 1

    assert nominal(call) == minutes_after(start, 1, 2)
    row = state(call)
    assert (row["queued_at"], [row["next_at"]]) == (None, minutes_after(start, 4))


def test_overlap_queue_catches_up_on_one_and_queues_one(call: Calls, noon: Clock) -> None:
    start = noon.now
    schedule(call, overlap="queue", catch_up="all", catch_up_limit=5)
    noon.advance(minutes=10)

    assert fired(call) == 1

    assert nominal(call) == minutes_after(start, 6)
    assert [state(call)["queued_at"]] == minutes_after(start, 7)


def test_a_queued_run_goes_when_overlap_is_allowed_after_all(call: Calls, noon: Clock) -> None:
    schedule(call, overlap="queue")
    noon.advance(minutes=1)
    call.tick()
    noon.advance(minutes=1)
    call.tick()

    schedule(call, overlap="allow")

    assert fired(call) == 1
    assert state(call)["queued_at"] is None


def test_only_the_newest_jobs_are_kept_in_mind(call: Calls, noon: Clock) -> None:
    schedule(call, "@yearly")
    for _ in range(105):
        call.value("run_schedule", name="s")
    count = "select cardinality(s.live_jobs) as n from forge.schedules as s"
    assert call.one(count) == 100

    schedule(call, "every second", catch_up="all", catch_up_limit=50)
    noon.advance(minutes=1)
    assert fired(call) == 50
    assert call.one(count) == 100


def test_a_broken_schedule_does_not_stop_the_others(call: Calls, noon: Clock) -> None:
    for name in ("a", "broken", "z"):
        schedule(call, name=name, payload={"size": "x" * 2000})
    schedule(call, name="small")
    call.select("update forge.schedules set payload = '{}' where name in ('a', 'z')")
    call.select("update forge.settings set payload_limit = 1024")
    noon.advance(minutes=1)

    done = call.tick()

    assert (done["schedules"], done["failed_schedules"]) == (3, 1)
    row = call.row("list_schedules", name="broken")
    assert row["failures"] == 1
    assert row["last_error"].startswith("JQ005: payload is too large: ")
    assert row["next_at"] == noon.now
    (finding,) = [row for row in call.rows("doctor") if row["code"] == "schedule_failing"]
    assert "the schedule broken could not be enqueued 1 times in a row" in finding["sentence"]


def test_a_broken_schedule_is_tried_again_later_and_loses_no_run(call: Calls, noon: Clock) -> None:
    start = noon.now
    schedule(call, "@hourly", payload={"size": "x" * 2000})
    call.select("update forge.settings set payload_limit = 1024")
    noon.advance(hours=1)
    waits = []
    for _ in range(9):
        assert call.tick()["failed_schedules"] == 1
        due = call.one("select s.due_at from forge.schedules as s")
        waits.append((due - noon.now).total_seconds())
        assert "failed_schedules" not in call.tick()
        noon.set(due)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 320, 320]

    call.select("update forge.settings set payload_limit = 1048576")
    assert fired(call) == 1

    assert nominal(call) == [start + timedelta(hours=1)]
    row = state(call)
    assert (row["failures"], row["last_error"]) == (0, None)


def test_a_broken_schedule_that_is_mended_runs_at_once(call: Calls, noon: Clock) -> None:
    schedule(call, payload={"size": "x" * 2000})
    call.select("update forge.settings set payload_limit = 1024")
    noon.advance(minutes=1)
    call.tick()

    schedule(call)

    assert fired(call) == 1


def test_a_tick_fires_a_hundred_and_the_next_one_goes_on(call: Calls, noon: Clock) -> None:
    for n in range(101):
        schedule(call, name=f"s{n}")
    noon.advance(minutes=1)

    assert [fired(call), fired(call), fired(call)] == [100, 1, 0]


def test_the_last_run_of_all_is_the_end(call: Calls, noon: Clock) -> None:
    """A calendar ends: what never comes again is not looked at any more."""
    schedule(call, "@hourly")
    call.select("update forge.schedules set cron = '0 0 30 2 *'")
    noon.advance(hours=1)

    assert fired(call) == 1
    assert state(call)["next_at"] is None
    noon.advance(days=1)
    assert fired(call) == 0


def test_clocks_that_are_put_on_change_when_it_comes_and_not_whether(
    call: Calls, clock: Clock
) -> None:
    clock.set("2030-03-30T12:00:00Z")  # the day before summer time
    schedule(call, "30 2 * * *", time_zone="Europe/Berlin", catch_up="all")
    clock.set("2030-04-01T12:00:00Z")

    assert fired(call) == 2

    assert [at.isoformat() for at in nominal(call)] == [
        "2030-03-31T01:00:00+00:00",  # 3:00, as there is no 2:30
        "2030-04-01T00:30:00+00:00",
    ]


def test_explain_tells_the_schedule_and_the_nominal_time_of_a_job(call: Calls, noon: Clock) -> None:
    schedule(call)
    noon.advance(minutes=1, seconds=3)
    call.tick()

    reasons = {row["code"]: row for row in call.rows("explain", id=state(call)["last_job_id"])}

    assert "no_worker" in reasons
    assert reasons["from_schedule"]["detail"] == {
        "schedule": "s",
        "nominal_at": "2030-01-02T12:01:00+00:00",
        "seconds_late": 3,
    }
