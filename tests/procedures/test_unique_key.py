"""10_enqueue: one live job a key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.procedures.calls import Calls


def test_a_key_is_taken_while_its_job_lives(call: Calls) -> None:
    job_id = call.enqueue(unique_key="k", payload={"n": 1})

    assert call.enqueue(unique_key="k", payload={"n": 2}) == job_id
    assert call.job(job_id)["payload"] == {"n": 1}
    job = call.claim()
    assert call.enqueue(unique_key="k") == job_id
    call.fail(job)
    assert call.enqueue(unique_key="k") == job_id


@pytest.mark.parametrize("status", ["COMPLETED", "DEAD", "CANCELLED"])
def test_a_key_is_free_when_its_job_has_ended(status: str, call: Calls) -> None:
    makers: dict[str, Callable[..., int]] = {
        "COMPLETED": call.completed,
        "DEAD": call.dead,
        "CANCELLED": call.cancelled,
    }
    ended = makers[status](queue="q", unique_key="k")

    assert call.enqueue(queue="q", unique_key="k") > ended


def test_a_key_is_of_its_queue(call: Calls) -> None:
    assert call.enqueue(unique_key="k", queue="a") != call.enqueue(unique_key="k", queue="b")
