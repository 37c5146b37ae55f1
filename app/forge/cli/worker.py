"""`forge worker`: run jobs. `forge tick`: do the maintenance that is due, once."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forge.cli.show import Seconds, with_forge

if TYPE_CHECKING:
    from forge.client import Forge
    from forge.models import TickResult


def parse_queues(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    """`NAME` or `NAME=N`, as often as wanted, as a mapping."""
    from forge.worker.options import DEFAULT_CONCURRENCY

    queues: dict[str, int] = {}
    for value in values:
        queue, mark, size = value.rpartition("=")
        if not mark:
            queue, size = value, str(DEFAULT_CONCURRENCY)
        if not (queue and size.isdigit() and int(size) > 0):
            raise click.BadParameter(f"{value!r} is neither NAME nor NAME=CONCURRENCY")
        queues[queue] = int(size)
    return queues


def load_app(target: str) -> Forge:
    """The `Forge` that `module:attribute` names; the current directory is searched first."""
    from forge.client import Forge

    module, _, attribute = target.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        app = getattr(importlib.import_module(module), attribute or "forge")
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there; what it imports is not
        raise click.BadParameter(f"there is no module {module!r} here or on the path") from None
    except AttributeError as error:
        raise click.BadParameter(str(error)) from None
    if not isinstance(app, Forge):
        raise click.BadParameter(f"{target} is not a Forge but a {type(app).__name__}")
    return app


@click.command()
@click.argument("app", metavar="[MODULE:FORGE]", required=False)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    callback=parse_queues,
    metavar="NAME[=N]",
    help="A queue to pull from and how many of its jobs run at once (5). Repeatable. "
    "Default: the queues that the handlers name.",
)
@click.option("--builtin", is_flag=True, help="Also run email, webhook and report jobs.")
@click.option(
    "--sql/--no-sql",
    default=None,
    help="Run jobs whose handler is an SQL function: with --sql also without a MODULE. "
    "Default: beside the others.",
)
@click.option(
    "--poll-interval",
    default=1.0,
    show_default=True,
    help="Seconds between polls; while it listens, 30 times as many.",
)
@click.option(
    "--lease", default=60.0, show_default=True, help="Seconds a claim lasts without a heartbeat."
)
@click.option(
    "--grace", default=30.0, show_default=True, help="Seconds that running jobs get at the end."
)
@click.option(
    "--unwind",
    default=5.0,
    show_default=True,
    help="Seconds that a handler gets to stop after a cancellation or a lost lease; then its "
    "process is killed, or its thread is left behind and its slot goes on. After a timeout: 2. "
    "A worker whose event loop a handler blocks for three times as long ends, with status 1.",
)
@click.option(
    "--max-abandoned",
    default=10,
    show_default=True,
    help="How many handlers may be left behind that do not stop; then the worker ends, with "
    "status 1, to be started again.",
)
@click.option("--prefetch", default=500, show_default=True, help="Most jobs claimed ahead a queue.")
@click.option(
    "--listen/--no-listen",
    default=True,
    help="Poll only, as it does anyway behind a transaction pooler without FORGE_LISTEN_URL.",
)
@click.option("--drain", is_flag=True, help="End when no job is due.")
@click.option("--name", help="A name of its own.  [default: host, process id and a random part]")
def worker(
    app: str | None,
    queues: dict[str, int],
    builtin: bool,
    name: str | None,
    **options: Any,
) -> int:
    """Run jobs with the handlers of a Forge in your code, such as myapp:forge.

    SIGTERM and SIGINT: claim no more, let running jobs finish for --grace seconds, give the rest
    back. A second signal: give everything back at once; exit status 128 + the signal.
    """
    if app is None and not builtin and not options["sql"]:
        raise click.UsageError("name a Forge, such as myapp:forge, or pass --builtin or --sql")
    from forge.client import Forge

    forge = Forge() if app is None else load_app(app)
    logging.basicConfig(
        level=forge.settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    if builtin:
        from forge.handlers import builtin as handlers

        for type, function in handlers(forge.dsn).items():
            if type not in forge.registry:
                forge.registry.register(type, function)
    if name is not None:
        options["name"] = name
    return _run(forge, queues or None, options)


def _run(forge: Forge, queues: dict[str, int] | None, options: dict[str, Any]) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_work(forge, queues, options))


def _loop_factory() -> Any:
    """uvloop where it is installed."""
    try:
        return importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None


async def _work(forge: Forge, queues: dict[str, int] | None, options: dict[str, Any]) -> int:
    from forge.cli import EXIT_FAILED, print_error
    from forge.worker.abandoned import WorkerWornOut
    from forge.worker.signals import Signals

    worker = forge.worker(queues, **options)
    signals = Signals(worker.heart, options["grace"])
    status = 0
    with signals.installed():
        try:
            await worker.run(signals.stop, signals.hurry)
        except WorkerWornOut as error:
            print_error(error)
            status = EXIT_FAILED
        await forge.close()
        status = signals.status or status
        _leave_behind(status)
    return status


def _leave_behind(status: int) -> None:
    """Ends the process here where a handler that does not stop would keep it alive."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    threads = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if tasks or threads:
        logging.shutdown()
        os._exit(status)


@click.command()
@click.option("--every", type=Seconds(0.1, 3600), help="Go on, every so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def tick(every: float | None, as_json: bool) -> None:
    """Do the maintenance that is due: lost leases, dead workers, retention, statistics.

    Workers do it all the time; this is for a database without one.
    """
    from forge.cli import print_error
    from forge.errors import DatabaseUnavailable, TryAgain

    async def work(forge: Forge) -> None:
        _print_tick(await forge.tick(), as_json=as_json)
        while every is not None:
            await asyncio.sleep(every)
            try:
                _print_tick(await forge.tick(), as_json=as_json)
            except (DatabaseUnavailable, TryAgain) as error:
                print_error(error)  # it is there again for one of the next

    with_forge(work)


def _print_tick(results: list[TickResult], *, as_json: bool) -> None:
    done = {result.task: result.count for result in results}
    if as_json:
        click.echo(json.dumps(done))
    for task, count in done.items() if not as_json else ():
        click.echo(f"{task:20} {count}")
