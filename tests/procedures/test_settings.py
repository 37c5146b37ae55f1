"""51_settings: pause and resume, and what queues, types and the whole are set to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls

POLICY: dict[str, Any] = {
    "retry_base": timedelta(seconds=1),
    "retry_factor": 3.0,
    "retry_cap": timedelta(minutes=1),
    "retry_jitter": 0.5,
    "max_retries": 4,
}
OF = {"set_queue": "queue", "set_type": "type"}


def test_a_queue_is_paused_since_the_first_pause(call: Calls, noon: Clock) -> None:
    since = noon.now
    assert call.row("pause", queue="q")["paused_at"] == since
    noon.advance(seconds=5)

    row = call.row("pause", queue="q")
    assert (row["paused_at"], row["updated_at"], row["created_at"]) == (since, noon.now, since)
    assert call.row("resume", queue="q")["paused_at"] is None
    assert call.row("resume", queue="q")["paused_at"] is None


def test_a_paused_queue_takes_jobs_in_and_lets_running_ones_end(call: Calls) -> None:
    job = call.running()
    call.rows("pause", queue="running")

    call.enqueue(queue="running")
    assert call.complete(job) is True
    assert call.rows("dequeue", queue="running") == []


def test_a_queue_never_used_can_be_resumed(call: Calls, noon: Clock) -> None:
    nothing = dict.fromkeys(("paused_at", "pause_reason", *POLICY))
    times = {"created_at": noon.now, "updated_at": noon.now}

    assert call.row("resume", queue="q") == {
        "queue": "q",
        **nothing,
        "keep_history": True,
        "keep_result": True,
        **times,
    }


@pytest.mark.parametrize("function", OF)
def test_settings_are_set_left_and_unset_one_by_one(
    function: str, call: Calls, noon: Clock
) -> None:
    name = {OF[function]: "x"}
    set_all = call.row(function, **name, **POLICY)
    assert {k: set_all[k] for k in POLICY} == POLICY

    left = call.row(function, **name, **dict.fromkeys(POLICY))
    assert left == set_all

    for setting in POLICY:
        row = call.row(function, **name, unset=[setting])
        assert row[setting] is None
        given = {setting: POLICY[setting]}
        assert call.row(function, **name, **given, unset=[setting]) == set_all

    unset = call.row(function, **name, unset=list(POLICY))
    assert [unset[k] for k in POLICY] == [None] * len(POLICY)


@pytest.mark.parametrize("what", ["keep_history", "keep_result"])
def test_all_is_kept_unless_told_otherwise(what: str, call: Calls) -> None:
    kept = [
        call.row("set_queue", queue="q", **given)[what]
        for given in ({}, {what: False}, {}, {"unset": [what]})
    ]

    assert kept == [True, False, False, True]


@pytest.mark.parametrize("function", ["pause", "resume", "set_queue", "set_type"])
@pytest.mark.parametrize("name", [None, "", "x" * 201, "a\x00b".replace("\x00", "\x02")])
def test_a_name_that_cannot_be_is_refused(function: str, name: str | None, call: Calls) -> None:
    argument = OF.get(function, "queue")

    diag = call.refusal("JQ001", function, **{argument: name})

    assert diag.message_primary == f"{argument} is not valid"
    assert diag.message_hint == "use 1 to 200 characters without control characters"


@pytest.mark.parametrize("function", OF)
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("retry_base", "-1 second"),
        ("retry_base", "366 days"),
        ("retry_factor", 0.9),
        ("retry_factor", 101),
        ("retry_cap", "-1 second"),
        ("retry_cap", "366 days"),
        ("retry_jitter", -0.1),
        ("retry_jitter", 1.1),
        ("max_retries", -1),
        ("max_retries", 100_001),
        ("unset", ["paused_at"]),
        ("unset", [None]),
        ("unset", None),
    ],
)
def test_a_setting_out_of_range_is_refused(
    function: str, argument: str, value: object, call: Calls
) -> None:
    before = call.everything()

    diag = call.refusal("JQ001", function, **{OF[function]: "x", argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail or "").startswith(f"{argument}=")
    assert (diag.message_hint or "").startswith("use ")
    assert call.everything() == before


@pytest.mark.parametrize("function", OF)
def test_the_last_good_settings_are_taken(function: str, call: Calls) -> None:
    for low, high in (
        ({"retry_base": "0", "retry_factor": 1, "retry_cap": "0"}, {"retry_base": "365 days"}),
        ({"retry_jitter": 0, "max_retries": 0}, {"retry_jitter": 1, "max_retries": 100_000}),
        ({"retry_cap": "365 days"}, {"retry_factor": 100}),
    ):
        call.row(function, **{OF[function]: "x"}, **low)
        call.row(function, **{OF[function]: "x"}, **high)


def test_retention_is_set_left_and_unset(call: Calls) -> None:
    week, month = timedelta(days=7), timedelta(days=30)
    steps: list[tuple[dict[str, Any], timedelta, timedelta | None]] = [
        ({}, week, None),
        ({"history": month, "dead": timedelta(0)}, month, timedelta(0)),
        ({"history": None, "dead": None}, month, timedelta(0)),
        ({"unset": ["history"]}, week, timedelta(0)),
        ({"unset": ["dead"]}, week, None),
        ({"history": "1 day", "dead": "3650 days"}, timedelta(days=1), timedelta(days=3650)),
        ({"history": "3650 days"}, timedelta(days=3650), timedelta(days=3650)),
    ]
    for given, history, dead in steps:
        assert call.row("set_retention", **given) == {"history": history, "dead": dead}


@pytest.mark.parametrize(
    ("argument", "value", "shown", "hint"),
    [
        ("history", "23 hours", "23:00:00", "use 1 to 3650 days"),
        ("history", "3651 days", "3651 days", "use 1 to 3650 days"),
        ("dead", "-1 second", "-00:00:01", "use 0 to 3650 days"),
        ("dead", "3651 days", "3651 days", "use 0 to 3650 days"),
        ("unset", ["jobs"], "{jobs}", "use history, dead or both"),
        ("unset", None, "null", "use history, dead or both"),
    ],
)
def test_a_retention_out_of_range_is_refused(
    argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", "set_retention", **{argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"{argument}={shown}", hint)
