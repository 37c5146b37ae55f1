"""Keeps what was found: latest.json, with its table and plots made anew from it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.bench.catalogue import GOALS, MEASURES
from tests.bench.markdown import render
from tests.bench.plots import draw
from tests.bench.result import Found, Report

NAME = "latest"


def load(out: Path) -> Report | None:
    """What is there from earlier runs."""
    file = out / f"{NAME}.json"
    return msgspec.json.decode(file.read_bytes(), type=Report) if file.exists() else None


def save(report: Report, out: Path) -> None:
    """The numbers."""
    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (out / f"{NAME}.json").write_bytes(text + b"\n")


def publish(report: Report, out: Path) -> None:
    """The plots, and the page that a person reads."""
    plots = draw(report, out)
    (out / f"{NAME}.md").write_text(render(report, GOALS, plots), encoding="utf-8")


def merged(old: Report | None, new: Report) -> Report:
    """A run of some measures takes the place of the same ones, and leaves the others."""
    if old is None:
        return new
    kept: dict[str, Found] = {found.key: found for found in old.measures}
    kept |= {found.key: found for found in new.measures}
    return msgspec.structs.replace(
        new,
        # A run of Forge alone has nothing to say about the versions of its peers.
        versions=old.versions | new.versions,
        configurations=old.configurations | new.configurations,
        left_out={
            name: why
            for name, why in (old.left_out | new.left_out).items()
            if name not in new.configurations
        },
        measures=[kept[key] for key in MEASURES if key in kept],
    )
