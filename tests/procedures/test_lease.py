"""40_lease: what a worker may do while it holds a job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls


def test_a_heartbeat_extends_the_leases_from_now(call: Calls, noon: Clock) -> None:
    jobs = [call.running(), call.running()]
    noon.advance(seconds=50)

    beats = call.rows(
        "heartbeat",
        worker="w",
        ids=[j["id"] for j in jobs],
        leases=[j["lease"] for j in jobs],
        extend="2 minutes",
    )

    assert beats == []
    ends = {call.job(j["id"])["lease_expires_at"] for j in jobs}
    assert ends == {noon.now + timedelta(minutes=2)}


def test_a_heartbeat_never_shortens_a_lease(call: Calls) -> None:
    job = call.running()

    call.rows("heartbeat", worker="w", ids=[job["id"]], leases=[job["lease"]], extend="1 second")

    assert call.job(job["id"])["lease_expires_at"] == job["lease_expires_at"]


def test_a_heartbeat_names_the_jobs_that_need_attention(call: Calls, noon: Clock) -> None:
    good, lost, asked = call.running(), call.running(), call.running()
    call.rows("cancel", id=asked["id"])
    noon.advance(seconds=30)

    beats = call.rows(
        "heartbeat",
        worker="w",
        ids=[asked["id"], lost["id"], good["id"]],
        leases=[asked["lease"], NO_LEASE, good["lease"]],
    )

    assert beats == [
        {"id": lost["id"], "reason": "lease_lost"},
        {"id": asked["id"], "reason": "cancel_requested"},
    ]
    # The job that is to be cancelled is still its worker's.
    held = {"good": good, "asked": asked, "lost": lost}
    ends = {name: call.job(job["id"])["lease_expires_at"] - noon.now for name, job in held.items()}
    minute, half = timedelta(seconds=60), timedelta(seconds=30)
    assert ends == {"good": minute, "asked": minute, "lost": half}


def test_a_heartbeat_tells_of_an_old_lease_beside_a_new_one(call: Calls, noon: Clock) -> None:
    old = call.running()
    noon.advance(hours=1)
    call.tick()
    new = call.claim(queue="running")
    pairs = {"ids": [old["id"], new["id"]], "leases": [old["lease"], new["lease"]]}
    assert old["id"] == new["id"]

    for extend in ("1 minute", None):  # it extends, or only looks
        beats = call.rows("heartbeat", worker="w", **pairs, extend=extend)

        assert beats == [{"id": old["id"], "reason": "lease_lost"}]


def test_a_heartbeat_shows_that_a_worker_lives(call: Calls, noon: Clock) -> None:
    call.rows("register_worker", worker="w", queues=["q"], liveness=False)
    noon.advance(seconds=30)

    assert call.rows("heartbeat", worker="w") == []
    assert call.row("list_workers")["heartbeat_at"] == noon.now


EXTEND = "use 1 second to 1 day"
NAME = "use 1 to 200 characters without control characters"


@pytest.mark.parametrize(
    ("argument", "value", "shown", "hint"),
    [
        ("worker", None, "null", NAME),
        ("worker", "", "", NAME),
        ("extend", "0.9 seconds", "00:00:00.9", EXTEND),
        ("extend", "1 day 1 second", "1 day 00:00:01", EXTEND),
    ],
)
def test_a_heartbeat_needs_a_name_and_a_time(
    argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", "heartbeat", **{"worker": "w", argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"{argument}={shown}", hint)


@pytest.mark.parametrize("extend", ["1 second", "1 day"])
def test_a_heartbeat_takes_the_shortest_and_longest_time(extend: str, call: Calls) -> None:
    assert call.rows("heartbeat", worker="w", extend=extend) == []


@pytest.mark.parametrize("value", [0, 0.25, 1])
def test_progress_is_shown_and_cut(value: float, call: Calls) -> None:
    job = call.running()

    assert (
        call.value("progress", id=job["id"], lease=job["lease"], value=value, note="n" * 600)
        is True
    )
    shown = call.job(job["id"])
    assert (shown["progress"], shown["progress_note"]) == (value, "n" * 500)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (-0.01, "-0.01"), (1.01, "1.01"), (float("nan"), "NaN")],
)
def test_progress_out_of_range_is_refused(value: float | None, shown: str, call: Calls) -> None:
    job = call.running()

    diag = call.refusal("JQ001", "progress", id=job["id"], lease=job["lease"], value=value)

    assert diag.message_primary == "value is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"value={shown}", "use 0 to 1")


def test_release_gives_the_job_back_as_if_unclaimed(call: Calls, noon: Clock) -> None:
    job = call.running(priority=3)
    call.rows("progress", id=job["id"], lease=job["lease"], value=0.5, note="half")
    scheduled = call.job(job["id"])["scheduled_at"]
    noon.advance(seconds=5)

    assert call.row("release", id=job["id"], lease=job["lease"]) == {
        "id": job["id"],
        "queue": "running",
        "type": "email",
        "from_status": "PROCESSING",
        "to_status": "PENDING",
    }
    after = call.job(job["id"])
    assert (after["attempts"], after["scheduled_at"], after["errors"]) == (0, scheduled, [])
    assert (after["progress"], after["progress_note"], after["lease_expires_at"]) == (None,) * 3
    assert call.claim(queue="running")["attempts"] == 1


@pytest.mark.parametrize("delay", ["0", "10 minutes", "365 days"])
def test_snooze_puts_the_job_off_and_gives_the_attempt_back(
    delay: str, call: Calls, noon: Clock
) -> None:
    job = call.running(max_retries=0)

    change = call.row("snooze", id=job["id"], lease=job["lease"], delay=delay)

    assert (change["from_status"], change["to_status"]) == ("PROCESSING", "PENDING")
    after = call.job(job["id"])
    assert after["attempts"] == 0
    assert after["scheduled_at"] - noon.now == call.one("select %s::interval", delay)


def test_a_job_can_be_snoozed_for_ever(call: Calls, noon: Clock) -> None:
    call.enqueue(max_retries=0)
    for _ in range(20):
        job = call.claim()
        call.rows("snooze", id=job["id"], lease=job["lease"], delay="1 hour")
        noon.advance(hours=1)

    assert call.claim()["attempts"] == 1


@pytest.mark.parametrize(
    ("delay", "shown"),
    [(None, "null"), ("-1 second", "-00:00:01"), ("366 days", "366 days")],
)
def test_a_delay_out_of_range_is_refused(delay: str | None, shown: str, call: Calls) -> None:
    job = call.running()

    diag = call.refusal("JQ001", "snooze", id=job["id"], lease=job["lease"], delay=delay)

    assert diag.message_primary == "delay is not valid"
    assert (diag.message_detail, diag.message_hint) == (f"delay={shown}", "use 0 to 365 days")


@pytest.mark.parametrize("function", ["release", "snooze"])
def test_giving_back_what_is_to_be_cancelled_cancels_it(
    function: str, call: Calls, noon: Clock
) -> None:
    job = call.running()
    call.rows("cancel", id=job["id"])
    more = {"delay": "1 hour"} if function == "snooze" else {}

    change = call.row(function, id=job["id"], lease=job["lease"], **more)

    assert (change["from_status"], change["to_status"]) == ("PROCESSING", "CANCELLED")
    after = call.job(job["id"])
    assert (after["status"], after["finished_at"], after["errors"]) == ("CANCELLED", noon.now, [])
    assert call.row("stats", queue="running")["cancelled"] == 1
