"""72_overview: all that a dashboard shows, in one call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.procedures.calls import Calls


def overview(call: Calls, **arguments: object) -> dict[str, list[Any]]:
    items: dict[str, list[Any]] = {}
    for row in call.rows("overview", **arguments):
        items.setdefault(row["topic"], []).append(row["item"])
    return items


def test_it_shows_what_the_single_functions_show(call: Calls) -> None:
    call.rows("register_worker", worker="w", queues=["default"], liveness=False)
    call.rows("set_queue", queue="default", retry_base="90 seconds")
    job, dead = call.enqueue(payload={"secret": 1}), call.dead(error="e" * 400)

    seen = overview(call)

    assert [row["queue"] for row in seen["stats"]] == ["default", "running"]
    assert seen["stats"][0]["ready"] == 1
    assert [row["worker"] for row in seen["worker"]] == ["w"]
    (queue,) = seen["queue"]
    assert (queue["retry_base_seconds"], queue["retry_cap_seconds"]) == (90, None)
    assert queue["paused"] is False
    assert [row["id"] for row in seen["job"]] == [dead, job]
    assert [row["id"] for row in seen["dead"]] == [dead]
    assert seen["dead"][0]["error"] == "e" * 300
    assert datetime.fromisoformat(seen["job"][1]["created_at"]) == call.job(job)["created_at"]
    assert not {"payload", "result", "errors", "lease"} & seen["job"][1].keys()


def test_it_shows_warnings_and_schedules_with_durations_in_seconds(call: Calls) -> None:
    call.rows("schedule", name="s", cron="@daily", type="t", timeout="2 minutes")
    call.rows("pause", queue="halted")

    seen = overview(call, topics=["warning", "schedule"])

    assert set(seen) == {"warning", "schedule"}
    (schedule,) = seen["schedule"]
    assert (schedule["timeout_seconds"], schedule["retry_base_seconds"]) == (120, None)
    assert schedule["paused"] is False
    assert "timeout" not in schedule
    assert ("paused", "halted") in [(row["code"], row["queue"]) for row in seen["warning"]]


def test_a_topic_that_there_is_not_is_refused(call: Calls) -> None:
    diag = call.refusal("JQ001", "overview", topics=["stats", "weather"])
    assert diag.message_primary == "topics is not valid"


def test_nothing_is_shown_of_an_empty_queue(call: Calls) -> None:
    assert overview(call, topics=["stats", "worker", "queue", "job", "dead"]) == {}


def test_the_lists_are_as_long_as_was_asked(call: Calls) -> None:
    for _ in range(3):
        call.enqueue()
    assert len(overview(call, max_rows=2)["job"]) == 2


@pytest.mark.parametrize("max_rows", [0, 501, None])
def test_a_length_out_of_range_is_refused(call: Calls, max_rows: int | None) -> None:
    assert call.refusal("JQ001", "overview", max_rows=max_rows).message_primary == (
        "max_rows is not valid"
    )
