"""03_locks: what watchers and workers are told of, and never more than a hint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.database import Conn, Database
from tests.procedures.calls import Calls

Note = tuple[str, str]


@pytest.fixture
def listener(db: Database) -> Conn:
    connection = db.connect()
    for channel in ("forge", "forge_cancel", "forge_events"):
        connection.execute(f"listen {channel}".encode())
    return connection


def heard(listener: Conn, call: Calls) -> set[Note]:
    """All that was sent until now: a note of our own comes last."""
    call.select("notify forge_events, 'the end'")
    notes: set[Note] = set()
    for note in listener.notifies(timeout=10):
        if note.payload == "the end":
            return notes
        notes.add((note.channel, note.payload))
    raise AssertionError("the last note did not come")


def cancel_running(call: Calls) -> None:
    call.rows("cancel", id=call.running(queue="q")["id"])


def steer_a_schedule(call: Calls, *functions: str) -> None:
    call.rows("schedule", name="s", cron="@daily", type="t")
    for function in functions:
        call.rows(function, name="s")


CHANGES: dict[str, tuple[Callable[[Calls], object], set[Note]]] = {
    "pause": (lambda call: call.rows("pause", queue="q"), {("forge_events", "queue")}),
    "resume": (lambda call: call.rows("resume", queue="q"), {("forge_events", "queue")}),
    "set_queue": (lambda call: call.rows("set_queue", queue="q"), {("forge_events", "queue")}),
    "cancel": (cancel_running, {("forge_cancel", "q"), ("forge_events", "cancel")}),
    "retry": (lambda call: call.rows("retry", id=call.dead()), {("forge_events", "dead")}),
    "discard": (lambda call: call.rows("discard", id=call.dead()), {("forge_events", "dead")}),
    "retry_dead": (
        lambda call: (call.dead(), call.rows("retry_dead")),
        {("forge_events", "dead")},
    ),
    "retry_dead of none": (lambda call: call.rows("retry_dead"), set()),
    "schedule": (steer_a_schedule, {("forge_events", "schedule")}),
    "steer a schedule": (
        lambda call: steer_a_schedule(call, "pause_schedule", "resume_schedule", "unschedule"),
        {("forge_events", "schedule")},
    ),
    "a job's whole life": (lambda call: call.completed(), set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_operators_change_is_announced(change: str, call: Calls, listener: Conn) -> None:
    act, expected = CHANGES[change]

    act(call)

    assert heard(listener, call) == expected


@pytest.mark.parametrize("function", ["retry", "resume", "release", "retry_dead", "enqueue_many"])
def test_what_makes_a_job_due_rings_its_queue(function: str, call: Calls, listener: Conn) -> None:
    job = call.running(queue="q")
    waking: dict[str, Callable[[], object]] = {
        "retry": lambda: call.rows("retry", id=job["id"]),
        "retry_dead": lambda: call.rows("retry_dead"),
        "resume": lambda: call.rows("resume", queue="q"),
        "release": lambda: call.rows("release", id=job["id"], lease=job["lease"]),
        "enqueue_many": lambda: call.enqueue_many({"type": "t", "queue": "q"}, {"type": "t"}),
    }
    if function in ("retry", "retry_dead"):
        call.fail(job, retryable=False)
    sleeper = Calls(listener)
    sleeper.rows("park", queues=["q"])

    waking[function]()

    notes = heard(listener, call)
    assert {note for note in notes if note[0] == "forge"} == {("forge", "q")}
    sleeper.rows("unpark")
