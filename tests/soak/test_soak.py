"""That the long run runs, has everything in it, and would see what does not stay flat."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.database import Database
from tests.soak import records
from tests.soak.run import Options, Soak, render
from tests.soak.verdicts import MEGABYTE, Verdict, judge
from tests.soak.waits import bucket, percentile, together

Change = Callable[[float], dict[str, Any]]


@pytest.mark.timeout(300)
def test_a_short_run_has_all_features_in_it_and_loses_nothing(db: Database, tmp_path: Path) -> None:
    options = Options(minutes=0.1, rate=50, every=1, workers=1, seed=5, patience=120)
    soak = Soak(db.dsn, options, tmp_path / "run", say=lambda _: None)
    verdicts = soak.run(tmp_path / "out")
    assert [each for each in verdicts if each.holds is False] == []
    assert {each.name for each in verdicts} >= {"throughput", "pick-up p99", "size of jobs"}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written >= {"README.md", "facts.json", "samples.csv", "sizes.csv", "latency.svg"}


def a_run(change: Change = lambda share: {}, seconds: float = 2700) -> list[dict[str, Any]]:
    """Samples of a flat run, with what `change` says at each share of it."""
    samples = []
    for number in range(101):
        share = number / 100
        flat = {
            "at": seconds * share,
            "phase": "steady",
            "per_second": 1000.0 + number % 7,
            "p50": 4.0 + number % 3,
            "p99": 30.0 + number % 11,
            "ready": 20,
            "processing": 5,
            "scheduled": 40,
            "waiting": 3,
            "bytes": {"jobs": 20 * MEGABYTE, "history": (80 + number % 9) * MEGABYTE},
            "dead_rows": {"jobs": 4000 + 100 * (number % 5)},
            "server_mb": 120.0,
            "largest_backend_mb": 14.0,
            "memory_mb": {"worker-0": 60.0, "api": 70.0},
        }
        samples.append({**flat, **change(share)})
    return samples


def failing(samples: list[dict[str, Any]]) -> set[str]:
    return {each.name for each in verdicts_of(samples) if each.holds is False} - OF_THE_RUN


def verdicts_of(samples: list[dict[str, Any]]) -> list[Verdict]:
    return judge({"left": 0, "violations": []}, samples)


OF_THE_RUN = {"all features took part"}


def test_a_flat_run_is_flat() -> None:
    assert failing(a_run()) == set()
    held = {each.name for each in verdicts_of(a_run()) if each.holds}
    assert held >= {"throughput", "pick-up p99", "size of jobs", "memory of api"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("throughput", lambda share: {"per_second": 1000 - 120 * share}),
        ("pick-up p50", lambda share: {"p50": 4 + 20 * share}),
        ("pick-up p99", lambda share: {"p99": 30 + 150 * share}),
        ("live jobs", lambda share: {"ready": 20 + 1000 * share}),
        ("dead rows", lambda share: {"dead_rows": {"jobs": 4000 + 20_000 * share}}),
        ("size of jobs", lambda share: {"bytes": {"jobs": (20 + 15 * share) * MEGABYTE}}),
        ("memory of api", lambda share: {"memory_mb": {"api": 70 + 30 * share}}),
        ("memory of the largest backend", lambda share: {"largest_backend_mb": 14 + 20 * share}),
    ],
)
def test_what_does_not_stay_flat_is_seen(name: str, change: Change) -> None:
    assert name in failing(a_run(change))


def test_a_short_run_says_nothing_of_flatness() -> None:
    assert failing(a_run(lambda share: {"p99": 30 + 500 * share}, seconds=300)) == set()


def test_a_look_that_failed_is_noted_and_costs_nothing() -> None:
    samples = a_run()
    for sample in samples[10:14]:
        del sample["bytes"], sample["p99"]
        sample["missed"] = {"sizes": "QueryCanceled: it took too long"}
    assert failing(samples) == set()
    for sample in samples[:10]:
        sample["missed"] = {"sizes": "QueryCanceled: it took too long"}
    assert failing(samples) == {"samples are whole"}


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("every job came to its end", {"left": 3}),
        ("the invariants hold", {"violations": ["job 7 is in jobs and history"]}),
        ("no process ended", {"surprises": ["worker-0 ended with -9"]}),
        ("the run came to its end", {"cut": "KeyboardInterrupt"}),
        ("calls of the load succeeded", {"seen": {"made": 20_000, "trouble": 3}}),
    ],
)
def test_what_went_wrong_is_a_finding(name: str, facts: dict[str, Any]) -> None:
    verdicts = judge({"left": 0, "violations": [], **facts}, a_run())
    assert name in {each.name for each in verdicts if each.holds is False}


def test_a_run_that_was_cut_short_is_reported_by_what_it_wrote(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    run.mkdir()
    facts = {"command": "make soak", "again": "", "began": "today", "seed": 1, "commit": "abc"}
    (run / "facts.json").write_text(json.dumps(facts))
    for sample in a_run()[:30]:
        records.append(run / "samples.jsonl", sample)
    render(run, out)
    page = (out / "README.md").read_text()
    assert "the run was cut short" in page
    assert "pick-up p99" in page


def test_waits_are_told_to_five_percent() -> None:
    waits = [0.001 * number for number in range(1, 1001)]
    counts = together([{str(bucket(wait)): 1} for wait in waits])
    half, most = percentile(counts, 0.5), percentile(counts, 1.0)
    assert half is not None
    assert most is not None
    assert 0.5 <= half < 0.5 * 1.06
    assert 1.0 <= most < 1.06
    assert percentile({}, 0.5) is None


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    tail = records.Tail(tmp_path)
    file = tmp_path / "worker.jsonl"
    file.write_text('{"n": 1}\n{"n":')
    assert tail.lines() == [{"n": 1}]
    with file.open("a") as more:
        more.write(" 2}\n")
    assert tail.lines() == [{"n": 2}]
