"""`python -m tests.bench`: measure, and keep what was found."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

import click

from tests.bench.catalogue import MEASURES
from tests.bench.options import RESULTS, Options
from tests.bench.session import measure
from tests.bench.subjects import SUBJECTS


def some_of(known: Iterable[str]) -> Callable[..., tuple[str, ...]]:
    """Some of the names there are, with commas between them."""

    def parse(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
        names = tuple(name for name in value.split(",") if name)
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


@click.command(context_settings={"show_default": True})
@click.option("--only", callback=some_of(MEASURES), default="", help=f"Of {', '.join(MEASURES)}.")
@click.option(
    "--subjects", callback=some_of(SUBJECTS), default="", help=f"Of {', '.join(SUBJECTS)}."
)
@click.option("--rounds", type=click.IntRange(1, 99), default=3, help="Of which the median counts.")
@click.option("--seconds", type=click.FloatRange(0.01, 600), default=5.0, help="For one figure.")
@click.option(
    "--scale",
    type=click.FloatRange(0.0001, 10),
    default=1.0,
    help="Shortens all times and numbers of jobs; figures of a small one mean nothing.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=RESULTS,
    help="Where latest.json, latest.md and the plots go.",
)
@click.option(
    "--dsn", envvar="FORGE_BENCH_DSN", help="A server; without one the bench starts its own."
)
def main(
    only: tuple[str, ...],
    subjects: tuple[str, ...],
    rounds: int,
    seconds: float,
    scale: float,
    out: Path,
    dsn: str | None,
) -> None:
    """Measure Forge, bare SQL and other queues side by side.

    A run of some measures replaces the same ones in --out and leaves the others there.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    options = Options(
        subjects=subjects,
        rounds=rounds,
        seconds=seconds,
        scale=scale,
        out=out,
        dsn=dsn,
    )
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", file=sys.stderr, flush=True)

    wanted = [MEASURES[key] for key in only or MEASURES]
    measure(wanted, options, " ".join(["python -m tests.bench", *sys.argv[1:]]), tell)
    print((out / "latest.md").read_text(encoding="utf-8"))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
