"""What the figures come to: ratios, goals, and the table of the goals."""

from __future__ import annotations

from tests.bench.measure import Against, Case, Sample
from tests.bench.ratios import ratios
from tests.bench.result import Found, Goal, Ratio, Row, Taken
from tests.bench.rig import Rig
from tests.bench.summary import summary

MORE = Goal(title="more than theirs", limit=2.0)
SOONER = Goal(title="sooner than theirs", limit=1.0, at_most=True)
NEVER = Goal(title="never tried", limit=1.0)


def take(rig: Rig) -> Sample:
    raise NotImplementedError


def samples(*figures: float) -> list[Sample]:
    return [Sample({"n": figure}) for figure in figures]


def mine(*subjects: str, goal: Goal) -> Case:
    against = Against(subjects=subjects, case="c", goal=goal)
    return Case(subject="mine", name="c", take=take, against=[against])


def test_a_ratio_is_to_the_best_of_them_in_each_round() -> None:
    taken = {
        ("mine", "c"): samples(20, 30),
        ("slow", "c"): samples(5, 15),
        ("fast", "c"): samples(10, 10),
    }

    (most,) = ratios(mine("slow", "fast", goal=MORE), "n", taken)
    (least,) = ratios(mine("slow", "fast", goal=SOONER), "n", taken)

    assert (most.subjects, most.rounds) == (["fast", "slow"], [2.0, 2.0])
    assert (least.subjects, least.rounds) == (["slow", "fast"], [4.0, 3.0])


def test_who_was_left_out_is_not_compared() -> None:
    taken = {("mine", "c"): samples(20), ("slow", "c"): samples(5)}

    (ratio,) = ratios(mine("slow", "fast", goal=MORE), "n", taken)

    assert ratio.subjects == ["slow"]
    assert ratios(mine("fast", goal=MORE), "n", taken) == []


def found(*rows: Row, scale: float = 1.0) -> Found:
    taken = Taken(at="", commit="", command="", rounds=1, seconds=1, scale=scale, load=(0, 0))
    return Found(
        key="k",
        title="t",
        about="a",
        plot=False,
        axes=("x", "y"),
        rows=list(rows),
        curves=[],
        taken=taken,
    )


def row(case: str, ratio: float, goal: Goal | None = None) -> Row:
    to = Ratio(subjects=["slow"], case=case, rounds=[ratio], goal=MORE)
    return Row(subject="mine", case=case, figure="n", samples=[0.5], ratios=[to], goal=goal)


def test_the_summary_has_a_line_a_goal_with_all_that_was_reached() -> None:
    lines = summary([found(row("one", 2.5), row("two", 1.5, SOONER))], [MORE, SOONER, NEVER])

    assert lines.splitlines()[2:] == [
        "| more than theirs | ≥ 2 | 2.5 (one) · 1.5 (two) | **met by 1 of 2** |",
        "| sooner than theirs | ≤ 1 | 0.5 | met |",
        "| never tried | ≥ 1 |  | not measured |",
    ]


def test_the_summary_says_of_a_short_run_that_it_was_one() -> None:
    lines = summary([found(row("one", 1.0), scale=0.01)], [MORE])

    assert lines.splitlines()[2] == (
        "| more than theirs | ≥ 2 | 1, at 0.01 of the size | **missed** |"
    )
