"""05_policy: how long a retry waits, and who says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls

DELAY = "select forge._retry_delay(%s, %s, %s, %s, %s, %s)"


def delay(
    call: Calls,
    failures: int,
    base: str = "5 seconds",
    factor: float = 2,
    cap: str = "1 hour",
    jitter: float = 0,
    dice: float = 0,
) -> float:
    waited: timedelta = call.one(DELAY, failures, base, factor, cap, jitter, dice)
    return waited.total_seconds()


def test_the_delay_doubles_from_five_seconds_to_an_hour(call: Calls) -> None:
    assert [delay(call, n) for n in range(1, 13)] == [
        *(5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560),
        *(3600, 3600),
    ]


@pytest.mark.parametrize("failures", [1024, 1100, 100_000, 2_147_483_647])
@pytest.mark.parametrize("factor", [1.0, 1.0000001, 2, 100])
@pytest.mark.parametrize("base", ["0", "1 microsecond", "5 seconds", "365 days"])
def test_nothing_overflows(failures: int, factor: float, base: str, call: Calls) -> None:
    for cap in ("0", "1 microsecond", "1 hour", "365 days"):
        most = call.one("select extract(epoch from %s::interval)", cap)
        assert 0 <= delay(call, failures, base, factor, cap, 1, 1) <= 2 * most


@pytest.mark.parametrize(
    ("failures", "given", "seconds"),
    [
        (1, {"base": "0"}, 0),
        (9, {"cap": "0"}, 0),
        (9, {"factor": 1}, 5),
        (100, {"factor": 1, "base": "2 hours"}, 3600),
        (1, {"base": "2 hours"}, 3600),
        (3, {"factor": 100, "cap": "365 days"}, 50_000),
        (4, {"base": "1 second", "factor": 10, "cap": "1000 seconds"}, 1000),
        (3, {"base": "10 milliseconds", "factor": 1.5}, 0.0225),
        (0, {}, 5),
    ],
)
def test_base_factor_and_cap(
    failures: int, given: dict[str, float | str], seconds: float, call: Calls
) -> None:
    assert delay(call, failures, **given) == pytest.approx(seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize("jitter", [0, 0.1, 0.5, 1])
def test_jitter_is_a_share_on_top(jitter: float, call: Calls) -> None:
    assert delay(call, 2, jitter=jitter, dice=0) == 10
    assert delay(call, 2, jitter=jitter, dice=0.5) == pytest.approx(10 * (1 + jitter / 2))
    assert delay(call, 2, jitter=jitter, dice=1) == pytest.approx(10 * (1 + jitter))


def test_a_failure_waits_its_delay_and_at_most_a_tenth_more(call: Calls, noon: Clock) -> None:
    waited = []
    for _ in range(30):
        failed = call.fail(call.running())
        waited.append((failed["scheduled_at"] - noon.now).total_seconds())

    assert all(5 <= seconds <= 5.5 for seconds in waited)
    assert len(set(waited)) > 1


def test_each_failure_of_a_job_waits_longer(call: Calls, noon: Clock) -> None:
    call.enqueue(retry_jitter=0, max_retries=12)
    waited = []
    for _ in range(12):
        failed = call.fail(call.claim())
        waited.append((failed["scheduled_at"] - noon.now).total_seconds())
        noon.set(failed["scheduled_at"])

    assert waited == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_the_hundred_thousandth_failure_is_as_any_other(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(max_retries=100_000, retry_factor=100, retry_jitter=1)
    call.select("update forge.jobs set attempts = 99999 where id = %s", job_id)

    failed = call.fail(call.claim())
    assert (failed["status"], failed["attempts"]) == ("PENDING", 100_000)
    assert timedelta(hours=1) <= failed["scheduled_at"] - noon.now <= timedelta(hours=2)

    noon.advance(hours=2)
    assert call.fail(call.claim())["status"] == "DEAD"


BY = ("settings", "queue", "type", "job")


@pytest.mark.parametrize("setters", range(1, 5))
def test_the_job_goes_before_its_type_its_queue_and_the_settings(
    setters: int, call: Calls, noon: Clock
) -> None:
    call.select("update forge.settings set retry_jitter = 0, retry_base = '1 second'")
    if setters > 1:
        call.rows("set_queue", queue="running", retry_base="2 seconds", max_retries=2)
    if setters > 2:
        call.rows("set_type", type="email", retry_base="3 seconds", max_retries=3)
    own = {"retry_base": "4 seconds", "max_retries": 4} if setters > 3 else {}

    failed = call.fail(call.running(**own))

    assert (failed["scheduled_at"] - noon.now).total_seconds() == setters
    assert failed["max_retries"] == (setters if setters > 1 else 10)


def test_each_setting_is_inherited_by_itself(call: Calls, noon: Clock) -> None:
    call.rows("set_queue", queue="running", retry_jitter=0, retry_cap="7 seconds")
    call.rows("set_type", type="email", retry_factor=3)
    job = call.running(retry_base="2 seconds")
    waited = []
    for _ in range(3):
        failed = call.fail(job)
        waited.append((failed["scheduled_at"] - noon.now).total_seconds())
        noon.set(failed["scheduled_at"])
        job = call.claim(queue="running")

    assert waited == [2, 6, 7]


def test_a_policy_holds_for_live_jobs(call: Calls) -> None:
    job = call.running()
    call.rows("set_type", type="email", max_retries=0)

    assert call.job(job["id"])["max_retries"] == 0
    assert call.fail(job)["status"] == "DEAD"
