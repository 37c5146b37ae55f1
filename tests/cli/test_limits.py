"""`forge queues limits`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge


def test_limits_are_set_and_shown(forge: Forge) -> None:
    (row,) = forge(
        *("queues", "limits", "mail", "--max-running", 3, "--rate", 10, "--per", 60),
        *("--key-max-running", 1, "--key-rate", 2, "--key-fifo", "--json"),
    ).json

    assert (row["max_running"], row["rate"], row["per"]) == (3, 10, "PT60S")
    assert (row["key_max_running"], row["key_rate"], row["key_fifo"]) == (1, 2, True)
    shown = forge("queues", "limits").out
    assert all(text in shown for text in ("mail", "0 of 3", "10 in 60 s", "2 in 1 s", "one by one"))


def test_a_limit_is_taken_away(forge: Forge) -> None:
    forge("queues", "limits", "mail", "--max-running", 3, "--key-fifo")

    (row,) = forge(
        "queues", "limits", "mail", "--unset", "max_running", "--no-key-fifo", "--json"
    ).json

    assert (row["max_running"], row["key_fifo"]) == (None, False)
    assert forge("queues", "limits", "--json").json == []


def test_a_limit_needs_a_queue(forge: Forge) -> None:
    assert forge("queues", "limits", "--max-running", 3).code == 2


@pytest.mark.parametrize("args", [("--max-running", 0), ("--per", 5), ("--unset", "nonsense")])
def test_limits_that_cannot_be_are_refused(forge: Forge, args: tuple[object, ...]) -> None:
    result = forge("queues", "limits", "mail", *args)

    assert (result.code, "[JQ001]" in result.err) == (1, True), result.err
