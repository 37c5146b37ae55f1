"""A run as files: the page, its pictures, and the numbers behind them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.soak import plots
from tests.soak.verdicts import MEGABYTE, Sample, Verdict, judge, live, thirds, total_bytes

COLUMNS = (
    *("at", "phase", "per_second", "ended", "made", "ready", "processing", "scheduled", "waiting"),
    *(
        "dead",
        "p50",
        "p90",
        "p99",
        "longest",
        "server_mb",
        "largest_backend_mb",
        "backends",
        "load",
    ),
)
LARGE = tuple(
    f"size of {name}"
    for name in ("everything", "jobs", "jobs_pkey", "job_ready_idx", "history", "dead_jobs")
)
MARKS = {True: "holds", False: "**does not hold**", None: "not judged"}


def write(out: Path, facts: dict[str, Any], samples: Sequence[Sample]) -> list[Verdict]:
    """Everything, in place of what an earlier run left there."""
    out.mkdir(parents=True, exist_ok=True)
    verdicts = judge(facts, samples)
    drawn = plots.draw(samples, out)
    (out / "README.md").write_text(page(facts, samples, verdicts, drawn), encoding="utf-8")
    (out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    _samples(out / "samples.csv", samples)
    _sizes(out / "sizes.csv", samples)
    return verdicts


def page(
    facts: dict[str, Any],
    samples: Sequence[Sample],
    verdicts: Sequence[Verdict],
    drawn: Sequence[str],
) -> str:
    shown, hidden = _worth_showing(verdicts)
    failed = [each for each in verdicts if each.holds is False]
    missed = [sample for sample in samples if "missed" in sample]
    lines = [
        "# The long run",
        "Written by `make soak`; [NOTES.md](../NOTES.md) says what is in it and how it is judged.",
        "",
        f"`{facts['command']}`, {facts['began']}, seed {facts['seed']}, commit {facts['commit']}.",
        f"Measured capacity: {facts.get('capacity', 0):,.0f} jobs a second with all features in"
        f" use; then {facts.get('rate', 0):,.0f} came each second, whatever became of them, and"
        f" those of schedules, operators and flows besides.",
        " · ".join(f"{name} {value}" for name, value in facts.get("machine", {}).items() if value),
        " · ".join(f"{name} {value}" for name, value in facts.get("settings", {}).items() if value),
        "",
        f"**{len(failed)} of {len(verdicts)} verdicts do not hold.**"
        if failed
        else f"{sum(v.holds is True for v in verdicts)} verdicts hold, "
        f"{sum(v.holds is None for v in verdicts)} are not judged.",
        "",
        "| | first third → last third | |",
        "|---|---|---|",
        *(f"| {each.name} | {_cell(each.says)} | {MARKS[each.holds]} |" for each in shown),
        f"| {len(hidden)} more tables and indexes, each by itself | [sizes.csv](sizes.csv) "
        f"| {MARKS[True if any(each.holds for each in hidden) else None]} |",
        "",
        *(f"![{name}]({name})\n" for name in drawn),
        "## What took part",
        ", ".join(f"{name} {times:,}" for name, times in sorted(facts.get("seen", {}).items())),
        "",
        "## What went wrong",
        *([f"- {_cell(each)}" for each in facts.get("surprises", [])]),
        *(f"- {_cell(each)}" for each in [t for s in samples for t in s.get("troubles", [])][:20]),
        *(f"- no look at {s['at']:.0f} s: {_cell(json.dumps(s['missed']))}" for s in missed[:20]),
        "",
        f"{len(missed)} of {len(samples)} samples lack a part.",
    ]
    return "\n".join(lines) + "\n"


def summary(facts: dict[str, Any], verdicts: Sequence[Verdict]) -> str:
    """For the terminal."""
    shown, hidden = _worth_showing(verdicts)
    lines = [f"{MARKS[each.holds].strip('*'):14} {each.name}: {each.says}" for each in shown]
    lines += [f"{len(hidden)} more tables and indexes: none fails", f"again: {facts['again']}"]
    return "\n".join(lines)


def _worth_showing(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """And the others: the sizes of single tables, unless one fails or belongs to a large one."""

    def hidden(each: Verdict) -> bool:
        return (
            each.name.startswith("size of ") and each.holds is not False and each.name not in LARGE
        )

    return [each for each in verdicts if not hidden(each)], [v for v in verdicts if hidden(v)]


def progress(sample: Sample) -> str:
    """One line of how it is going."""
    total, jobs = total_bytes(sample), live(sample)
    parts = [
        f"{sample['phase']:9}",
        f"{sample.get('per_second', 0):,.0f} jobs/s",
        f"p50 {sample.get('p50')} p99 {sample.get('p99')} ms",
        f"{jobs} live, {sample.get('dead')} dead",
        f"{total:.0f} MB" if total is not None else "",
        f"load {sample.get('load', 0):.1f}",
        f"missed {', '.join(sample['missed'])}" if "missed" in sample else "",
    ]
    return "  ".join(part for part in parts if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _samples(path: Path, samples: Sequence[Sample]) -> None:
    processes = sorted({name for sample in samples for name in sample.get("memory_mb", ())})
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*COLUMNS, "live", "megabytes", *(f"{name}_mb" for name in processes)])
        for sample in samples:
            total = total_bytes(sample)
            memory = sample.get("memory_mb", {})
            table.writerow(
                [
                    *(sample.get(name) for name in COLUMNS),
                    live(sample),
                    None if total is None else round(total, 2),
                    *(memory.get(name) for name in processes),
                ]
            )


def _sizes(path: Path, samples: Sequence[Sample]) -> None:
    """Of each table and index: medians of the thirds, most of all, and dead rows at the most."""
    relations = sorted({name for sample in samples for name in sample.get("bytes", ())})
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["relation", "first_third", "last_third", "most", "most_dead_rows"])
        for name in relations:

            def size(sample: Sample, name: str = name) -> float | None:
                found = sample.get("bytes", {}).get(name)
                return None if found is None else found / MEGABYTE

            first, last = thirds(samples, size) or (0.0, 0.0)
            most = max(found for s in samples if (found := size(s)) is not None)
            dead = max(s.get("dead_rows", {}).get(name, 0) for s in samples)
            table.writerow([name, f"{first:.3f}", f"{last:.3f}", f"{most:.3f}", dead])
