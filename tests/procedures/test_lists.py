"""75_search, 76_lists: pages by filter, searches that stop early, bounded counts."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import Calls

# More than one search looks at, in the way of whatever lies below.
HAYSTACK = 23_000
FILL = """
insert into forge.{} (id, scheduled_at, created_at, {} priority, attempts, revivals, status, queue, type, payload)
select nextval('forge.job_id_seq'), forge.now(), forge.now(), {} 0, 0, 0, %s, %s, 'hay', '{{"n": 1}}'
from generate_series(1, %s)
"""


def pile(call: Calls, status: str = "PENDING", queue: str = "hay", jobs: int = HAYSTACK) -> None:
    table = {"PENDING": "jobs", "DEAD": "dead_jobs"}.get(status, "history")
    at = ("finished_at,", "forge.now(),") if table != "jobs" else ("", "")
    call.select(FILL.format(table, *at), status, queue, jobs)


def ids(call: Calls, function: str, **filter: Any) -> list[int]:
    return [row["id"] for row in call.rows(function, **filter)]


def all_pages(call: Calls, function: str, **filter: Any) -> tuple[list[int], list[int]]:
    """All that a search finds, and how many ids each of its pages had."""
    found: list[int] = []
    sizes: list[int] = []
    before = None
    while True:
        page = call.row(function, before=before, **filter)
        found += page["ids"]
        sizes.append(len(page["ids"]))
        before = page["next"]
        if before is None:
            return found, sizes


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"created_after": "2030-01-02T12:00:01Z"}, [3, 2]),
        ({"created_before": "2030-01-02T12:00:01Z"}, [1, 0]),
        (
            {"created_after": "2030-01-02T12:00:00Z", "created_before": "2030-01-02T12:00:01Z"},
            [1, 0],
        ),
        ({"payload_contains": {"to": {"country": "fr"}}}, [2, 0]),
        ({"payload_contains": {}}, [3, 2, 1, 0]),
        ({"payload_contains": Jsonb(["x"])}, []),
        ({"payload_contains": {"to": {"country": "fr"}}, "status": "PENDING"}, [2]),
        ({"ids": []}, []),
    ],
    ids=str,
)
def test_jobs_are_filtered_by_time_and_payload(
    call: Calls, noon: Clock, filter: dict[str, Any], expected: list[int]
) -> None:
    made = [call.cancelled(payload={"to": {"country": "fr", "n": 1}}), call.enqueue()]
    noon.advance(seconds=1)
    made += [call.enqueue(payload={"to": {"country": "fr"}}), call.dead(payload={"to": 1})]

    wanted = [made[n] for n in expected]
    assert ids(call, "list_jobs", **filter) == wanted
    assert call.row("search_jobs", **filter) == {"ids": wanted, "next": None, "searched_to": None}
    assert call.row("count_jobs", **filter) == {"count": len(wanted), "capped": False}


def test_jobs_are_named_by_their_ids_wherever_they_are(call: Calls) -> None:
    made = [call.enqueue(), call.dead(), call.completed(), call.enqueue()]
    some = [made[2], made[0], made[1], made[0], 1]

    assert ids(call, "list_jobs", ids=some) == sorted(made[:3], reverse=True)
    assert ids(call, "list_jobs", ids=some, status="COMPLETED") == [made[2]]
    assert ids(call, "list_dead", ids=some) == [made[1]]
    assert all_pages(call, "search_jobs", ids=some, max_rows=1)[0] == made[2::-1]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"tag": "a"}, [0]),
        ({"payload": {"n": 2}}, [1]),
        ({"created_before": "2030-01-02T12:00:01Z"}, [0]),
        ({"created_after": "2030-01-02T12:00:01Z"}, [1]),
        ({"died_before": "2030-01-02T12:00:01Z"}, [0]),
        ({"queue": "b", "error_contains": "FULL"}, [1]),
        ({"queue": "b", "payload": {"n": 1}}, []),
    ],
    ids=str,
)
def test_the_dead_are_filtered_as_they_are_revived(
    call: Calls, noon: Clock, filter: dict[str, Any], expected: list[int]
) -> None:
    made = [call.dead("Timeout", queue="a", tags=["a"], payload={"n": 1})]
    noon.advance(seconds=1)
    made.append(call.dead("mailbox full", queue="b", payload={"n": 2}))

    wanted = [made[n] for n in expected]
    assert ids(call, "list_dead", **filter) == wanted
    assert call.row("search_dead", **filter)["ids"] == wanted
    assert call.row("count_dead", **filter) == {"count": len(wanted), "capped": False}
    assert ids(call, "retry_dead", **filter) == wanted


def test_a_fingerprint_is_walked_page_by_page(call: Calls) -> None:
    made = [call.dead("row 1 is bad", queue=queue) for queue in "aabab"]
    call.dead("other")
    fingerprint = call.row("fingerprint", error_type=None, error="row 1 is bad")["fingerprint"]

    assert all_pages(call, "search_dead", fingerprint=fingerprint, max_rows=2)[0] == made[::-1]
    in_a = all_pages(call, "search_dead", fingerprint=fingerprint, queue="a", max_rows=2)[0]
    assert in_a == [made[3], made[1], made[0]]


@pytest.mark.parametrize("status", ["PENDING", "COMPLETED", "DEAD"])
def test_a_rare_job_is_found_page_by_page(call: Calls, status: str) -> None:
    makers: dict[str, Any] = {
        "PENDING": call.enqueue,
        "COMPLETED": call.completed,
        "DEAD": call.dead,
    }
    low = makers[status](queue="low", tags=["needle"])
    pile(call, status)
    high = makers[status](queue="high", tags=["needle"])
    filter = {"tag": "needle"} | ({} if status == "DEAD" else {"status": status})
    function = "search_dead" if status == "DEAD" else "search_jobs"

    found, sizes = all_pages(call, function, **filter)

    assert found == [high, low]
    assert len(sizes) > 1
    assert call.row(function.replace("search", "count"), **filter)["capped"] is True


def test_a_page_that_stops_early_says_how_far_it_looked(call: Calls, noon: Clock) -> None:
    call.enqueue("needle")
    pile(call)
    said: list[str] = []
    call.connection.add_notice_handler(lambda diag: said.append(diag.message_primary or ""))

    page = call.row("search_jobs", type="needle")

    assert (page["ids"], page["searched_to"]) == ([], noon.now)
    assert call.one("select count(*) from forge.jobs where id >= %s", page["next"]) <= 22_000
    assert call.rows("list_jobs", type="needle") == []
    assert len(said) == 1
    assert said[0].startswith("searched down to 2030-01-02")


def test_a_full_page_goes_on_after_its_last_job(call: Calls) -> None:
    made = [call.enqueue() for _ in range(5)]

    assert call.row("search_jobs", max_rows=2) == {
        "ids": made[:2:-1],
        "next": made[3],
        "searched_to": None,
    }
    assert all_pages(call, "search_jobs", max_rows=2) == (made[::-1], [2, 2, 1])


def test_pages_are_stable_while_jobs_come_and_go(call: Calls) -> None:
    made = [call.enqueue() for _ in range(4)]
    first = call.row("search_jobs", max_rows=2)
    call.enqueue()
    call.rows("cancel", id=made[2])
    call.select("delete from forge.jobs where id = %s", made[3])

    assert call.row("search_jobs", max_rows=2, before=first["next"])["ids"] == made[1::-1]


@pytest.mark.parametrize("status", ["PENDING", "WAITING", "PROCESSING"])
def test_what_waits_or_runs_is_found_at_once_under_many_others(call: Calls, status: str) -> None:
    makers: dict[str, Any] = {
        "PENDING": lambda: call.enqueue(queue="q"),
        "WAITING": lambda: call.waiting(queue="q"),
        "PROCESSING": lambda: call.running(queue="q")["id"],
    }
    low = [makers[status]() for _ in range(3)]
    if status == "PENDING":
        low.append(call.enqueue(queue="q", concurrency_key="k"))
    pile(call)

    assert call.row("search_jobs", queue="q", status=status)["ids"] == low[::-1]
    assert call.row("count_jobs", queue="q", status=status) == {"count": len(low), "capped": False}
    assert all_pages(call, "search_jobs", queue="q", status=status, max_rows=2)[0] == low[::-1]
    assert call.row("search_jobs", queue="q", status=status, type="no")["ids"] == []


def test_more_than_an_index_answers_whole_is_walked(call: Calls) -> None:
    pile(call, jobs=10_001)

    found, _ = all_pages(call, "search_jobs", queue="hay", status="PENDING", max_rows=500)

    assert len(found) == 10_001
    assert found == sorted(found, reverse=True)


def test_a_time_long_ago_is_found_below_many_others(call: Calls, noon: Clock) -> None:
    old = [call.enqueue() for _ in range(3)]
    noon.advance(hours=1)
    pile(call)

    assert all_pages(call, "search_jobs", created_before="2030-01-02T12:30Z")[0] == old[::-1]
    recent = call.row("search_jobs", created_after="2030-01-02T13:30Z", type="needle")
    assert recent == {"ids": [], "next": None, "searched_to": None}


def test_an_id_that_came_minutes_late_is_found_by_its_time(call: Calls, noon: Clock) -> None:
    """An enqueue may wait between reading the clock and taking its id."""
    noon.advance(minutes=9)
    pile(call, jobs=3000)
    late = call.enqueue("late")
    call.select("update forge.jobs set created_at = '2030-01-02T12:00Z' where id = %s", late)
    noon.advance(hours=1)
    pile(call, jobs=3000)

    found, _ = all_pages(call, "search_jobs", created_before="2030-01-02T12:01Z")

    assert found == [late]


def test_a_count_ends_at_ten_thousand(call: Calls) -> None:
    pile(call, jobs=10_000)

    found = call.row("count_jobs", status="PENDING")

    assert found["capped"] is True
    assert found["count"] <= 10_000


@pytest.mark.parametrize(
    "function", ["search_jobs", "list_jobs", "count_jobs", "search_dead", "list_dead", "count_dead"]
)
def test_a_filter_that_cannot_be_is_refused(call: Calls, function: str) -> None:
    payload = "payload" if function.endswith("dead") else "payload_contains"
    for filter in (
        {payload: Jsonb(5)},
        {payload: Jsonb(None)},
        {"queue": ""},
        {"type": "a\nb"},
        {"ids": list(range(10_001))},
    ):
        call.refusal("JQ001", function, **filter)
    call.refusal("JQ005", function, **{payload: {"text": "x" * 1_100_000}})
