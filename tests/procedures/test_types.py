"""The types that are known, what holds for all, and the page of one queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls


def known(call: Calls) -> dict[str, Any]:
    return {row["type"]: row for row in call.rows("list_types")}


def test_types_are_known_from_wherever_they_are_named(call: Calls) -> None:
    call.enqueue("live", queue="q")
    call.completed(type="done")
    call.dead(type="dead")
    call.rows("set_type", type="set", max_retries=3, timeout=timedelta(minutes=5))
    call.rows("set_schema", type="checked", schema=Jsonb({"type": "object"}))
    call.rows("schedule", name="s", cron="@daily", type="planned", queue="nightly")
    call.rows("set_retry_rules", rules=Jsonb([{"action": "permanent", "error": "x"}]), type="ruled")
    call.rows("register_worker", worker="w", queues=["q"], types=["run", "live"], liveness=False)

    found = known(call)

    assert list(found) == sorted(found)
    assert set(found) == {
        "checked", "dead", "done", "live", "planned", "ruled", "run", "set",
    }  # fmt: skip
    assert (found["live"]["queue"], found["live"]["workers"]) == ("q", 1)
    assert found["live"]["seen_at"] is not None
    assert (found["planned"]["queue"], found["planned"]["seen_at"]) == ("nightly", None)
    assert (found["set"]["max_retries"], found["set"]["timeout"]) == (3, timedelta(minutes=5))
    assert found["checked"]["schema"] == {"type": "object"}
    assert found["done"]["workers"] == 0


def test_workers_that_run_all_types_count_and_those_that_drain_do_not(call: Calls) -> None:
    call.enqueue("email")
    for worker in ("a", "b"):
        call.rows("register_worker", worker=worker, queues=["default"], liveness=False)
    call.rows("drain_worker", worker="b")

    assert known(call)["email"]["workers"] == 1


def test_types_come_in_pages_and_one_by_name(call: Calls) -> None:
    for type in ("c", "a", "b"):
        call.enqueue(type)

    assert [row["type"] for row in call.rows("list_types", max_rows=2)] == ["a", "b"]
    assert [row["type"] for row in call.rows("list_types", after="b")] == ["c"]
    assert [row["type"] for row in call.rows("list_types", type="b")] == ["b"]
    assert call.rows("list_types", type="unknown") == []


@pytest.mark.parametrize(
    "arguments", [{"max_rows": 0}, {"max_rows": 501}, {"type": ""}, {"after": ""}]
)
def test_a_wrong_page_of_types_is_refused(call: Calls, arguments: dict[str, Any]) -> None:
    call.refusal("JQ001", "list_types", **arguments)


def test_what_holds_for_all_is_shown_as_it_is_set(call: Calls) -> None:
    before = call.row("show_settings")
    assert (before["max_retries"], before["dead_retention"]) == (10, None)

    call.rows("set_retention", history=timedelta(days=30), dead=timedelta(days=90))
    call.rows("set_log", retention=timedelta(days=3), lines=50)

    after = call.row("show_settings")
    assert (after["history_retention"], after["dead_retention"]) == (
        timedelta(days=30),
        timedelta(days=90),
    )
    assert (after["log_retention"], after["log_lines"]) == (timedelta(days=3), 50)


def test_the_page_of_a_queue_has_all_that_there_is(call: Calls) -> None:
    call.enqueue(queue="q")
    call.rows("set_queue", queue="q", retry_base=timedelta(seconds=1.5))
    call.rows("set_limits", queue="q", rate=5, per=timedelta(minutes=1))
    call.rows("set_admission", queue="q", max_depth=100)
    call.rows("register_worker", worker="w", queues=["q"], liveness=False)
    call.rows("register_worker", worker="other", queues=["else"], liveness=False)

    page = {row["topic"]: row["item"] for row in call.rows("queue_page", queue="q")}

    assert set(page) == {"queue", "stats", "limits", "admission", "worker"}
    assert page["queue"]["retry_base_seconds"] == 1.5
    assert page["stats"]["ready"] == 1
    assert page["limits"]["per_seconds"] == 60
    assert page["admission"]["defer_for_seconds"] == 60
    assert page["worker"]["worker"] == "w"


def test_a_queue_that_nobody_used_has_no_page(call: Calls) -> None:
    assert call.rows("queue_page", queue="unheard of") == []
    call.refusal("JQ001", "queue_page", queue="")
