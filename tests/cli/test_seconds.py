"""Durations on the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge

COMMANDS = [
    ("admission", "q", "--max-depth", 5, "--defer-for"),
    ("edit", 1, "--timeout"),
    ("queues", "set", "q", "--retry-base"),
    ("queues", "limits", "q", "--rate", 1, "--per"),
    ("run", "--time-limit"),
    ("sql-handlers", "register", "t", "f", "--timeout"),
    ("schedules", "set", "n", "@daily", "t", "--timeout"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(map(str, command)))
def test_a_number_of_seconds_that_no_duration_has_is_a_wrong_usage(
    forge: Forge, command: tuple[object, ...]
) -> None:
    result = forge(*command, "1e300")

    assert result.code == 2
    assert str(command[-1]) in result.err
