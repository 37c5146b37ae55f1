"""`forge warnings`: what an operator should read now; the part of the doctor for alarms."""

from __future__ import annotations

import click

from forge.cli import EXIT_FAILED
from forge.cli.findings import print_findings
from forge.cli.show import json_option, print_json, with_forge


@click.command()
@json_option
def warnings(as_json: bool) -> int:
    """Say what an operator should read now.

    Exit status 1 where one of it is a warning and no mere remark.
    """
    found = with_forge(lambda forge: forge.warnings())
    if as_json:
        print_json(found)
    else:
        print_findings(found)
    return EXIT_FAILED if any(one.severity == "warning" for one in found) else 0
