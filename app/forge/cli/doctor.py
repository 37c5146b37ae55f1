"""`forge doctor`: what is wrong, and what to do."""

from __future__ import annotations

import click
import psycopg

from forge.cli import EXIT_FAILED
from forge.cli.findings import print_findings
from forge.cli.show import json_option, print_json, with_forge
from forge.drift import differences
from forge.embedded import resolve_dsn
from forge.errors import InvalidArgument, NotInstalled
from forge.models import Finding
from forge.settings import Settings, unknown_variables

NAMED = 5  # differences that are named one by one


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Look for what is wrong: with the queues, the server, the installation and the settings.

    Exit status 1 where a finding is a warning.
    """
    dsn = resolve_dsn(Settings.from_env())
    findings = [*_installation(dsn), *_environment()]
    try:
        findings += with_forge(lambda forge: forge.doctor())
    except (InvalidArgument, NotInstalled):
        # An older release has no forge.doctor; then a finding says so already.
        if not findings:
            raise
    if as_json:
        print_json(findings)
    else:
        print_findings(findings)
    return EXIT_FAILED if any(finding.severity == "warning" for finding in findings) else 0


def _installation(dsn: str) -> list[Finding]:
    try:
        names = differences(dsn)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.LockNotAvailable) as error:
        return [
            Finding(
                code="installation_unchecked",
                severity="info",
                sentence=f"the installation was not compared: {error.diag.message_primary}",
                hint="look as the owner of the schema forge, and not while it is being migrated",
            )
        ]
    if not names:
        return []
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if names[NAMED:] else "")
    return [
        Finding(
            code="installation_differs",
            severity="warning",
            sentence=f"the database does not hold what this release's files say: {shown}",
            hint="run `forge migrate`",
        )
    ]


def _environment() -> list[Finding]:
    return [
        Finding(
            code="unknown_variable",
            severity="warning",
            sentence=f"nothing reads the variable {name}",
            hint="mistyped? `forge --help` says where settings come from",
        )
        for name in unknown_variables()
    ]
