"""11_enqueue_many: all of them in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import Calls


def test_the_ids_are_in_the_order_of_the_jobs(call: Calls) -> None:
    rows = call.enqueue_many(*({"type": f"t{n}"} for n in range(200)))

    ids = [row["id"] for row in rows]
    assert all(row["created"] for row in rows)
    assert ids == sorted(ids)
    assert [call.job(i)["type"] for i in ids[::50]] == ["t0", "t50", "t100", "t150"]


def test_a_job_of_many_is_as_one_by_itself(call: Calls, noon: Clock) -> None:
    full: dict[str, Any] = {
        "type": "email",
        "payload": {"a": 1},
        "queue": "mails",
        "priority": -3,
        "scheduled_at": "2030-05-01T10:00:00+02:00",
        "max_retries": 2,
        "retry_base": "3 seconds",
        "retry_factor": 1.5,
        "retry_cap": "1 minute",
        "retry_jitter": 0.5,
        "tags": ["x"],
    }
    minimal: dict[str, Any] = {"type": "email"}
    for given in (full, minimal):
        one = call.enqueue(**given)
        (many,) = call.enqueue_many(given)
        rows = call.select("select * from forge.jobs where id in (%s, %s)", one, many["id"])
        first, second = ({**row, "id": None} for row in rows)
        assert first == second


def test_null_is_the_default_of_each_key(call: Calls, noon: Clock) -> None:
    keys = ["queue", "priority", "scheduled_at", "max_retries", "unique_key", "retry_base"]
    keys += ["retry_factor", "retry_cap", "retry_jitter", "tags"]
    plain, nulled = call.enqueue_many({"type": "t"}, {"type": "t", **dict.fromkeys(keys)})

    assert {**call.job(nulled["id"]), "id": plain["id"]} == call.job(plain["id"])


def test_a_json_null_is_a_payload(call: Calls) -> None:
    with_null, without = call.enqueue_many({"type": "t", "payload": None}, {"type": "t"})

    assert call.job(with_null["id"])["payload"] is None
    assert call.job(without["id"])["payload"] == {}
    query = "select payload from forge.jobs where payload = 'null'"
    assert call.select(query) == [{"payload": None}]


def test_no_jobs_are_no_rows(call: Calls) -> None:
    assert call.enqueue_many() == []


def test_a_key_twice_in_one_call_makes_one_job(call: Calls) -> None:
    held = call.enqueue(unique_key="held")
    keys = ["b", "a", "held", "b", None, "a"]
    rows = call.enqueue_many(*({"type": "t", "unique_key": k, "payload": k} for k in keys))

    assert [row["created"] for row in rows] == [True, True, False, False, True, False]
    assert rows[2]["id"] == held
    assert rows[0]["id"] == rows[3]["id"]
    assert rows[1]["id"] == rows[5]["id"]
    assert [call.job(rows[n]["id"])["payload"] for n in (0, 1, 4)] == ["b", "a", None]


def test_ten_thousand_are_taken_and_one_more_is_not(call: Calls) -> None:
    jobs = [{"type": "t"}] * 10_000
    assert len(call.enqueue_many(*jobs)) == 10_000

    diag = call.refusal("JQ005", "enqueue_many", jobs=Jsonb([*jobs, {"type": "t"}]))
    assert diag.message_primary == "jobs is too large"
    assert diag.message_detail == "10001 of at most 10000"
    assert diag.message_hint == "split it over several calls"


@pytest.mark.parametrize(
    "at", ["2030-01-02T03:04:05Z", "2030-01-02 05:04:05+02", "2030-01-01T22:04:05.000-0500"]
)
def test_a_time_has_a_zone(at: str, call: Calls) -> None:
    call.select("set local timezone = 'Asia/Kolkata'")
    (row,) = call.enqueue_many({"type": "t", "scheduled_at": at})

    assert call.job(row["id"])["scheduled_at"] == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_largest_payload_is_taken(call: Calls) -> None:
    (row,) = call.enqueue_many({"type": "t", "payload": "x" * (1024 * 1024 - 2)})

    assert len(call.job(row["id"])["payload"]) == 1024 * 1024 - 2
