"""70_read: one job, pages of jobs, queues and workers."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls
from tests.procedures.test_transitions import STATUSES

COLUMNS = """
select attname as name from pg_attribute where attrelid = 'forge.all_jobs'::regclass
and attnum > 0 order by attnum
"""


@pytest.mark.parametrize("status", STATUSES)
def test_a_job_is_found_wherever_it_is_in_its_life(status: str, call: Calls) -> None:
    job_id = call.in_status(status)

    job = call.job(job_id)

    assert (job["id"], job["status"], job["max_retries"]) == (job_id, status, 10)
    assert isinstance(job["errors"], list)
    assert [job] == call.rows("list_jobs", status=status)
    assert call.rows("job", id=job_id, queue=job["queue"]) == [job]
    assert call.rows("job", id=job_id, queue="elsewhere") == []


@pytest.mark.parametrize("job_id", [0, None, 2**63 - 1])
def test_no_job_is_no_row(job_id: int | None, call: Calls) -> None:
    assert call.rows("job", id=job_id) == []


def test_no_list_shows_a_lease(call: Calls) -> None:
    columns = [row["name"] for row in call.select(COLUMNS)]

    assert "lease" not in columns
    assert "lease_expires_at" in columns


@pytest.mark.parametrize("function", ["list_jobs", "list_dead"])
def test_pages_follow_each_other_without_gaps(function: str, call: Calls) -> None:
    ids = [call.dead() for _ in range(7)]
    if function == "list_jobs":
        ids += [call.enqueue(), call.completed(), call.cancelled()]
    found: list[int] = []
    before = None
    while page := call.rows(function, before=before, max_rows=3):
        assert len(page) <= 3
        found += [row["id"] for row in page]
        before = found[-1]

    assert found == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [3, 2, 1, 0]),
        ({"queue": "a"}, [2, 0]),
        ({"type": "x"}, [1, 0]),
        ({"status": "PENDING"}, [2, 1, 0]),
        ({"status": "DEAD", "queue": "b"}, [3]),
        ({"tag": "red"}, [1, 0]),
        ({"tag": "re"}, []),
        ({"tag": "red", "queue": "a"}, [0]),
        ({"before": 0}, []),
        (dict.fromkeys(("queue", "type", "status", "before", "tag")), [3, 2, 1, 0]),
    ],
    ids=str,
)
def test_a_list_is_filtered(given: dict[str, object], expected: list[int], call: Calls) -> None:
    ids = [
        call.enqueue(queue="a", type="x", tags=["red", "blue"]),
        call.enqueue(queue="b", type="x", tags=["red"]),
        call.enqueue(queue="a", type="y"),
    ]
    # one that is not the first in its queue
    call.rows("dequeue", queue="b")
    ids.append(call.dead(queue="b", type="y"))
    call.select("update forge.jobs set status = 'PENDING', lease = null, lease_expires_at = null")

    assert [row["id"] for row in call.rows("list_jobs", **given)] == [ids[n] for n in expected]


def test_the_dead_are_filtered_by_their_last_error(call: Calls, noon: Clock) -> None:
    ids = [call.dead("Timeout", queue="a"), call.dead("full", queue="b", type="y")]

    for given, expected in (
        ({"error_contains": "time"}, [ids[0]]),
        ({"queue": "b"}, [ids[1]]),
        ({"type": "y", "error_contains": "FULL"}, [ids[1]]),
        ({"type": "y", "queue": "a"}, []),
        ({"before": ids[1]}, [ids[0]]),
    ):
        assert [row["id"] for row in call.rows("list_dead", **given)] == expected


def test_a_page_is_fifty_rows_unless_told_otherwise(call: Calls) -> None:
    call.enqueue_many(*[{"type": "t"}] * 600)

    assert len(call.rows("list_jobs")) == 50
    assert len(call.rows("list_jobs", max_rows=500)) == 500
    assert len(call.rows("list_jobs", max_rows=1)) == 1


NAME = "use 1 to 200 characters without control characters"


@pytest.mark.parametrize("function", ["list_jobs", "list_dead"])
@pytest.mark.parametrize(
    ("argument", "value", "shown", "hint"),
    [
        ("max_rows", None, "null", "use 1 to 500"),
        ("max_rows", 0, "0", "use 1 to 500"),
        ("max_rows", 501, "501", "use 1 to 500"),
        ("queue", "", "", NAME),
        ("type", "t" * 201, "t" * 200, NAME),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    function: str, argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", function, **{argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"{argument}={shown}", hint)


@pytest.mark.parametrize("status", ["", "pending", "LOST"])
def test_a_status_that_does_not_exist_is_refused(status: str, call: Calls) -> None:
    diag = call.refusal("JQ001", "list_jobs", status=status)

    assert diag.message_primary == "status is not valid"
    assert diag.message_hint == "use WAITING, PENDING, PROCESSING, COMPLETED, DEAD or CANCELLED"


def test_the_version_is_that_of_the_package(call: Calls) -> None:
    from importlib.metadata import version

    assert call.value("version") == version("forge")


def test_the_clock_is_read_while_a_transaction_is_open(call: Calls) -> None:
    assert call.value("now") < call.value("now")
