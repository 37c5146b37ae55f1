"""The report as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.result import Found, Ratio, Report, Row

HEAD = """\
# What was measured
Written by `make bench`; [NOTES.md](../NOTES.md) says how and why. A figure is the median of its
rounds, with the least and the most behind it. A ratio is the median of the rounds' own ratios, as
neighbours in time share their disturbances; its goal is what Forge sets itself.
"""


def render(report: Report, plots: Mapping[str, str]) -> str:
    """`plots` has the file of each measure that was drawn."""
    parts = [HEAD, _facts("Machine", report.machine), _facts("Versions", report.versions)]
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
    """With the columns of ratios only where there are any."""
    heads = ["", "", "figure", "median", "least – most"]
    compared = any(row.ratio for row in rows)
    if compared:
        heads += ["ratio", "to", "goal"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [row.subject, row.case, row.figure, f"**{number(row.median)}**", _spread(row)]
        if compared:
            cells += _ratio(row, row.ratio)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _spread(row: Row) -> str:
    least, most = min(row.samples), max(row.samples)
    return f"{number(least)} – {number(most)}" if len(row.samples) > 1 else ""


def _ratio(row: Row, ratio: Ratio | None) -> list[str]:
    if ratio is None:
        return ["", "", ""]
    other = [ratio.subject if ratio.subject != row.subject else ""]
    other += [ratio.case if ratio.case != row.case else ""]
    goal = ""
    if ratio.goal is not None:
        met = "met" if ratio.met else "missed"
        goal = f"{'≤' if ratio.at_most else '≥'} {ratio.goal:g}: {met}"
    return [f"{ratio.median:.2f}", ": ".join(word for word in other if word), goal]


def number(value: float) -> str:
    """Three digits that mean something, or all of them before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"
