"""60_lost: attempts whose lease has ended."""

from __future__ import annotations

from tests.database import Clock
from tests.procedures.calls import Calls


def expire(call: Calls, clock: Clock) -> dict[str, int]:
    clock.advance(seconds=60.001)
    return call.tick()


def test_a_lease_ends_after_its_time_and_not_at_it(call: Calls, noon: Clock) -> None:
    job = call.running()
    noon.set(job["lease_expires_at"])
    assert "expired_leases" not in call.tick()
    assert call.status(job["id"]) == "PROCESSING"

    noon.advance(seconds=0.001)
    assert call.tick()["expired_leases"] == 1
    assert call.status(job["id"]) == "PENDING"


def test_the_first_loss_is_retried_at_once_and_later_ones_back_off(
    call: Calls, noon: Clock
) -> None:
    call.enqueue(retry_jitter=0)
    waited = []
    for _ in range(5):
        job = call.claim()
        expire(call, noon)
        scheduled = call.job(job["id"])["scheduled_at"]
        waited.append((scheduled - noon.now).total_seconds())
        noon.set(scheduled)

    assert waited == [0, 5, 10, 20, 40]


def test_a_job_that_kills_its_workers_ends_dead_with_all_losses(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(max_retries=3)
    attempts = 0
    while claimed := call.rows("dequeue", worker="w"):
        attempts += len(claimed)
        expire(call, noon)
        noon.advance(hours=2)

    assert attempts == 4
    job = call.job(job_id)
    assert job["status"] == "DEAD"
    assert [e["attempt"] for e in job["errors"]] == [1, 2, 3, 4]
    assert {(e["error_type"], e["error"]) for e in job["errors"]} == {
        ("LeaseExpired", "the lease ended before the job did")
    }


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(call: Calls, noon: Clock) -> None:
    job = call.running()
    call.rows("cancel", id=job["id"])

    expire(call, noon)

    assert call.status(job["id"]) == "CANCELLED"
    stats = call.row("stats", queue="running")
    assert (stats["failed"], stats["cancelled"]) == (1, 1)


def test_a_heartbeat_in_time_keeps_the_job(call: Calls, noon: Clock) -> None:
    job = call.running()
    for _ in range(5):
        noon.advance(seconds=50)
        call.rows("heartbeat", worker="w", ids=[job["id"]], leases=[job["lease"]])
        call.tick()

    assert call.complete(job) is True


def test_a_tick_ends_at_most_a_thousand_leases(call: Calls, noon: Clock) -> None:
    call.enqueue_many(*[{"type": "t"}] * 1001)
    for _ in range(2):
        call.rows("dequeue", max_jobs=1000)

    assert expire(call, noon)["expired_leases"] == 1000
    assert call.tick()["expired_leases"] == 1
