"""75_prometheus: lines that Prometheus itself would read."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.database import Clock, Database
from tests.procedures.calls import Calls

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(call: Calls) -> Values:
    """All values by name and labels; each but once, each of a metric that is announced."""
    text = "".join(f"{row['prometheus']}\n" for row in call.rows("prometheus"))
    values: Values = {}
    for family in text_string_to_metric_families(text):
        assert family.type != "unknown", family.name
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in values
            values[key] = sample.value
    return values


def of(values: Values, name: str, **labels: str) -> float:
    return values[name, tuple(sorted(labels.items()))]


@pytest.fixture
def own(db: Database, call: Calls, noon: Clock) -> Calls:
    """A database of its own, at noon."""
    for _ in range(2):
        call.tick()
        noon.advance(seconds=1)
    return call


def test_depths_and_ages(own: Calls, noon: Clock) -> None:
    own.dead(queue="q")
    own.enqueue(queue="q")
    own.enqueue(queue="q", scheduled_at="2031-01-01Z")
    own.waiting(queue="q")
    noon.advance(seconds=90)
    own.rows("pause", queue="q")

    values = scrape(own)
    jobs = {s: of(values, "forge_jobs", queue="q", state=s) for s in ("ready", "scheduled")}
    assert jobs == {"ready": 1, "scheduled": 1}
    assert of(values, "forge_jobs", queue="q", state="waiting") == 1
    assert of(values, "forge_jobs", queue="q", state="dead") == 1
    assert of(values, "forge_oldest_ready_seconds", queue="q") == 90
    assert of(values, "forge_queue_paused", queue="q") == 1
    assert of(values, "forge_tick_age_seconds") > 0
    assert of(values, "forge_oldest_transaction_seconds") >= 0


def test_totals_are_the_same_before_and_after_a_tick(own: Calls, noon: Clock) -> None:
    own.completed(queue="q")
    own.fail(own.running(queue="q"))
    own.select("delete from forge.jobs")
    own.dead(queue="q")
    own.cancelled(queue="q")
    asked = own.running(queue="q")
    own.rows("cancel", id=asked["id"])
    own.fail(asked)

    def totals() -> dict[str, float]:
        values = scrape(own)
        return {
            name: of(values, f"forge_{name}_total", queue="q")
            for name in (
                "jobs_completed",
                "attempts_failed",
                "attempts_retried",
                "jobs_dead",
                "jobs_cancelled",
            )
        }

    before = totals()
    assert before == {
        "jobs_completed": 1,
        "attempts_failed": 3,
        "attempts_retried": 1,
        "jobs_dead": 1,
        "jobs_cancelled": 2,
    }
    noon.advance(seconds=1)
    own.tick()
    assert totals() == before


def test_workers_and_their_slots(own: Calls, noon: Clock) -> None:
    given = {"queues": ["q"], "liveness": False}
    own.rows("register_worker", worker="gone", concurrency=1, **given)
    noon.advance(minutes=2)
    own.rows("register_worker", worker="here", concurrency=7, **given)

    values = scrape(own)
    names = ("forge_workers", "forge_workers_lost", "forge_worker_slots")
    assert [of(values, name) for name in names] == [1, 1, 7]


def test_latency_is_a_histogram(own: Calls, noon: Clock) -> None:
    own.enqueue(queue="q")
    noon.advance(seconds=3)
    job = own.claim(queue="q")
    noon.advance(seconds=0.05)
    own.complete(job)
    for _ in range(2):
        noon.advance(seconds=1)
        own.tick()

    values = scrape(own)
    wait, run = "forge_job_wait_seconds", "forge_job_run_seconds"
    for name, below, above in ((wait, "2.048", "4.096"), (run, "0.032", "0.064")):
        assert of(values, f"{name}_count", queue="q") == 1
        assert of(values, f"{name}_bucket", queue="q", le=below) == 0
        assert of(values, f"{name}_bucket", queue="q", le=above) == 1
        assert of(values, f"{name}_bucket", queue="q", le="+Inf") == 1
    assert of(values, f"{wait}_sum", queue="q") == pytest.approx(3)
    assert of(values, f"{run}_sum", queue="q") == pytest.approx(0.05)


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "ünïcode", "a,b={}"])
def test_a_queue_may_have_any_name(name: str, own: Calls) -> None:
    own.enqueue(queue=name)

    assert of(scrape(own), "forge_jobs", queue=name, state="ready") == 1


def test_an_empty_installation_has_numbers_too(call: Calls) -> None:
    values: Any = scrape(call)
    assert of(values, "forge_workers") == 0
