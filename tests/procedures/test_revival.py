"""55_revival: retry_dead and discard_dead take what a filter finds, a bounded number at a time."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def revived(call: Calls, **given: object) -> list[int]:
    return [row["id"] for row in call.rows("retry_dead", **given)]


def test_all_dead_jobs_are_revived_without_a_filter(call: Calls) -> None:
    ids = [call.dead(queue=q) for q in ("a", "b")]

    rows = call.rows("retry_dead")

    assert sorted(row["id"] for row in rows) == ids
    assert {(row["from_status"], row["to_status"]) for row in rows} == {("DEAD", "PENDING")}
    assert {call.job(i)["revivals"] for i in ids} == {1}
    assert revived(call) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"queue": "a"}, [0, 1]),
        ({"type": "y"}, [1, 2]),
        ({"queue": "a", "type": "y"}, [1]),
        ({"error_contains": "TIME"}, [0, 2]),
        ({"error_contains": "100%"}, [1]),
        ({"error_contains": "100_"}, []),
        ({"error_contains": ""}, [0, 1, 2]),
        ({"queue": "none"}, []),
        (dict.fromkeys(("queue", "type", "error_contains", "died_before")), [0, 1, 2]),
    ],
    ids=str,
)
def test_a_filter_names_which(given: dict[str, object], expected: list[int], call: Calls) -> None:
    ids = [
        call.dead("timeout", queue="a", type="x"),
        call.dead("100% full", queue="a", type="y"),
        call.dead("a Timeout of ours", queue="b", type="y"),
    ]

    assert sorted(revived(call, **given)) == [ids[n] for n in expected]


def test_it_is_the_last_error_that_is_looked_at(call: Calls, noon: Clock) -> None:
    call.fail(call.running(max_retries=1), error="first")
    noon.advance(minutes=1)
    call.fail(call.claim(queue="running"), error="last")

    assert revived(call, error_contains="first") == []
    assert len(revived(call, error_contains="last")) == 1


def test_died_before_is_a_bound_of_time(call: Calls, noon: Clock) -> None:
    early = call.dead()
    noon.advance(seconds=1)
    call.dead()

    assert revived(call, died_before=noon.now) == [early]


def test_the_oldest_come_first_and_at_most_max_jobs(call: Calls) -> None:
    ids = [call.dead() for _ in range(5)]

    assert revived(call, max_jobs=2) == ids[:2]
    assert revived(call, max_jobs=2) == ids[2:4]
    assert revived(call, max_jobs=2) == ids[4:]


def test_a_taken_key_stays_and_stands_in_nobodys_way(call: Calls) -> None:
    keyed = call.dead(unique_key="k")
    other = call.dead()
    call.enqueue(queue="running", unique_key="k")

    assert revived(call, max_jobs=1) == [other]
    assert call.status(keyed) == "DEAD"


def test_of_two_with_one_key_only_one_comes_back(call: Calls) -> None:
    ids = [call.dead(unique_key="k"), call.dead(unique_key="k")]

    assert revived(call) == ids[:1]
    assert revived(call) == []
    assert call.status(ids[1]) == "DEAD"


@pytest.mark.parametrize("max_jobs", [None, 0, -1, 10001])
def test_a_number_out_of_range_is_refused(max_jobs: int | None, call: Calls) -> None:
    diag = call.refusal("JQ001", "retry_dead", max_jobs=max_jobs)

    assert diag.message_primary == "max_jobs is not valid"
    assert diag.message_detail == f"max_jobs={'null' if max_jobs is None else max_jobs}"
    assert diag.message_hint == "use 1 to 10000"


@pytest.mark.parametrize("max_jobs", [1, 10000])
def test_the_least_and_the_most_are_taken(max_jobs: int, call: Calls) -> None:
    assert revived(call, max_jobs=max_jobs) == []
