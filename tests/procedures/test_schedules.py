"""65_schedules: set, remove, pause, resume, run now and list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from tests.database import Clock
from tests.procedures.calls import Calls

DEFAULTS = {
    **{"time_zone": "UTC", "payload": {}, "queue": "default", "priority": 0},
    **{"catch_up": "one", "catch_up_limit": 10, "grace": timedelta(minutes=1)},
    **{"overlap": "allow", "failures": 0},
}
ALL: dict[str, Any] = {
    **{"cron": "30 4 * * *", "type": "report", "payload": {"a": 1}, "time_zone": "Europe/Berlin"},
    **{"queue": "q", "priority": 7, "max_retries": 3, "retry_base": timedelta(seconds=1)},
    **{"retry_factor": 3.0, "retry_cap": timedelta(minutes=1), "retry_jitter": 0.5},
    **{"tags": ["x"], "concurrency_key": "tenant", "timeout": timedelta(minutes=5)},
    **{"catch_up": "all", "catch_up_limit": 3, "grace": timedelta(seconds=5), "overlap": "queue"},
}


def schedule(call: Calls, cron: str = "@hourly", **given: object) -> DictRow:
    return call.row("schedule", **{"name": "s", "cron": cron, "type": "t", **given})


def listed(call: Calls, name: str = "s") -> DictRow:
    return call.row("list_schedules", name=name)


def test_a_schedule_has_defaults_and_a_next_run(call: Calls, noon: Clock) -> None:
    row = schedule(call)

    assert {name: row[name] for name in DEFAULTS} == DEFAULTS
    assert row["next_at"] == noon.now + timedelta(hours=1)
    assert row["starts_at"] == row["created_at"] == row["updated_at"] == noon.now
    assert listed(call) == row


def test_a_schedule_is_what_it_was_told(call: Calls, noon: Clock) -> None:
    row = schedule(call, **ALL)

    assert {name: row[name] for name in ALL} == ALL
    assert listed(call) == row


def test_its_job_is_as_the_schedule_says(call: Calls, noon: Clock) -> None:
    schedule(call, **ALL)

    job = call.job(call.value("run_schedule", name="s"))

    of_a_job = ALL.keys() & job.keys() - {"timeout", "concurrency_key"}
    assert {name: job[name] for name in of_a_job} == {name: ALL[name] for name in of_a_job}
    assert (job["schedule"], job["nominal_at"]) == ("s", noon.now)
    claimed = call.claim(queue="q")
    assert (claimed["schedule"], claimed["nominal_at"]) == ("s", noon.now)


def test_set_again_it_is_replaced_and_knows_what_it_did(call: Calls, noon: Clock) -> None:
    first = schedule(call, **ALL)
    job_id = call.value("run_schedule", name="s")
    noon.advance(minutes=1)

    row = schedule(call, "@daily")

    assert {name: row[name] for name in DEFAULTS} == DEFAULTS
    assert (row["max_retries"], row["tags"]) == (None, None)
    assert (row["created_at"], row["updated_at"]) == (first["created_at"], noon.now)
    assert row["last_job_id"] == job_id
    assert len(call.rows("list_schedules")) == 1


def test_set_again_with_the_same_times_no_run_is_put_off_or_lost(call: Calls, noon: Clock) -> None:
    first = schedule(call, "every 10 minutes")
    noon.advance(minutes=15)

    again = schedule(call, "every 10 minutes", payload={"new": True})

    assert again["starts_at"] == first["starts_at"]
    assert again["next_at"] == first["next_at"] < noon.now
    assert call.tick()["schedules"] == 1
    assert call.rows("list_jobs")[0]["payload"] == {"new": True}


@pytest.mark.parametrize(
    "change",
    [
        {"cron": "every 20 minutes"},
        {"time_zone": "Asia/Tokyo"},
        {"starts_at": "2030-01-02T12:16:00Z"},
    ],
    ids=str,
)
def test_set_again_with_other_times_it_begins_anew(
    change: dict[str, object], call: Calls, noon: Clock
) -> None:
    schedule(call, "every 10 minutes")
    noon.advance(minutes=15)

    again = schedule(call, **{"cron": "every 10 minutes", **change})  # type: ignore[arg-type]

    assert again["next_at"] > noon.now
    assert "schedules" not in call.tick()


def test_nothing_runs_before_the_start(call: Calls, noon: Clock) -> None:
    start = noon.now + timedelta(days=3)
    assert schedule(call, "* * * * *", starts_at=start)["next_at"] == start
    assert schedule(call, "every 7 minutes", starts_at=start)["next_at"] == start


def test_a_start_in_the_past_is_only_counted_from(call: Calls, noon: Clock) -> None:
    row = schedule(call, "every 10 minutes", starts_at=noon.now - timedelta(minutes=25))

    assert row["next_at"] == noon.now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": None}, "name"),
        ({"type": None}, "type"),
        ({"queue": ""}, "queue"),
        ({"payload": None}, "payload"),
        ({"priority": 40000}, "priority"),
        ({"max_retries": -1}, "max_retries"),
        ({"tags": [""]}, "tags"),
        ({"catch_up": "two"}, "catch_up"),
        ({"catch_up": None}, "catch_up"),
        ({"catch_up_limit": 0}, "catch_up_limit"),
        ({"catch_up_limit": 1001}, "catch_up_limit"),
        ({"grace": "-1 s"}, "grace"),
        ({"overlap": "never"}, "overlap"),
        ({"starts_at": "infinity"}, "starts_at"),
    ],
    ids=str,
)
def test_what_a_schedule_cannot_be_is_refused(
    given: dict[str, Any], argument: str, call: Calls
) -> None:
    arguments = {"name": "s", "cron": "@daily", "type": "t", **given}

    said = call.refusal("JQ001", "schedule", **arguments)

    assert said.message_primary == f"{argument} is not valid"


def test_a_payload_over_the_limit_is_refused(call: Calls) -> None:
    call.select("update forge.settings set payload_limit = 1024")

    call.refusal("JQ005", "schedule", name="s", cron="@daily", type="t", payload={"a": "x" * 2000})


def test_a_removed_schedule_runs_no_more_and_its_jobs_stay(call: Calls, noon: Clock) -> None:
    schedule(call)
    job_id = call.value("run_schedule", name="s")
    noon.advance(hours=2)

    assert call.row("unschedule", name="s")["last_job_id"] == job_id

    assert "schedules" not in call.tick()
    assert call.rows("list_schedules") == []
    assert call.job(job_id)["schedule"] == "s"


@pytest.mark.parametrize(
    "function", ["unschedule", "pause_schedule", "resume_schedule", "run_schedule"]
)
def test_a_name_that_is_none_is_refused(function: str, call: Calls) -> None:
    said = call.refusal("JQ007", function, name="nobody")

    assert said.message_detail == "name=nobody"
    call.refusal("JQ007", function, name=None)


def test_what_comes_due_while_it_is_paused_is_not_made_up_for(call: Calls, noon: Clock) -> None:
    schedule(call, catch_up="all")

    since = call.row("pause_schedule", name="s")["paused_at"]
    noon.advance(hours=3)
    assert call.row("pause_schedule", name="s")["paused_at"] == since
    assert listed(call)["next_at"] is None
    assert "schedules" not in call.tick()
    row = call.row("resume_schedule", name="s")

    assert (row["paused_at"], row["next_at"]) == (None, noon.now + timedelta(hours=1))
    assert "schedules" not in call.tick()
    assert listed(call)["next_at"] == row["next_at"]


def test_to_resume_what_is_not_paused_loses_no_run(call: Calls, noon: Clock) -> None:
    schedule(call)
    noon.advance(hours=1)

    call.rows("resume_schedule", name="s")

    assert call.tick()["schedules"] == 1


def test_a_paused_schedule_is_changed_and_stays_paused(call: Calls, noon: Clock) -> None:
    schedule(call)
    call.rows("pause_schedule", name="s")

    row = schedule(call, "* * * * *")

    assert (row["paused_at"], row["next_at"]) == (noon.now, None)
    noon.advance(minutes=2)
    assert "schedules" not in call.tick()
    assert call.row("resume_schedule", name="s")["next_at"] == noon.now + timedelta(minutes=1)


def test_run_now_leaves_the_next_run_and_a_pause_as_they_are(call: Calls, noon: Clock) -> None:
    schedule(call)
    call.rows("pause_schedule", name="s")

    job_id = call.value("run_schedule", name="s")

    row = listed(call)
    assert (row["last_job_id"], row["last_at"]) == (job_id, noon.now)
    assert row["paused_at"] is not None
    assert call.claim()["id"] == job_id


def test_a_schedule_says_what_became_of_its_last_job(call: Calls, noon: Clock) -> None:
    assert schedule(call)["last_status"] is None
    call.value("run_schedule", name="s")
    assert listed(call)["last_status"] == "PENDING"

    call.complete(call.claim())

    assert listed(call)["last_status"] == "COMPLETED"


def test_schedules_are_listed_by_name_in_pages(call: Calls) -> None:
    for name in ("c", "a", "b"):
        schedule(call, name=name)

    def names(**given: object) -> list[str]:
        return [row["name"] for row in call.rows("list_schedules", **given)]

    assert names() == ["a", "b", "c"]
    assert names(max_rows=2) == ["a", "b"]
    assert names(after="b", max_rows=2) == ["c"]
    assert names(name="b") == ["b"]
    assert names(name="x") == []
    for rows in (0, 1001, None):
        call.refusal("JQ001", "list_schedules", max_rows=rows)
