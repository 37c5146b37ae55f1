"""Runs measures: in every round each case once, so that neighbours share their disturbances."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from tests.bench.machine import commit
from tests.bench.measure import Case, Measure, Sample
from tests.bench.ratios import Samples, ratios
from tests.bench.result import Curve, Found, Row, Taken
from tests.bench.rig import Rig

Tell = Callable[[str], object]


def run(measure: Measure, rig: Rig, present: Sequence[str], command: str, tell: Tell) -> Found:
    """All cases of the subjects that are present, round by round."""
    cases = [case for case in measure.cases if case.subject in present]
    rounds = measure.rounds or rig.options.rounds
    began, load = datetime.now(UTC), os.getloadavg()[0]
    samples: dict[tuple[str, str], list[Sample]] = {(case.subject, case.name): [] for case in cases}
    for number in range(rounds):
        for case in _rotated(cases, number):
            tell(f"{measure.key} · round {number + 1}/{rounds} · {case.subject} · {case.name}")
            samples[case.subject, case.name].append(case.take(rig))
    return Found(
        key=measure.key,
        title=measure.title,
        about=measure.about,
        plot=measure.plot,
        axes=measure.axes,
        rows=[row for case in cases for row in _rows(case, samples)],
        curves=[curve for case in cases for curve in _curves(case, samples)],
        taken=Taken(
            at=began.isoformat(timespec="seconds"),
            commit=commit(),
            command=command,
            rounds=rounds,
            seconds=rig.options.seconds,
            scale=rig.options.scale,
            load=(round(load, 2), round(os.getloadavg()[0], 2)),
        ),
    )


def _rotated(cases: Sequence[Case], number: int) -> list[Case]:
    """Another one begins in every round, as the first one may find the machine in another state."""
    turn = number % len(cases) if cases else 0
    return [*cases[turn:], *cases[:turn]]


def _rows(case: Case, samples: Samples) -> list[Row]:
    mine = samples[case.subject, case.name]
    return [
        Row(
            subject=case.subject,
            case=case.name,
            figure=figure,
            samples=[sample.figures[figure] for sample in mine],
            ratios=ratios(case, figure, samples),
            goal=case.goals.get(figure),
        )
        for figure in mine[0].figures
    ]


def _curves(case: Case, samples: Samples) -> list[Curve]:
    """Those of the first round; one is enough to see a shape."""
    first = samples[case.subject, case.name][0]
    return [
        Curve(subject=case.subject, case=case.name, name=name, points=list(points))
        for name, points in first.curves.items()
    ]
