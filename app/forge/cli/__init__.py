"""The command line: one lazy table of commands, and one place where errors become exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from forge.errors import ForgeError

# Each command's module is imported only when it runs, so that `forge --help` is quick.
COMMANDS = {
    "up": "forge.cli.up:up",
    "migrate": "forge.cli.migrate:migrate",
    "sql": "forge.cli.sql:sql",
    "api": "forge.cli.api:api",
    "worker": "forge.cli.worker:worker",
    "tick": "forge.cli.worker:tick",
    "enqueue": "forge.cli.enqueue:enqueue",
    "jobs": "forge.cli.jobs:jobs",
    "job": "forge.cli.jobs:job",
    "explain": "forge.cli.jobs:explain",
    "log": "forge.cli.log:log",
    "parents": "forge.cli.flows:parents",
    "children": "forge.cli.flows:children",
    "conditions": "forge.cli.flows:conditions",
    "dlq": "forge.cli.dlq:dlq",
    "edit": "forge.cli.edit:edit",
    "cancel": "forge.cli.edit:cancel",
    "retry": "forge.cli.edit:retry",
    "queues": "forge.cli.queues:queues",
    "workers": "forge.cli.workers:workers",
    "types": "forge.cli.types:types",
    "settings": "forge.cli.common:settings",
    "schedules": "forge.cli.schedules:schedules",
    "retry-rules": "forge.cli.retry_rules:retry_rules",
    "admission": "forge.cli.admission:admission",
    "schema": "forge.cli.admission:schema",
    "run": "forge.cli.in_sql:run",
    "sql-handlers": "forge.cli.in_sql:sql_handlers",
    "changes": "forge.cli.in_sql:changes",
    "token": "forge.cli.tokens:token",
    "stats": "forge.cli.stats:stats",
    "warnings": "forge.cli.warnings:warnings",
    "metrics": "forge.cli.metrics:metrics",
    "top": "forge.cli.stats:top",
    "bench": "forge.cli.bench:bench",
    "doctor": "forge.cli.doctor:doctor",
    "index-payloads": "forge.cli.index:index_payloads",
}

# What `forge --help` shows, as reading it from the commands would import all of them.
SUMMARIES = {
    "up": "Start PostgreSQL, the API, the dashboard and a worker.",
    "migrate": "Bring the database to this release, or roll back.",
    "sql": "Print the installation as one file for psql.",
    "api": "Serve the HTTP API and the dashboard.",
    "worker": "Run jobs.",
    "tick": "Do the maintenance that is due, once.",
    "enqueue": "Add a job, or many from a file.",
    "jobs": "List jobs.",
    "job": "Show, cancel, retry or discard one job.",
    "explain": "Say why a job does not run.",
    "log": "Show or follow what a job says.",
    "parents": "List the jobs that a job depends on.",
    "children": "List the jobs that depend on a job.",
    "conditions": "List what jobs wait for in SQL.",
    "dlq": "List, retry and discard dead jobs.",
    "edit": "Change a live job, or many by a filter.",
    "cancel": "Cancel live jobs by a filter.",
    "retry": "Run jobs now instead of later, or again, by a filter.",
    "queues": "List, pause, resume, set, limit and drop queues.",
    "workers": "List workers, show one, have it claim no more.",
    "types": "List types and change how their jobs retry.",
    "settings": "Show and set what holds for all queues and types.",
    "schedules": "List, set, remove, pause, resume and run schedules.",
    "retry-rules": "List and set what becomes of failures by the class of their error.",
    "admission": "List and set how many jobs a queue takes in.",
    "schema": "List and set what payloads of a type must keep to.",
    "run": "Run jobs whose handler is an SQL function, once.",
    "sql-handlers": "List, register and unregister SQL functions that run jobs.",
    "changes": "List, begin and end jobs made of changed rows.",
    "token": "Create, list and revoke tokens of the HTTP API.",
    "stats": "Show numbers of each queue.",
    "warnings": "Say what an operator should read now.",
    "metrics": "Print the numbers for Prometheus.",
    "top": "Watch the queues live.",
    "bench": "Measure this database.",
    "doctor": "Look for what is wrong.",
    "index-payloads": "Index payloads, so that rare ones are found at once.",
}

EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE = 1, 2, 3

EPILOG = """\b
Exit codes:
  0  done
  1  refused or failed; the message says what to do
  2  wrong usage of the command line, or of a setting
  3  the database cannot be reached
Settings come from the environment: DATABASE_URL, PORT, FORGE_*."""


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"forge {version('forge')}")
        ctx.exit()


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
def cli() -> None:
    """Forge: a PostgreSQL job queue whose logic is SQL."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and turn what goes wrong into a message and an exit code."""
    try:
        result: Any = cli.main(args=args, prog_name="forge", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)  # what a shell gives to a program that an interrupt ended
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; nor shall Python complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except Exception as error:
        sys.exit(_explain(error))
    sys.exit(result if isinstance(result, int) else 0)


def _explain(error: Exception) -> int:
    """Say on stderr what went wrong and what to do; an error of no known kind is a bug."""
    import psycopg

    from forge.errors import DatabaseUnavailable, ForgeError, SettingsError, translate

    if isinstance(error, psycopg.Error):
        error = translate(error)
    if isinstance(error, psycopg.Error):
        # Of no code of ours: a right that is missing, a disk that is full. PostgreSQL says it best.
        click.echo(f"error: {error.diag.message_primary or error} [{error.sqlstate}]", err=True)
        return EXIT_FAILED
    if not isinstance(error, ForgeError):
        raise error
    print_error(error)
    if isinstance(error, DatabaseUnavailable):
        return EXIT_UNREACHABLE
    return EXIT_USAGE if isinstance(error, SettingsError) else EXIT_FAILED


def print_error(error: ForgeError) -> None:
    """An error for people, on stderr: what is wrong, the values, what to do."""
    click.echo(f"error: {error.message} [{error.code}]", err=True)
    for label, text in (("detail", error.detail), ("hint", error.hint)):
        if text:
            click.echo(f"  {label}: {text}", err=True)
