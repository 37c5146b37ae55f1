"""Limits: how many run, how many start, in what order; and what sets them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from tests.database import Clock
from tests.procedures.calls import Calls


def limit(call: Calls, **limits: object) -> DictRow:
    return call.row("set_limits", **{"queue": "default", **limits})


def fill(call: Calls, jobs: int, key: str | None = None, **arguments: object) -> list[int]:
    return [call.enqueue(concurrency_key=key, **arguments) for _ in range(jobs)]  # type: ignore[arg-type]


def take(call: Calls, max_jobs: int = 100, **arguments: object) -> list[DictRow]:
    return call.rows("dequeue", **{"max_jobs": max_jobs, "worker": "w", **arguments})


def settle(call: Calls) -> None:
    """Two ticks of two transactions, as far as one transaction can tell."""
    call.select("update forge.limits set settled = true")


def test_a_queue_runs_no_more_than_its_limit(call: Calls) -> None:
    limit(call, max_running=3)
    fill(call, 10)

    running = take(call)

    assert len(running) == 3
    assert take(call) == []
    call.complete(running[0])
    call.fail(running[1], retry_in="1 day")
    assert len(take(call)) == 2


@pytest.mark.parametrize("end", ["complete", "fail", "bury", "release", "snooze", "lost", "cancel"])
@pytest.mark.parametrize("key", [None, "a"])
def test_every_end_frees_the_place(call: Calls, noon: Clock, end: str, key: str | None) -> None:
    limit(call, max_running=1, key_max_running=1)
    settle(call)
    fill(call, 1, key, priority=9)
    (job,) = take(call)
    (other,) = fill(call, 1, key)
    assert take(call) == []
    fence = {"id": job["id"], "lease": job["lease"]}

    if end == "complete":
        call.complete(job)
    elif end == "fail":
        call.fail(job, retry_in="1 day")
    elif end == "bury":
        call.fail(job, retryable=False)
    elif end == "release":
        call.rows("release", **fence)
        call.rows("cancel", id=job["id"])
    elif end == "snooze":
        call.rows("snooze", **fence, delay="1 day")
    elif end == "lost":
        noon.advance(hours=1)
        call.tick()
        call.rows("cancel", id=job["id"])
    else:
        call.rows("cancel", id=job["id"])
        call.fail(job)

    assert [found["id"] for found in take(call)] == [other]


def test_an_exchange_gives_its_places_back_before_it_claims(call: Calls) -> None:
    limit(call, max_running=2)
    fill(call, 4)
    done = take(call)

    new = call.rows(
        "exchange",
        ids=[job["id"] for job in done],
        leases=[job["lease"] for job in done],
        max_jobs=10,
    )

    assert len(new) == 2


def test_jobs_that_run_already_count(call: Calls) -> None:
    fill(call, 5)
    running = take(call, 3)

    assert limit(call, max_running=4)["running"] == 3

    assert len(take(call)) == 1
    for job in running:
        call.complete(job)
    assert call.row("list_limits", queue="default")["running"] == 1
    assert len(take(call)) == 1


def test_a_key_runs_no_more_than_its_limit(call: Calls) -> None:
    limit(call, key_max_running=2)
    fill(call, 5, "a")
    fill(call, 1, "b")
    fill(call, 3)

    found = [job["concurrency_key"] for job in take(call)]

    assert sorted(map(str, found)) == ["None"] * 3 + ["a", "a", "b"]
    assert take(call) == []


def test_a_saturated_key_leaves_the_line_until_one_ends(call: Calls) -> None:
    limit(call, key_max_running=1)
    settle(call)
    fill(call, 3, "a")
    (job,) = take(call)
    assert call.one("select count(*) from forge.turns") == 0

    call.complete(job)

    assert len(take(call)) == 1


def test_a_key_stays_in_line_while_ends_may_not_know_of_its_limit(call: Calls) -> None:
    limit(call, key_max_running=1)
    fill(call, 3, "a")

    take(call)

    assert call.one("select count(*) from forge.turns") == 1
    assert take(call) == []


@pytest.mark.parametrize("key", [None, "a"])
def test_a_rate_holds_in_every_window(call: Calls, noon: Clock, key: str | None) -> None:
    name = "rate" if key is None else "key_rate"
    limit(call, **{name: 5, name.replace("rate", "per"): "10 seconds"})
    fill(call, 100, key)

    starts = []
    for _ in range(60):
        starts += [noon.now for _ in take(call, 2)]
        noon.advance(seconds=1)

    for first in starts:
        window = [at for at in starts if first <= at < first + timedelta(seconds=10)]
        assert len(window) <= 5
    assert len(starts) == 30  # and no fewer than it allows


def test_a_key_whose_rate_is_used_up_comes_back_when_the_first_start_leaves(
    call: Calls, noon: Clock
) -> None:
    limit(call, key_rate=2, key_per="1 minute")
    fill(call, 5, "a")
    take(call, 1)
    noon.advance(seconds=20)
    take(call)

    assert call.one("select turn_at from forge.turns") == noon.now + timedelta(seconds=40)
    noon.advance(seconds=40)
    assert len(take(call)) == 1


def test_a_start_that_fails_counts_against_the_rate(call: Calls, noon: Clock) -> None:
    limit(call, rate=1, per="1 minute")
    fill(call, 1)
    (job,) = take(call)
    call.fail(job, retry_in="0")

    assert take(call) == []
    noon.advance(minutes=1)
    assert len(take(call)) == 1


def test_starts_that_no_window_reaches_are_dropped(call: Calls, noon: Clock) -> None:
    limit(call, rate=100, per="1 second", key_rate=100, key_per="10 seconds")
    fill(call, 3, "a")
    take(call, 1)
    noon.advance(minutes=2)
    take(call, 1)

    assert call.tick()["starts_dropped"] == 2

    assert call.one("select count(*) from forge.starts") == 2
    assert [row["jobs"] for row in call.select("select jobs from forge.starts")] == [1, 1]


def test_a_total_that_goes_on_after_its_past_was_dropped_counts_right(
    call: Calls, noon: Clock
) -> None:
    limit(call, rate=3, per="10 minutes")
    fill(call, 10)
    take(call, 3)
    noon.advance(minutes=10)
    take(call, 1)
    noon.advance(minutes=5)
    call.tick()

    assert call.one("select count(*) from forge.starts") == 1
    assert len(take(call)) == 2


def test_the_jobs_of_a_key_run_one_by_one_in_the_order_of_ids(call: Calls, noon: Clock) -> None:
    limit(call, key_fifo=True)
    settle(call)
    ids = [call.enqueue(concurrency_key="a", priority=number) for number in range(4)]

    order = []
    for _ in range(4):
        (job,) = take(call)
        assert take(call) == []
        order.append(job["id"])
        call.complete(job)

    assert order == ids


def test_none_overtakes_one_that_waits_out_its_backoff(call: Calls, noon: Clock) -> None:
    limit(call, key_fifo=True)
    settle(call)
    first, second = fill(call, 2, "a")
    (other,) = fill(call, 1, "b")
    (job,) = (job for job in take(call) if job["concurrency_key"] == "a")

    call.fail(job, retry_in="1 minute")

    assert take(call) == []
    noon.advance(minutes=1)
    (again,) = take(call)
    assert again["id"] == first
    call.complete(again)
    assert take(call)[0]["id"] == second
    assert other != second


def test_one_that_comes_back_to_the_front_waits_for_the_one_that_runs(
    call: Calls, noon: Clock
) -> None:
    limit(call, key_fifo=True)
    settle(call)
    first, second, third = fill(call, 3, "a")
    call.fail(take(call)[0], retryable=False)
    (running,) = take(call)
    assert running["id"] == second

    call.rows("retry", id=first)

    assert take(call) == []
    call.complete(running)
    (again,) = take(call)
    assert again["id"] == first
    call.complete(again)
    assert take(call)[0]["id"] == third


def test_the_order_of_a_key_does_not_hang_on_the_plan(call: Calls, noon: Clock) -> None:
    for plan in ("indexscan", "indexonlyscan", "bitmapscan"):
        call.select(f"set local enable_{plan} = off")
    for pinned in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
        call.select(f"alter function forge.dequeue reset {pinned}")
    limit(call, key_fifo=True)
    settle(call)
    first, second = fill(call, 2, "a")
    call.fail(take(call)[0], retryable=False)
    call.rows("retry", id=first)  # the last row of the table is the first in its line

    (job,) = take(call)
    assert job["id"] == first
    call.complete(job)
    assert take(call)[0]["id"] == second


@pytest.mark.parametrize("end", ["dead", "cancelled", "snoozed"])
def test_the_next_follows_when_the_first_is_out_of_the_way(
    call: Calls, noon: Clock, end: str
) -> None:
    limit(call, key_fifo=True)
    settle(call)
    first, second = fill(call, 2, "a")
    if end == "cancelled":
        call.rows("cancel", id=first)
        assert take(call)[0]["id"] == second
        return
    (job,) = take(call)
    if end == "dead":
        call.fail(job, retryable=False)
        assert take(call)[0]["id"] == second
    else:
        call.rows("snooze", id=job["id"], lease=job["lease"], delay="1 minute")
        assert take(call) == []
        noon.advance(minutes=1)
        assert take(call)[0]["id"] == first


def test_all_limits_hold_together(call: Calls, noon: Clock) -> None:
    limit(call, max_running=5, rate=8, per="1 minute", key_max_running=2, key_rate=3)
    for key in ("a", "b", "c", None):
        fill(call, 10, key)

    running = take(call)

    assert len(running) == 5
    keyed = [job["concurrency_key"] for job in running if job["concurrency_key"]]
    assert max(keyed.count(key) for key in "abc") <= 2
    for job in running:
        call.complete(job)
    assert len(take(call)) == 3  # of a rate of eight


def test_limits_are_set_kept_and_taken_away_one_by_one(call: Calls) -> None:
    row = limit(call, max_running=3, rate=10)
    assert (row["max_running"], row["rate"], row["per"]) == (3, 10, timedelta(seconds=1))

    row = limit(call, key_fifo=True, per="1 minute")
    assert (row["max_running"], row["key_fifo"]) == (3, True)
    assert row["per"] == timedelta(minutes=1)

    row = limit(call, unset=["max_running", "rate"])
    assert (row["max_running"], row["rate"], row["per"], row["key_fifo"]) == (
        None,
        None,
        None,
        True,
    )
    assert [row["queue"] for row in call.rows("list_limits")] == ["default"]
    limit(call, unset=["key_fifo"])
    assert call.rows("list_limits") == []


def test_a_queue_without_limits_again_is_claimed_without_a_look_at_them(call: Calls) -> None:
    limit(call, max_running=1)
    assert call.one("select limited from forge.queues") is True

    limit(call, unset=["max_running"])

    assert call.one("select limited from forge.queues") is None
    fill(call, 5)
    assert len(take(call)) == 5


@pytest.mark.parametrize(
    ("tight", "eased"),
    [
        ({"key_max_running": 1}, {"key_max_running": 9}),
        ({"key_max_running": 1}, {"unset": ["key_max_running"]}),
        ({"key_rate": 1, "key_per": "1 day"}, {"key_rate": 9}),
        ({"key_rate": 1, "key_per": "1 day"}, {"unset": ["key_rate"]}),
        ({"key_fifo": True}, {"key_fifo": False}),
    ],
)
def test_a_limit_that_is_eased_lets_waiting_keys_go_on(
    call: Calls, tight: dict[str, Any], eased: dict[str, Any]
) -> None:
    limit(call, **tight)
    settle(call)
    fill(call, 3, "a")
    assert len(take(call)) == 1
    assert take(call) == []

    limit(call, **eased)

    assert len(take(call)) == 2


def test_a_lower_limit_lets_run_what_runs(call: Calls) -> None:
    limit(call, max_running=5)
    fill(call, 10)
    running = take(call)

    limit(call, max_running=2)

    for job in running[:3]:
        assert take(call) == []
        call.complete(job)
    assert take(call) == []
    call.complete(running[3])
    assert len(take(call)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": ""},
        {"max_running": 0},
        {"max_running": 100_001},
        {"key_max_running": -1},
        {"rate": 0},
        {"rate": 1_000_001},
        {"rate": 1, "per": "1 millisecond"},
        {"key_rate": 1, "key_per": "32 days"},
        {"per": "1 second"},
        {"key_per": "1 second"},
        {"unset": ["per"]},
        {"unset": None},
    ],
)
def test_limits_that_cannot_be_are_refused(call: Calls, wrong: dict[str, Any]) -> None:
    detail = call.refusal("JQ001", "set_limits", **{"queue": "default", **wrong})

    assert detail.message_hint
    assert call.rows("list_limits") == []


def test_a_full_queue_has_nothing_due_for_who_wants_to_sleep(call: Calls, noon: Clock) -> None:
    limit(call, max_running=1)
    fill(call, 2)
    (job,) = take(call)
    call.rows("park", queues=["default"])
    assert call.rows("park", queues=["default"]) == []

    call.complete(job)

    assert [row["park"] for row in call.rows("park", queues=["default"])] == ["default"]
    call.rows("unpark")


def test_the_tick_tells_of_a_queue_whose_rate_allows_more(call: Calls, noon: Clock) -> None:
    limit(call, rate=1, per="1 minute")
    fill(call, 2)
    take(call)
    assert "due_queues" not in call.tick()

    noon.advance(minutes=1)

    assert call.tick()["due_queues"] == 1
