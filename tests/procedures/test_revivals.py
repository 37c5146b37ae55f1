"""56_revivals: many dead jobs brought back bit by bit, at a rate, after a canary."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from tests.database import Clock
from tests.procedures.calls import Calls


@pytest.fixture
def dead(call: Calls) -> Any:
    def die(count: int, **given: Any) -> list[int]:
        return [call.dead(**given) for _ in range(count)]

    return die


def start(call: Calls, **given: object) -> list[int]:
    return [row["id"] for row in call.rows("retry_dead", **given)]


def revival(call: Calls) -> DictRow:
    return call.rows("list_revivals")[0]


def step(call: Calls, noon: Clock, **parts: float) -> int:
    noon.advance(timedelta(**parts) if parts else timedelta(seconds=1))
    return call.tick().get("revived_jobs", 0)


def finish(call: Calls, count: int, **outcome: Any) -> None:
    for _ in range(count):
        job = call.claim(queue="running")
        if outcome:
            call.fail(job, **outcome)
        else:
            call.complete(job)


# rate


def test_a_rate_brings_back_so_many_a_second(call: Calls, noon: Clock, dead: Any) -> None:
    ids = dead(12)

    assert start(call, rate=5) == ids[:5]
    assert (revival(call)["status"], revival(call)["revived"]) == ("RUNNING", 5)

    assert step(call, noon) == 5
    assert step(call, noon) == 2
    last = revival(call)
    assert (last["status"], last["revived"], last["finished_at"]) == ("DONE", 12, noon.now)
    assert {call.job(i)["origin"]["revival"] for i in ids} == {last["id"]}
    assert {call.job(i)["origin"]["by"] for i in ids} == {"revival"}
    assert step(call, noon) == 0


def test_a_slow_rate_waits_its_time(call: Calls, noon: Clock, dead: Any) -> None:
    dead(3)

    assert len(start(call, rate=0.1)) == 1
    assert [step(call, noon, seconds=5) for _ in range(6)] == [0, 1, 0, 1, 0, 0]


def test_a_pause_of_the_tick_is_not_made_up_for(call: Calls, noon: Clock, dead: Any) -> None:
    dead(40)
    start(call, rate=5)

    assert step(call, noon, hours=1) == 11
    assert step(call, noon) == 5


def test_max_jobs_bounds_each_step(call: Calls, noon: Clock, dead: Any) -> None:
    ids = dead(10)

    assert start(call, rate=1000, max_jobs=4) == ids[:4]
    assert [step(call, noon) for _ in range(3)] == [4, 2, 0]


def test_all_are_looked_at_once_and_no_newcomer_is(call: Calls, noon: Clock, dead: Any) -> None:
    ids = dead(2)
    start(call, rate=1)
    noon.advance(seconds=0.5)
    finish(call, 1, error="boom", retryable=False)
    late = dead(1)

    assert [step(call, noon) for _ in range(3)] == [1, 0, 0]
    assert revival(call)["status"] == "DONE"
    assert [call.status(i) for i in (*ids, *late)] == ["DEAD", "PENDING", "DEAD"]


def test_only_what_the_filter_names_comes_back(call: Calls, noon: Clock) -> None:
    wanted = [call.dead("x 1", payload={"a": {"b": None}}) for _ in range(3)]
    call.dead("x 1", payload={"a": {}})
    call.dead("y", payload={"a": {"b": None}})
    fingerprint = call.row("fingerprint", error_type=None, error="x 2")["fingerprint"]

    first = start(call, rate=1, fingerprint=fingerprint, payload={"a": {"b": None}})
    assert [step(call, noon) for _ in range(4)] == [1, 1, 0, 0]
    assert first == wanted[:1]
    assert [call.status(i) for i in wanted] == ["PENDING"] * 3
    shown = revival(call)["filter"]
    assert (shown["fingerprint"], shown["payload_contains"]) == (fingerprint, {"a": {"b": None}})
    assert set(shown) == {"fingerprint", "payload_contains", "died_before"}


def test_taken_keys_stay_dead_and_are_told(call: Calls, noon: Clock) -> None:
    call.dead()
    kept = call.dead(unique_key="k")
    call.dead(unique_key="other")
    call.enqueue(queue="running", unique_key="k")

    start(call, rate=1)
    for _ in range(4):
        step(call, noon)

    assert call.status(kept) == "DEAD"
    last = revival(call)
    assert (last["status"], last["revived"], last["kept"]) == ("DONE", 2, 1)


def test_without_a_match_there_is_no_revival(call: Calls) -> None:
    assert start(call, rate=1) == []
    assert start(call, canary=1) == []
    assert call.rows("list_revivals") == []


def test_when_the_first_are_all_it_is_done_at_once(call: Calls, dead: Any) -> None:
    dead(2)

    assert len(start(call, rate=5)) == 2
    assert revival(call)["status"] == "DONE"


def test_two_revivals_share_what_there_is(call: Calls, noon: Clock, dead: Any) -> None:
    ids = dead(10)
    start(call, rate=1)
    start(call, rate=1)
    for _ in range(6):
        step(call, noon)

    assert {r["status"] for r in call.rows("list_revivals")} == {"DONE"}
    assert sum(r["revived"] for r in call.rows("list_revivals")) == 10
    assert {call.job(i)["revivals"] for i in ids} == {1}


# canary


def test_the_rest_follows_a_canary_that_succeeds(call: Calls, noon: Clock, dead: Any) -> None:
    ids = dead(6)

    assert start(call, canary=2, max_jobs=3) == ids[:2]
    assert step(call, noon) == 0
    finish(call, 1)
    assert step(call, noon) == 0
    assert revival(call)["status"] == "CANARY"
    finish(call, 1)

    assert [step(call, noon) for _ in range(4)] == [0, 3, 1, 0]
    assert (revival(call)["status"], revival(call)["revived"]) == ("DONE", 6)


@pytest.mark.parametrize("outcome", ["fails again", "dies again", "is cancelled"])
def test_the_rest_stays_where_the_canary_fails(
    call: Calls, noon: Clock, dead: Any, outcome: str
) -> None:
    ids = dead(5)
    start(call, canary=2)
    finish(call, 1)
    if outcome == "is cancelled":
        call.rows("cancel", id=ids[1])
    else:
        finish(call, 1, error="boom", retryable=outcome == "fails again")

    assert [step(call, noon) for _ in range(3)] == [0, 0, 0]

    told = revival(call)
    assert (told["status"], told["finished_at"] is None) == ("STOPPED", False)
    assert told["reason"] == f"job {ids[1]} of the canary failed again or was cancelled"
    assert [call.status(i) for i in ids[2:]] == ["DEAD"] * 3


def test_the_rest_stays_where_the_canary_takes_too_long(
    call: Calls, noon: Clock, dead: Any
) -> None:
    ids = dead(5)
    start(call, canary=2, canary_within="1 minute")
    finish(call, 1)

    assert [step(call, noon, seconds=s) for s in (59, 1, 1)] == [0, 0, 0]
    assert revival(call)["status"] == "STOPPED"
    assert revival(call)["reason"] == "1 of the 2 jobs of the canary were completed in time"
    assert [call.status(i) for i in ids[2:]] == ["DEAD"] * 3


def test_the_failures_before_do_not_count_against_the_canary(
    call: Calls, noon: Clock, dead: Any
) -> None:
    dead(2)
    start(call, canary=1)

    step(call, noon)
    assert revival(call)["status"] == "CANARY"


def test_in_a_queue_without_history_a_canary_that_is_gone_has_succeeded(
    call: Calls, noon: Clock, dead: Any
) -> None:
    call.rows("set_queue", queue="running", keep_history=False)
    dead(2)
    start(call, canary=1)
    finish(call, 1)

    assert [step(call, noon) for _ in range(2)] == [0, 1]


def test_the_rate_holds_after_the_canary(call: Calls, noon: Clock, dead: Any) -> None:
    dead(10)
    start(call, canary=1, rate=3)
    finish(call, 1)

    assert [step(call, noon) for _ in range(5)] == [0, 3, 3, 3, 0]


def test_a_canary_that_is_all_there_is_ends_well(call: Calls, noon: Clock, dead: Any) -> None:
    dead(2)
    start(call, canary=5)
    finish(call, 2)

    step(call, noon)
    step(call, noon)
    assert (revival(call)["status"], revival(call)["revived"]) == ("DONE", 2)


# the list


def test_a_revival_can_be_cancelled(call: Calls, noon: Clock, dead: Any) -> None:
    dead(3)
    start(call, rate=1)

    row = call.row("cancel_revival", id=revival(call)["id"])

    assert (row["status"], row["finished_at"], row["revived"]) == ("CANCELLED", noon.now, 1)
    assert step(call, noon) == 0
    assert call.row("cancel_revival", id=row["id"]) == row
    assert call.rows("cancel_revival", id=1 << 40) == []


def test_the_list_goes_on_where_it_ended_and_forgets_in_time(
    call: Calls, noon: Clock, dead: Any
) -> None:
    for _ in range(3):
        dead(1)
        start(call, rate=1)
        finish(call, 1)
    ids = [row["id"] for row in call.rows("list_revivals")]

    assert ids == sorted(ids, reverse=True)
    assert [row["id"] for row in call.rows("list_revivals", before=ids[0], max_rows=1)] == ids[1:2]
    call.refusal("JQ001", "list_revivals", max_rows=0)
    step(call, noon)
    step(call, noon, days=30)
    assert len(call.rows("list_revivals")) == 3
    step(call, noon, hours=1)
    assert call.rows("list_revivals") == []


@pytest.mark.parametrize(
    "given",
    [
        {"rate": 0},
        {"rate": 1000.1},
        {"rate": float("nan")},
        {"canary": 0},
        {"canary": 101},
        {"canary": 1, "canary_within": "0.5 seconds"},
        {"canary": 1, "canary_within": "8 days"},
        {"canary": 1, "canary_within": None},
    ],
    ids=str,
)
def test_a_pace_that_cannot_be_is_refused(call: Calls, given: dict[str, object]) -> None:
    assert call.refusal("JQ001", "retry_dead", **given).message_hint
