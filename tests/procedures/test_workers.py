"""41_workers: who is there, and who is asleep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import Clock, Conn
from tests.procedures.calls import Calls

LOCKS = """
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
and classid = forge._lock_space(%s)::bigint::oid and mode = 'ExclusiveLock'
"""


@pytest.fixture(autouse=True)
def let_go(tx: Conn) -> Iterator[None]:
    """Session locks outlive the transaction that is rolled back."""
    yield
    tx.execute("select pg_advisory_unlock_all()")


def test_a_worker_is_listed_as_it_describes_itself(call: Calls, noon: Clock) -> None:
    said = {
        "worker": "w",
        "queues": ["running", "b"],
        "types": ["email"],
        "concurrency": 4,
        "host": "h",
        "pid": 7,
        "version": "1",
    }
    assert call.value("register_worker", **said) is True
    call.running()

    assert call.row("list_workers") == said | {
        "alive": True,
        "started_at": noon.now,
        "heartbeat_at": noon.now,
        "processing": 1,
        "draining_at": None,
    }


def test_a_worker_that_registers_again_is_the_same_with_one_lock(call: Calls, noon: Clock) -> None:
    started = noon.now
    call.rows("register_worker", worker="w", queues=["a"])
    noon.advance(seconds=5)

    assert call.value("register_worker", worker="w", queues=["b"], concurrency=2) is True

    worker = call.row("list_workers")
    assert (worker["queues"], worker["concurrency"]) == (["b"], 2)
    assert (worker["started_at"], worker["heartbeat_at"]) == (started, noon.now)
    assert call.one(LOCKS, "worker") == 1


def test_a_worker_can_do_without_the_lock(call: Calls) -> None:
    call.rows("register_worker", worker="w", queues=["a"])

    assert call.value("register_worker", worker="w", queues=["a"], liveness=False) is False
    assert call.one(LOCKS, "worker") == 0


def test_unregistering_lets_the_lock_go(call: Calls) -> None:
    call.rows("register_worker", worker="w", queues=["a"])

    assert call.value("unregister_worker", worker="w") is True
    assert call.value("unregister_worker", worker="w") is False
    assert call.rows("list_workers") == []
    assert call.one(LOCKS, "worker") == 0


def test_nobody_is_not_registered(call: Calls) -> None:
    assert call.value("unregister_worker", worker=None) is False


def test_a_worker_without_lock_is_alive_for_a_minute_and_listed_for_five(
    call: Calls, noon: Clock
) -> None:
    call.rows("register_worker", worker="w", queues=["a"], liveness=False)

    noon.advance(seconds=59)
    call.tick()
    assert call.row("list_workers")["alive"] is True
    noon.advance(seconds=1)
    assert call.row("list_workers")["alive"] is False
    noon.advance(minutes=4, seconds=1)
    call.tick()
    assert call.rows("list_workers") == []


NAME = "use 1 to 200 characters without control characters"


@pytest.mark.parametrize(
    ("argument", "value", "shown", "hint"),
    [
        ("worker", None, "null", NAME),
        ("worker", "w" * 201, "w" * 200, NAME),
        ("queues", None, "null", "name 1 to 1000 queues"),
        ("queues", [], "{}", "name 1 to 1000 queues"),
        ("queues", ["q"] * 1001, ("{" + "q," * 1001)[:200], "name 1 to 1000 queues"),
        ("queues", ["a", None], "null", NAME),
        ("queues", ["a", ""], "", NAME),
        ("concurrency", 0, "0", "use 1 to 100000"),
        ("concurrency", 100_001, "100001", "use 1 to 100000"),
        ("concurrency", None, "null", "use 1 to 100000"),
    ],
)
def test_a_worker_that_cannot_be_is_refused(
    argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    given = {"worker": "w", "queues": ["q"], argument: value}

    diag = call.refusal("JQ001", "register_worker", **given)

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"{argument}={shown}", hint)
    assert call.one(LOCKS, "worker") == 0


def test_null_for_what_is_only_shown(call: Calls) -> None:
    nothing = dict.fromkeys(("types", "host", "pid", "version"))
    call.rows("register_worker", worker="w", queues=["a"], **nothing)

    worker = call.row("list_workers")
    assert {k: worker[k] for k in nothing} == nothing


def test_park_tells_the_queues_with_a_due_job(call: Calls, noon: Clock) -> None:
    call.enqueue(queue="due")
    call.enqueue(queue="later", scheduled_at=noon.now.replace(year=2031))
    call.enqueue(queue="elsewhere")

    rows = call.rows("park", queues=["due", "later", "empty", "due"])

    assert [row["park"] for row in rows] == ["due"]


def test_park_looks_at_every_priority(call: Calls, noon: Clock) -> None:
    for priority in (5, 4, 3):
        call.enqueue(priority=priority, scheduled_at=noon.now.replace(year=2031))
    assert call.rows("park", queues=["default"]) == []

    call.enqueue(priority=-7)
    assert len(call.rows("park", queues=["default"])) == 1


def test_a_bell_hangs_once_and_comes_down(call: Calls) -> None:
    for _ in range(2):
        call.rows("park", queues=["a", "b", "c"])
    assert call.one(LOCKS, "doorbell") == 3

    call.rows("unpark", queues=["b", "not parked"])
    assert call.one(LOCKS, "doorbell") == 2
    call.rows("unpark")
    assert call.one(LOCKS, "doorbell") == 0
    call.rows("unpark")


@pytest.mark.parametrize(
    ("queues", "shown"),
    [(None, "null"), ([], "{}"), (["q"] * 1001, ("{" + "q," * 1001)[:200])],
)
def test_no_queues_to_park_at_are_refused(
    queues: list[str] | None, shown: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", "park", queues=queues)

    assert diag.message_primary == "queues is not valid"
    assert diag.message_detail == f"queues={shown}"
    assert diag.message_hint == "name 1 to 1000 queues"
