"""While a job runs: heartbeats, cancellation, progress, logs; and giving it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conformance.driver import Row
from tests.conformance.forge import Forge, fence, seconds
from tests.database import Clock, Database


def lease_left(forge: Forge, clock: Clock, job: Row) -> float:
    left: timedelta = forge.job(job["id"])["lease_expires_at"] - clock.now
    return left.total_seconds()


def test_a_heartbeat_extends_leases_and_never_shortens_them(forge: Forge, noon: Clock) -> None:
    jobs = [forge.running() for _ in range(2)]
    noon.advance(seconds=30)

    assert forge.beat(*jobs) == {}
    assert [lease_left(forge, noon, job) for job in jobs] == [60, 60]
    forge.beat(*jobs, extend=seconds(600))
    forge.beat(*jobs, extend=seconds(1))
    assert [lease_left(forge, noon, job) for job in jobs] == [600, 600]


def test_a_job_whose_lease_goes_on_is_not_taken(forge: Forge, db: Database, noon: Clock) -> None:
    kept, lost = forge.running(), forge.running()
    noon.advance(seconds=45)
    forge.beat(kept)
    noon.advance(seconds=45)
    db.rows("select forge.tick()")

    assert forge.beat(kept, lost) == {lost["id"]: "lease_lost"}
    assert forge.complete(kept) is True


def test_a_look_extends_nothing(forge: Forge, noon: Clock) -> None:
    job = forge.running()
    noon.advance(seconds=30)
    forge.rows("cancel", id=job["id"])

    assert forge.beat(job, extend=None) == {job["id"]: "cancel_requested"}
    assert lease_left(forge, noon, job) == 30


def test_an_extension_out_of_range_is_refused(forge: Forge) -> None:
    for extend in (0.5, 86_401):
        forge.refused("JQ001", "heartbeat", worker="w", extend=seconds(extend))


def test_a_worker_is_listed_while_it_gives_signs_of_life(
    forge: Forge, db: Database, noon: Clock
) -> None:
    forge.value(
        "register_worker",
        **{"worker": "a", "queues": ["default", "other"], "types": ["email"], "concurrency": 3},
        **{"host": "here", "pid": 7, "version": "1", "liveness": False},
    )
    (listed,) = forge.rows("list_workers")
    assert (listed["worker"], listed["queues"]) == ("a", ["default", "other"])
    assert (listed["types"], listed["concurrency"]) == (["email"], 3)
    for _ in range(3):
        noon.advance(minutes=4)
        forge.beat(worker="a")
        db.rows("select forge.tick()")
    assert [worker["worker"] for worker in forge.rows("list_workers")] == ["a"]

    assert forge.value("unregister_worker", worker="a") is True
    assert forge.value("unregister_worker", worker="a") is False
    assert forge.rows("list_workers") == []


def test_a_cancelled_job_is_never_claimed(forge: Forge) -> None:
    job_id = forge.enqueue()

    assert forge.row("cancel", id=job_id)["to_status"] == "CANCELLED"

    assert forge.claim() == []
    assert forge.status(job_id) == "CANCELLED"


def by_failing(forge: Forge, job: Row) -> None:
    assert forge.fail(job)["status"] == "CANCELLED"


def by_release(forge: Forge, job: Row) -> None:
    assert forge.row("release", **fence(job))["to_status"] == "CANCELLED"


def by_snooze(forge: Forge, job: Row) -> None:
    assert forge.row("snooze", **fence(job), delay=seconds(9))["to_status"] == "CANCELLED"


@pytest.mark.parametrize("end", [by_failing, by_release, by_snooze])
def test_a_running_job_is_asked_to_stop_and_does(
    end: Callable[[Forge, Row], None], forge: Forge
) -> None:
    job = forge.running()
    assert forge.beat(job) == {}

    assert forge.row("cancel", id=job["id"])["to_status"] == "PROCESSING"
    assert forge.beat(job) == {job["id"]: "cancel_requested"}
    end(forge, job)

    assert forge.status(job["id"]) == "CANCELLED"


def test_a_job_that_is_done_before_it_hears_of_its_cancellation_is_done(forge: Forge) -> None:
    job = forge.running()
    forge.rows("cancel", id=job["id"])

    assert forge.complete(job) is True
    assert forge.status(job["id"]) == "COMPLETED"


def test_a_job_that_is_released_is_as_if_it_had_not_been_claimed(forge: Forge) -> None:
    job = forge.running()

    change = forge.row("release", **fence(job))

    assert (change["from_status"], change["to_status"]) == ("PROCESSING", "PENDING")
    (again,) = forge.claim(queue="running")
    assert (again["id"], again["attempts"]) == (job["id"], 1)


def test_a_job_that_snoozes_is_due_again_after_the_delay(forge: Forge, noon: Clock) -> None:
    job = forge.running()

    change = forge.row("snooze", **fence(job), delay=seconds(600), note="the bank is closed")

    assert change["to_status"] == "PENDING"
    found = forge.job(job["id"])
    assert (found["attempts"], found["progress_note"]) == (0, "the bank is closed")
    noon.advance(seconds=599)
    assert forge.claim(queue="running") == []
    noon.advance(seconds=1)
    assert [again["attempts"] for again in forge.claim(queue="running")] == [1]


def test_a_snooze_out_of_range_changes_nothing(forge: Forge) -> None:
    job = forge.running()

    for delay in (-1, 365 * 86_400 + 1):
        forge.refused("JQ001", "snooze", **fence(job), delay=seconds(delay))

    assert forge.status(job["id"]) == "PROCESSING"


def test_progress_and_lines_are_seen_while_it_runs(forge: Forge) -> None:
    job = forge.running()

    assert forge.value("progress", **fence(job), value=0.5, note="half way") is True
    assert forge.value("log", **fence(job), message="page 3", data={"rows": 200}) is True
    assert forge.value("log", **fence(job), message="slow", level="warning") is True

    found = forge.job(job["id"])
    assert (found["progress"], found["progress_note"]) == (0.5, "half way")
    lines = forge.rows("job_log", id=job["id"])
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "page 3"),
        ("warning", "slow"),
    ]
    assert lines[0]["data"] == {"rows": 200}


def test_progress_and_lines_out_of_range_are_refused(forge: Forge) -> None:
    job = forge.running()

    forge.refused("JQ001", "progress", **fence(job), value=1.1)
    forge.refused("JQ001", "log", **fence(job), message="x", level="loud")
    forge.refused("JQ005", "log", **fence(job), message="x", data={"text": "x" * 5_000})


def test_a_result_is_kept_and_has_a_limit(forge: Forge) -> None:
    job = forge.running()
    forge.refused("JQ005", "complete", **fence(job), result={"text": "x" * (1024 * 1024)})

    assert forge.complete(job, result={"sent": True, "to": ["ü"]}) is True

    found = forge.job(job["id"])
    assert (found["status"], found["result"]) == ("COMPLETED", {"sent": True, "to": ["ü"]})


def test_an_exchange_completes_and_claims(forge: Forge) -> None:
    ids = [forge.enqueue() for _ in range(4)]
    first, lost = forge.claim(max_jobs=2)
    forge.rows("release", **fence(lost))

    claimed, late = forge.exchange(first, lost, results=[{"n": 1}, {"n": 2}], max_jobs=5)

    assert [job["id"] for job in claimed] == ids[1:]
    assert late == [lost["id"]]
    assert forge.job(first["id"])["result"] == {"n": 1}
    assert forge.exchange(*claimed) == ([], [])
    assert {forge.status(job_id) for job_id in ids} == {"COMPLETED"}
