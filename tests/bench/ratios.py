"""One case held against others, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.measure import Against, Case, Sample
from tests.bench.result import Ratio

Samples = Mapping[tuple[str, str], Sequence[Sample]]


def ratios(case: Case, figure: str, samples: Samples) -> list[Ratio]:
    """One for each that the case is held against, unless all of those were left out."""
    found = [_ratio(case, against, figure, samples) for against in case.against]
    return [ratio for ratio in found if ratio is not None]


def _ratio(case: Case, against: Against, figure: str, samples: Samples) -> Ratio | None:
    others = {
        subject: samples[subject, against.case]
        for subject in against.subjects
        if (subject, against.case) in samples
    }
    if not others:
        return None
    lower_is_better = against.goal is not None and against.goal.at_most
    best = min if lower_is_better else max
    subjects, rounds = [], []
    for number, mine in enumerate(samples[case.subject, case.name]):
        figures = {name: theirs[number].figures[figure] for name, theirs in others.items()}
        subject = best(figures, key=figures.__getitem__)
        subjects.append(subject)
        rounds.append(mine.figures[figure] / figures[subject])
    return Ratio(subjects=subjects, case=against.case, rounds=rounds, goal=against.goal)
