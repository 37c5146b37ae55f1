"""Draws what a picture tells sooner than a table. Without matplotlib there are none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.result import Curve, Found, Report, Row
from tests.bench.subjects import SUBJECTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.2, 3.2)
COLOURS = dict(
    zip(
        SUBJECTS,
        ("#9aa0a6", "#c2410c", "#f59e0b", "#2563eb", "#0891b2", "#16a34a", "#9333ea"),
        strict=True,
    )
)
LINES = ("#c2410c", "#2563eb", "#16a34a", "#9333ea")
ROOM = 1.15  # above the highest point, for the legend
MOST_POINTS = 240  # more make the file larger and the picture no clearer


def draw(report: Report, out: Path) -> dict[str, str]:
    """The file of each measure that was drawn."""
    try:
        import matplotlib as mpl
    except ImportError:
        return {}
    mpl.use("svg")
    # Text as text, and the same file for the same figures: small, and quiet in the history.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "forge", "font.size": 9})
    drawn = {}
    for found in report.measures:
        if found.curves or (found.plot and found.rows):
            drawn[found.key] = f"{found.key}.svg"
            _draw(found, out / drawn[found.key])
    return drawn


def _draw(found: Found, file: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=SIZE, layout="constrained")
    if found.curves:
        _curves(axes, found.curves, found.axes)
    else:
        _bars(axes, found.rows)
    for axis in (axes.yaxis, axes.xaxis) if found.curves else (axes.yaxis,):
        axis.set_major_formatter("{x:,.0f}")
    axes.set_title(found.title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _bars(axes: Axes, rows: list[Row]) -> None:
    """A group for each case, in it a bar for each of its subjects, with its least and its most."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row.case, []).append(row.subject)
    width = 0.8 / max(len(group) for group in groups.values())
    cases = list(groups)

    def place(row: Row) -> float:
        group = groups[row.case]
        return cases.index(row.case) + (group.index(row.subject) - (len(group) - 1) / 2) * width

    for subject in dict.fromkeys(row.subject for row in rows):
        mine = [row for row in rows if row.subject == subject]
        at = [place(row) for row in mine]
        ends: Any = [
            [row.median - min(row.samples) for row in mine],
            [max(row.samples) - row.median for row in mine],
        ]
        heights = [row.median for row in mine]
        style: dict[str, Any] = {"color": COLOURS[subject], "label": subject}
        axes.bar(at, heights, width * 0.92, yerr=ends, error_kw={"linewidth": 0.8}, **style)
    axes.set_xticks(range(len(cases)), [case.replace(", ", "\n") for case in cases])
    axes.set_ylabel(rows[0].figure)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8)


def _curves(axes: Axes, curves: list[Curve], labels: tuple[str, str]) -> None:
    for curve, colour in zip(curves, LINES, strict=False):
        step = -(-len(curve.points) // MOST_POINTS)
        points = curve.points[::step]
        across, up = [x for x, _ in points], [y for _, y in points]
        axes.plot(across, up, color=colour, linewidth=1.2, label=curve.case)
    axes.set_ylim(0, axes.get_ylim()[1] * ROOM)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.legend(frameon=False, fontsize=8)
