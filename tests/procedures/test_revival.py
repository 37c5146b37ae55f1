"""55_revival: retry_dead and discard_dead take what a filter finds, a bounded number at a time."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

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


def test_dead_jobs_are_found_by_all_that_is_known_of_them(call: Calls, noon: Clock) -> None:
    ids = [
        call.dead("row 7 is bad", tags=["a", "b"], payload={"to": {"country": "fr"}, "n": 1}),
        call.dead("row 8 is bad", tags=["b"], payload={"to": {"country": "de"}}),
        call.dead("boom", payload=Jsonb([1, 2])),
    ]
    fingerprint = call.row("fingerprint", error_type=None, error="row 9 is bad")["fingerprint"]
    wanted: list[tuple[dict[str, object], list[int]]] = [
        ({"fingerprint": fingerprint}, ids[:2]),
        ({"fingerprint": "0" * 16}, []),
        ({"ids": [ids[2], ids[0], ids[0], 1]}, [ids[0], ids[2]]),
        ({"ids": []}, []),
        ({"tag": "a"}, ids[:1]),
        ({"payload": {"to": {"country": "de"}}}, ids[1:2]),
        ({"payload": Jsonb([2])}, ids[2:]),
        ({"payload": {}}, ids[:2]),
        ({"fingerprint": fingerprint, "tag": "b", "payload": {"n": 1}}, ids[:1]),
        ({"fingerprint": fingerprint, "queue": "elsewhere"}, []),
    ]
    for given, expected in wanted:
        assert revived(call, **given, dry_run=True) == expected, given
        gone = call.rows("discard_dead", **given, dry_run=True)
        assert [row["id"] for row in gone] == expected, given


def test_the_list_knows_the_fingerprint_too(call: Calls) -> None:
    ids = [call.dead("row 7"), call.dead("row 8"), call.dead("boom")]
    fingerprint = call.row("fingerprint", error_type=None, error="row 9")["fingerprint"]

    def listed(**given: object) -> list[int]:
        return [row["id"] for row in call.rows("list_dead", fingerprint=fingerprint, **given)]

    assert listed() == [ids[1], ids[0]]
    assert listed(before=ids[1]) == listed(error_contains="7") == [ids[0]]
    assert listed(max_rows=1) == [ids[1]]
    assert listed(type="other") == []


@pytest.mark.parametrize("function", ["retry_dead", "discard_dead"])
def test_a_dry_run_changes_nothing(call: Calls, function: str) -> None:
    for _ in range(3):
        call.dead()
    before = call.everything()

    assert len(call.rows(function, dry_run=True, max_jobs=2)) == 2

    assert call.everything() == before
    assert call.select("select from forge.revivals") == []


@pytest.mark.parametrize("function", ["retry_dead", "discard_dead"])
def test_a_filter_looks_beyond_the_first_thousand(call: Calls, function: str) -> None:
    call.enqueue_many(*[{"type": "t", "queue": "running"}] * 1005)
    for _ in range(2):
        for job in call.rows("dequeue", queue="running", max_jobs=1000):
            call.fail(job, retryable=False)
    wanted = [call.dead("wanted"), call.dead("wanted")]

    assert [row["id"] for row in call.rows(function, error_contains="wanted")] == wanted


@pytest.mark.parametrize("function", ["retry_dead", "discard_dead"])
@pytest.mark.parametrize(
    "given",
    [
        {"max_jobs": 0},
        {"max_jobs": 10_001},
        {"ids": list(range(10_001))},
        {"payload": Jsonb(None)},
        {"payload": Jsonb(5)},
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_is_refused(
    function: str, given: dict[str, object], call: Calls
) -> None:
    call.refusal("JQ001", function, **given)


def test_discarded_jobs_lie_in_the_history_and_come_back(call: Calls, noon: Clock) -> None:
    ids = [call.dead(), call.dead("other")]
    noon.advance(hours=1)

    (row,) = call.rows("discard_dead", error_contains="other")

    assert (row["id"], row["from_status"], row["to_status"]) == (ids[1], "DEAD", "DEAD")
    assert call.rows("list_dead")[0]["id"] == ids[0]
    assert call.job(ids[1])["finished_at"] == noon.now
    assert call.row("retry", id=ids[1])["to_status"] == "PENDING"
    origin = call.job(ids[1])["origin"]
    assert (origin["status"], origin["by"]) == ("DEAD", "retry")
    assert origin["ended_at"].startswith("2030-01-02T12:00:00")


def test_a_job_tells_where_it_came_from(call: Calls, noon: Clock) -> None:
    job_id = call.dead()
    cancelled = call.cancelled()
    call.rows("retry_dead")
    call.rows("retry", id=cancelled)

    origin = call.job(job_id)["origin"]
    assert origin == {
        "status": "DEAD",
        "ended_at": noon.now.isoformat(),
        "fingerprint": call.row("fingerprint", error_type=None, error="boom")["fingerprint"],
        "by": "retry_dead",
        "who": call.one("select session_user"),
    }
    assert call.job(cancelled)["origin"]["status"] == "CANCELLED"
    call.complete(call.claim(queue="running"))
    assert call.job(job_id)["origin"] == origin
