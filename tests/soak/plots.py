"""Pictures of a run. Without matplotlib there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.plots import LINES, MOST_POINTS, ROOM, SIZE
from tests.soak.verdicts import MEGABYTE, Sample, dead_rows, live, nested, plain, total_bytes

Curves = dict[str, Callable[[Sample], Any]]


def curves(samples: Sequence[Sample]) -> dict[str, tuple[str, str, Curves]]:
    """By the file's name: title, unit, lines."""
    processes = sorted({name for sample in samples for name in sample.get("memory_mb", ())})
    return {
        "throughput": ("Jobs that ended", "jobs/s", {"all queues": plain("per_second")}),
        "latency": (
            "From due to handler",
            "ms",
            {"p50": plain("p50"), "p90": plain("p90"), "p99": plain("p99")},
        ),
        "live": ("Live jobs and dead rows", "", {"live jobs": live, "dead rows": dead_rows}),
        "sizes": (
            "Tables with their indexes",
            "MB",
            {
                "everything": total_bytes,
                "live jobs": _of("jobs", "job_ready", "job_processing", "job_unique", "job_aside"),
                "history, kept for minutes": _of("history"),
                "logs, kept for minutes": _of("job_log"),
            },
        ),
        "memory": (
            "Memory",
            "MB",
            {
                **{name: nested("memory_mb", name) for name in processes},
                "the server's processes": plain("server_mb"),
            },
        ),
    }


def _of(*begins: str) -> Callable[[Sample], Any]:
    """A table with its indexes, by how their names begin."""

    def read(sample: Sample) -> Any:
        sizes = sample.get("bytes")
        if sizes is None:
            return None
        return sum(size for name, size in sizes.items() if name.startswith(begins)) / MEGABYTE

    return read


def draw(samples: Sequence[Sample], out: Path) -> list[str]:
    """The files that were drawn."""
    try:
        import matplotlib as mpl
    except ImportError:
        return []
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "forge", "font.size": 9})
    from matplotlib import pyplot

    steady = next((s["at"] for s in samples if s["phase"] == "steady"), None)
    drawn = []
    for name, (title, unit, lines) in curves(samples).items():
        figure, axes = pyplot.subplots(figsize=SIZE, layout="constrained")
        for (label, read), colour in zip(
            lines.items(), (*LINES, "#0891b2", "#9aa0a6"), strict=False
        ):
            points = [(s["at"] / 60, read(s)) for s in samples[:: -(-len(samples) // MOST_POINTS)]]
            there = [(at, value) for at, value in points if value is not None]
            if there:
                axes.plot(*zip(*there, strict=True), color=colour, linewidth=1.2, label=label)
        if steady is not None:
            axes.axvline(steady / 60, color="#9aa0a6", linewidth=0.8, linestyle="--")
        axes.set_ylim(0, axes.get_ylim()[1] * ROOM)
        axes.set_xlabel("minutes; steady from the dashed line on")
        axes.set_ylabel(unit)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(title, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
        axes.legend(frameon=False, fontsize=8)
        figure.savefig(out / f"{name}.svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
        drawn.append(f"{name}.svg")
    return drawn
