"""54_dead_groups: dead jobs by error, counted without counting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls

INVARIANT = """
select * from (
    select queue, type, fingerprint, count(*) as jobs from forge.dead_jobs group by 1, 2, 3
) as dead
full join (
    select queue, type, fingerprint, sum(jobs) as jobs from (
        select queue, type, fingerprint, jobs from forge.error_groups
        union all
        select queue, type, fingerprint, jobs from forge.dead_tallies
    ) as both_of_them group by 1, 2, 3
) as counted using (queue, type, fingerprint)
where coalesce(dead.jobs, 0) <> coalesce(counted.jobs, 0)
"""


@pytest.fixture(autouse=True)
def _counts_are_true(call: Calls) -> Iterator[None]:
    yield
    assert call.select(INVARIANT) == []


def counts(call: Calls, **which: object) -> dict[str, int]:
    return {row["title"]: row["jobs"] for row in call.rows("dead_groups", **which)}


@pytest.fixture(params=["before a tick", "after a tick"])
def added_up(request: pytest.FixtureRequest, call: Calls, noon: Clock) -> Iterator[None]:
    """Nothing depends on whether the tick has added the tallies up."""
    rows = call.rows

    def with_tick(function: str, /, **arguments: object) -> list[dict[str, Any]]:
        if request.param == "after a tick" and function == "dead_groups":
            noon.advance(seconds=1)
            rows("tick")
        return rows(function, **arguments)

    call.rows = with_tick  # type: ignore[method-assign]
    yield
    call.rows = rows  # type: ignore[method-assign]


pytestmark = pytest.mark.usefixtures("added_up")


def test_errors_of_a_kind_are_one_group(call: Calls, noon: Clock) -> None:
    for n in range(3):
        noon.advance(minutes=1)
        last = call.dead(f"no answer from 10.0.0.{n} after {n}.5 s")
    noon.advance(minutes=1)
    other = call.dead("disk full")

    groups = call.rows("dead_groups")

    assert [(g["title"], g["jobs"], g["sample_id"]) for g in groups] == [
        ("disk full", 1, other),
        ("no answer from <address> after <n> s", 3, last),
    ]
    group = groups[1]
    assert group["sample_error"] == "no answer from 10.0.0.2 after 2.5 s"
    assert group["last_seen_at"] - group["first_seen_at"] == timedelta(minutes=2)
    assert (
        group["fingerprint"]
        == call.row("fingerprint", error_type=None, error=group["sample_error"])["fingerprint"]
    )


def test_a_group_is_of_one_queue_and_one_type(call: Calls) -> None:
    for where in ({"queue": "a"}, {"queue": "a", "type": "x"}, {"queue": "b"}):
        call.dead(**where)

    assert len(call.rows("dead_groups")) == 3
    assert len(call.rows("dead_groups", queue="a")) == 2
    assert [g["queue"] for g in call.rows("dead_groups", type="x")] == ["a"]
    assert call.rows("dead_groups", queue="b", type="x") == []


def test_it_is_the_last_error_that_counts(call: Calls, noon: Clock) -> None:
    call.fail(call.running(max_retries=1), error="first")
    noon.advance(minutes=1)
    call.fail(call.claim(queue="running"), error="last", error_type="Torn")

    assert counts(call) == {"Torn: last": 1}


@pytest.mark.parametrize("leave", ["retry", "discard", "retry_dead", "discard_dead"])
def test_what_leaves_is_counted_no_more(call: Calls, leave: str) -> None:
    job_id = call.dead()
    call.dead()
    assert counts(call) == {"boom": 2}

    given = {"ids": [job_id]} if leave.endswith("_dead") else {"id": job_id}
    assert len(call.rows(leave, **given)) == 1

    assert counts(call) == {"boom": 1}


def test_a_group_that_is_empty_is_gone_and_begins_anew(call: Calls, noon: Clock) -> None:
    job_id = call.dead()
    assert counts(call) == {"boom": 1}
    noon.advance(hours=1)
    call.rows("retry", id=job_id)
    assert counts(call) == {}
    call.tick()
    noon.advance(hours=1)
    call.fail(call.claim(queue="running"), error="boom", retryable=False)

    (group,) = call.rows("dead_groups")
    assert (group["jobs"], group["first_seen_at"]) == (1, group["last_seen_at"])


def test_what_retention_drops_is_counted_no_more(call: Calls, noon: Clock) -> None:
    call.dead()
    call.rows("set_retention", dead="1 day")
    noon.advance(days=2)
    call.dead("new")
    call.tick()

    assert counts(call) == {"new": 1}


def test_a_dropped_queue_leaves_no_group(call: Calls) -> None:
    for _ in range(3):
        call.dead(queue="q")
    assert counts(call) == {"boom": 3}
    call.value("drop_queue", queue="q", max_jobs=2)
    assert call.value("drop_queue", queue="q") is True

    assert counts(call) == {}


def test_the_latest_groups_come_first_and_at_most_so_many(call: Calls, noon: Clock) -> None:
    for error in ("one", "two", "three", "one"):
        noon.advance(seconds=1)
        call.dead(error)

    assert list(counts(call)) == ["one", "three", "two"]
    assert list(counts(call, max_rows=2)) == ["one", "three"]


def test_an_old_group_that_has_news_is_counted_in_full(call: Calls, noon: Clock) -> None:
    for error in ("old", "old", "young"):
        noon.advance(seconds=2)
        call.dead(error)
        call.tick()
    noon.advance(seconds=2)
    call.dead("old")

    assert counts(call, max_rows=1) == {"old": 3}


@pytest.mark.parametrize("given", [{"max_rows": 0}, {"max_rows": 501}, {"queue": ""}])
def test_a_page_that_cannot_be_is_refused(call: Calls, given: dict[str, object]) -> None:
    call.refusal("JQ001", "dead_groups", **given)
