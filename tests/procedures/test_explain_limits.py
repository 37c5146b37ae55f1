"""explain: every reason that a limit gives, brought about."""

from __future__ import annotations

from datetime import timedelta

from tests.database import Clock
from tests.procedures.calls import Calls
from tests.procedures.test_explain import reasons, register, sentences


def limit(call: Calls, **limits: object) -> None:
    register(call, "default")
    call.rows("set_limits", queue="default", **limits)


def take(call: Calls) -> int:
    return int(call.row("dequeue", worker="w")["id"])


def test_a_full_queue_says_who_has_the_places(call: Calls) -> None:
    limit(call, max_running=1)
    call.enqueue()
    running = take(call)
    job_id = call.enqueue()

    reason = reasons(call, job_id)["queue_limit"]

    assert reason == {"most": 1, "running": [{"id": running, "worker": "w"}]}
    assert f"runs at most 1 at once, and does: job {running}" in sentences(call, job_id)


def test_a_rate_says_until_when(call: Calls, noon: Clock) -> None:
    limit(call, rate=1, per="1 minute")
    call.enqueue()
    take(call)

    reason = reasons(call, call.enqueue())["queue_rate"]

    assert reason["until"] == (noon.now + timedelta(minutes=1)).isoformat()


def test_a_full_key_says_who_has_the_places(call: Calls) -> None:
    limit(call, key_max_running=1)
    call.enqueue(concurrency_key="a")
    running = take(call)

    reason = reasons(call, call.enqueue(concurrency_key="a"))["key_limit"]

    assert [job["id"] for job in reason["running"]] == [running]
    assert "key_limit" not in reasons(call, call.enqueue(concurrency_key="b"))


def test_the_rate_of_a_key_says_until_when(call: Calls, noon: Clock) -> None:
    limit(call, key_rate=1, key_per="1 minute")
    call.enqueue(concurrency_key="a")
    take(call)

    assert "key_rate" in reasons(call, call.enqueue(concurrency_key="a"))


def test_a_key_in_order_says_which_job_goes_first(call: Calls, noon: Clock) -> None:
    limit(call, key_fifo=True)
    first, second = (call.enqueue(concurrency_key="a") for _ in range(2))

    assert reasons(call, second)["key_order"]["id"] == first
    assert list(reasons(call, first)) == ["next"]

    take(call)
    assert reasons(call, second)["key_order"]["status"] == "PROCESSING"


def test_a_key_says_how_many_are_before_it(call: Calls, noon: Clock) -> None:
    register(call, "default")
    for key in ("a", "b"):
        call.enqueue(concurrency_key=key)
        noon.advance(seconds=1)
    job_id = call.enqueue(concurrency_key="c")
    second = call.enqueue(concurrency_key="c")

    assert reasons(call, job_id) == {"key_turn": {"keys": 2, "capped": False}}
    assert reasons(call, second)["behind"] == {"jobs": 1, "capped": False}


def test_a_job_with_free_places_is_next(call: Calls) -> None:
    limit(call, max_running=5, rate=5, key_max_running=5, key_rate=5)

    assert list(reasons(call, call.enqueue(concurrency_key="a"))) == ["next"]
