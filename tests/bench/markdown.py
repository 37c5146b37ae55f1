"""The report as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.result import Found, Goal, Ratio, Report, Row
from tests.bench.summary import summary
from tests.bench.wording import judged, line, number

HEAD = """\
# What was measured
Written by `make bench`; [NOTES.md](../NOTES.md) says how and why. A figure is the median of its
rounds, with the least and the most behind it. A ratio is the median of the rounds' own ratios, as
neighbours in time share their disturbances. The goals are what Forge sets itself.
"""


def render(report: Report, goals: Sequence[Goal], plots: Mapping[str, str]) -> str:
    """`goals` has all that there are, `plots` the file of each measure that was drawn."""
    parts = [HEAD, summary(report.measures, goals)]
    parts += [_facts("Machine", report.machine), _facts("Versions", report.versions)]
    parts += [_facts("Server", report.settings), _facts("Configurations", report.configurations)]
    if report.left_out:
        parts.append(_facts("**Left out**", report.left_out))
    parts += [_measure(found, plots.get(found.key)) for found in report.measures]
    return "\n".join(parts)


def _facts(title: str, facts: Mapping[str, str]) -> str:
    told = " · ".join(f"{name} {value}" for name, value in facts.items() if value)
    return f"{title}: {told}\n"


def _measure(found: Found, plot: str | None) -> str:
    taken = found.taken
    load = f"load {taken.load[0]} before, {taken.load[1]} after"
    scale = f" at {taken.scale:g} of the full size" if taken.scale != 1 else ""
    lines = [
        f"## {found.title}",
        found.about,
        "",
        f"`{taken.command}`: {taken.rounds} round{'s' * (taken.rounds > 1)}, {taken.seconds:g} s "
        f"each{scale}; {taken.at}, commit {taken.commit}, {load}.",
        "",
        *_table(found.rows),
        "",
    ]
    if plot is not None:
        lines += [f"![{found.title}]({plot})", ""]
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    """With the columns of ratios and goals only where there are any."""
    heads = ["", "", "figure", "median", "least – most"]
    judged = any(row.ratios or row.goal for row in rows)
    if judged:
        heads += ["ratio", "to", "goal"]
    lines = [line(heads), "|" + "---|" * len(heads)]
    for row in rows:
        cells = [row.subject, row.case, row.figure, f"**{number(row.median)}**", _spread(row)]
        first, *more = (_judged(row) or [["", "", ""]]) if judged else [[]]
        lines.append(line([*cells, *first]))
        lines += [line([""] * len(cells) + further) for further in more]
    return lines


def _spread(row: Row) -> str:
    least, most = min(row.samples), max(row.samples)
    return f"{number(least)} – {number(most)}" if len(row.samples) > 1 else ""


def _judged(row: Row) -> list[list[str]]:
    """The goal of the figure itself, and each of its ratios with its goal."""
    own = [["", "", judged(row.goal, row.median)]] if row.goal else []
    return own + [_ratio(row, ratio) for ratio in row.ratios]


def _ratio(row: Row, ratio: Ratio) -> list[str]:
    others = " or ".join(dict.fromkeys(ratio.subjects))
    other = [others if others != row.subject else "", ratio.case if ratio.case != row.case else ""]
    goal = judged(ratio.goal, ratio.median) if ratio.goal else ""
    return [f"{ratio.median:.2f}", ": ".join(word for word in other if word), goal]
