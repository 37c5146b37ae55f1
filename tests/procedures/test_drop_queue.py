"""drop_queue: a queue removed for good, a bounded part at a time."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls

TRACES = ("jobs", "history", "dead_jobs", "queues", "queue_totals", "tallies")


def traces(call: Calls, queue: str) -> dict[str, int]:
    found = {
        table: call.one(f"select count(*) from forge.{table} where queue = %s", queue)
        for table in TRACES
    }
    return {table: count for table, count in found.items() if count}


def test_nothing_is_left_of_a_dropped_queue(call: Calls) -> None:
    call.completed(queue="old")
    call.dead(queue="old")
    call.rows("pause", queue="old")
    call.enqueue(queue="old")
    kept = call.enqueue(queue="other")

    assert call.value("drop_queue", queue="old") is True

    assert traces(call, "old") == {}
    assert call.status(kept) == "PENDING"


def use(call: Calls, clock: Clock, queue: str) -> None:
    """Have a queue named in every table that names queues."""
    call.row("set_queue", queue=queue, max_retries=3)
    call.row("set_limits", queue=queue, max_running=5, key_rate=3, key_per="1 minute")
    call.row("set_admission", queue=queue, max_depth=100)
    call.rows("set_retry_rules", queue=queue, rules='[{"error": "x", "action": "pause"}]')
    keyed = {"queue": queue, "concurrency_key": "c"}
    call.completed(**keyed, unique_key="k", unique_for="1 day")
    call.dead(**keyed)
    call.fail(call.running(**keyed), error="x")
    call.row("pause", queue=queue, reason="it goes")
    call.enqueue(**keyed)
    for _ in range(3):
        clock.advance(minutes=1)
        call.tick()


def known(call: Calls, queue: str) -> dict[str, int]:
    """Whatever names a queue, so that a new table is not forgotten: its rows about this one."""
    tables = call.select(
        "select c.relname, a.attname from pg_class as c "
        "join pg_attribute as a on a.attrelid = c.oid and a.attname in ('queue', 'unique_scope') "
        "where c.relnamespace = 'forge'::regnamespace and c.relkind in ('r', 'p')"
    )
    assert len(tables) > 10
    found = {
        table["relname"]: call.one(
            f"select count(*) from forge.{table['relname']} where {table['attname']} = %s", queue
        )
        for table in tables
    }
    return {table: count for table, count in found.items() if count}


def test_no_table_knows_a_dropped_queue_any_more(call: Calls, noon: Clock) -> None:
    use(call, noon, "old")

    assert call.value("drop_queue", queue="old") is True
    noon.advance(minutes=1)
    call.tick()  # takes the dropped jobs off the groups of errors, and brings nothing back

    assert known(call, "old") == {}


def test_a_dropped_queue_takes_nothing_of_another_along(call: Calls, noon: Clock) -> None:
    use(call, noon, "old")
    use(call, noon, "other")
    before = known(call, "other")
    assert len(before) > 8

    assert call.value("drop_queue", queue="old") is True

    assert known(call, "other") == before


def test_one_call_removes_no_more_than_it_was_asked_to(call: Calls) -> None:
    call.enqueue_many(*[{"type": "email", "queue": "old"}] * 5)

    answers = [call.value("drop_queue", queue="old", max_jobs=2) for _ in range(3)]

    assert answers == [False, False, True]
    assert traces(call, "old") == {}


def test_keys_that_a_dropped_queue_has_spent_are_free(call: Calls) -> None:
    call.completed(queue="old", unique_key="a", unique_for="1 day")
    call.completed(queue="old", unique_key="b", unique_scope="global", unique_for="1 day")
    kept = call.completed(queue="other", unique_key="a", unique_for="1 day")

    assert call.value("drop_queue", queue="old") is True

    assert call.select("select id, unique_scope from forge.spent_keys") == [
        {"id": kept, "unique_scope": "other"}
    ]
    assert call.enqueue(queue="old", unique_key="a") > kept
    assert call.enqueue(queue="old", unique_key="b", unique_scope="global") > kept


def test_spent_keys_whose_jobs_the_retention_took_are_dropped_bit_by_bit(call: Calls) -> None:
    for key in ("a", "b", "c"):
        call.completed(queue="old", unique_key=key, unique_for="1 year")
    call.select("delete from forge.history")

    answers = [call.value("drop_queue", queue="old", max_jobs=2) for _ in range(2)]

    assert answers == [False, True]
    assert call.one("select count(*) from forge.spent_keys") == 0


def test_a_running_job_of_a_dropped_queue_has_lost_its_lease(call: Calls) -> None:
    job = call.running(queue="old")

    call.value("drop_queue", queue="old")

    call.refusal("JQ002", "complete", id=job["id"], lease=job["lease"])


@pytest.mark.parametrize(
    ("name", "value"), [("max_jobs", 0), ("max_jobs", 10001), ("max_jobs", None), ("queue", None)]
)
def test_bad_arguments_are_refused(call: Calls, name: str, value: object) -> None:
    call.enqueue(queue="old")
    before = call.everything()

    error = call.refusal("JQ001", "drop_queue", **{"queue": "old", name: value})

    assert error.message_primary == f"{name} is not valid"
    assert call.everything() == before
