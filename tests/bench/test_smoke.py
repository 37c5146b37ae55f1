"""The bench works: every measure at a size that takes moments. No figure is looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.catalogue import GOALS, MEASURES
from tests.bench.measure import Measure
from tests.bench.options import Options
from tests.bench.peers import install
from tests.bench.result import Report
from tests.bench.session import measure
from tests.bench.store import load
from tests.bench.subjects import FLOOR, FORGES, PEERS

# The two runs are the fixtures' work; one of them installs what it needs the first time.
pytestmark = pytest.mark.timeout(300)

OURS = (FLOOR, *FORGES)
COUNTED = re.compile(r"\d+ (connection|process)\w*")


def once(each: Measure) -> Measure:
    """Without the cases that differ from another one in their number of connections only."""
    first = {(case.subject, COUNTED.sub("", case.name)): case for case in reversed(each.cases)}
    return replace(each, cases=list(reversed(first.values())))


SMALL = {key: once(each) for key, each in MEASURES.items()}
SHARED = [key for key, each in SMALL.items() if any(case.subject in PEERS for case in each.cases)]


def run(server: str, out: Path, keys: Iterable[str], subjects: Iterable[str]) -> Report:
    """On the tests' server, with results that go nowhere."""
    options = Options(
        subjects=tuple(subjects), rounds=1, seconds=0.2, scale=0.001, out=out, dsn=server
    )
    return measure([SMALL[key] for key in keys], options, "a test", lambda line: None)


def check(report: Report, key: str, subjects: Iterable[str]) -> None:
    """Every case of these subjects has figures, and a ratio to each that it is held against."""
    (found,) = [found for found in report.measures if found.key == key]
    cases = [case for case in SMALL[key].cases if case.subject in subjects]
    rows = {(row.subject, row.case): row for row in found.rows}
    assert list(rows) == [(case.subject, case.name) for case in cases]
    for case in cases:
        row = rows[case.subject, case.name]
        assert len(row.samples) == 1
        compared = [each for each in case.against if {*each.subjects} & {*subjects}]
        assert len(row.ratios) == len(compared)
        mine = [row for row in found.rows if (row.subject, row.case) == (case.subject, case.name)]
        assert any(row.goal for row in mine) == bool(case.goals)


@pytest.fixture(scope="module")
def ours(server: str, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A run of every measure, with Forge and the floors."""
    return run(server, tmp_path_factory.mktemp("ours"), SMALL, OURS)


@pytest.fixture(scope="module")
def theirs(server: str, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A run of the measures that other queues take part in, with those alone."""
    try:
        install.python()
        install.node("pg_boss.mjs")
    except install.PeersMissing as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"THE PEERS CANNOT BE INSTALLED HERE: {error}")
    return run(server, tmp_path_factory.mktemp("theirs"), SHARED, PEERS)


@pytest.mark.parametrize("key", SMALL)
def test_each_measure_runs_with_forge_and_the_floors(ours: Report, key: str) -> None:
    check(ours, key, OURS)


@pytest.mark.downloads
@pytest.mark.parametrize("key", SHARED)
def test_the_peers_do_what_they_are_measured_for(theirs: Report, key: str) -> None:
    assert not theirs.left_out
    check(theirs, key, PEERS)


def test_a_run_replaces_its_own_measures_and_keeps_the_others(server: str, tmp_path: Path) -> None:
    run(server, tmp_path, ["enqueue-many", "sizes"], OURS)
    run(server, tmp_path, ["enqueue-many"], [FLOOR])

    kept = load(tmp_path)
    assert kept is not None
    assert [found.key for found in kept.measures] == ["enqueue-many", "sizes"]
    assert {row.subject for row in kept.measures[0].rows} == {FLOOR}
    page = (tmp_path / "latest.md").read_text()
    assert all(MEASURES[key].title in page for key in ("enqueue-many", "sizes"))
    assert all(goal.title in page for goal in GOALS)
    assert (tmp_path / "enqueue-many.svg").stat().st_size < 50_000


def test_what_cannot_be_installed_is_left_out_and_named(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[str]:
        raise install.PeersMissing("no network")

    monkeypatch.setattr(install, "python", fail)
    report = run(server, tmp_path, ["clients"], PEERS)

    assert report.left_out == dict.fromkeys(PEERS, "no network")
    assert report.measures[0].rows == []
    assert "no network" in (tmp_path / "latest.md").read_text()
