"""Findings for people: what is wrong in red or yellow, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.text import Text

from forge.cli.show import console, plain
from forge.models import Finding


def print_findings(findings: Sequence[Finding]) -> None:
    if not findings:
        click.echo("nothing is wrong")
        return
    out = console()
    for finding in findings:
        color = "red" if finding.severity == "warning" else "yellow"
        out.print(Text(finding.severity, style=color), Text(plain(finding.sentence)))
        out.print(Text(f"  {finding.code}: {plain(finding.hint)}", style="dim"))
