"""`forge queues`: list, pause, resume, set, drop."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge
from tests.database import Database


def test_without_a_command_it_lists(forge: Forge) -> None:
    forge("queues", "pause", "mail")

    assert "mail" in forge("queues").out
    assert [row["queue"] for row in forge("queues", "--json").json] == ["mail"]
    assert forge("queues", "list", "--json").json == forge("queues", "--json").json


def test_pause_and_resume(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('email')")

    assert forge("queues", "pause", "default").code == 0
    assert db.rows("select * from forge.dequeue()") == []
    assert forge("queues", "resume", "default", "--json").json["paused_at"] is None
    assert len(db.rows("select * from forge.dequeue()")) == 1


def test_set_and_unset(forge: Forge) -> None:
    policy = ("--retry-base", 2.5, "--retry-factor", 3, "--retry-cap", 60, "--retry-jitter", 0)
    row = forge("queues", "set", "q", *policy, "--max-retries", 4, "--no-history", "--json").json

    assert (row["retry_base"], row["retry_factor"], row["retry_cap"]) == ("PT2.5S", 3.0, "PT60S")
    assert (row["retry_jitter"], row["max_retries"], row["keep_history"]) == (0.0, 4, False)

    row = forge("queues", "set", "q", "--unset", "retry_cap", "--keep-history", "--json").json

    assert (row["retry_cap"], row["retry_factor"], row["keep_history"]) == (None, 3.0, True)


@pytest.mark.parametrize(
    "args",
    [
        ("--retry-jitter", "2"),
        ("--retry-factor", "0"),
        ("--retry-factor", "nan"),
        ("--retry-base", "-1"),
        ("--max-retries", "100001"),
        ("--unset", "nonsense"),
    ],
)
def test_settings_out_of_range_change_nothing(
    forge: Forge, db: Database, args: tuple[str, ...]
) -> None:
    result = forge("queues", "set", "q", *args)

    assert (result.code, result.out, "[JQ001]" in result.err) == (1, "", True), result.err
    assert db.value("select count(*) from forge.queues") == 0


@pytest.mark.parametrize("command", ["pause", "resume", "set"])
@pytest.mark.parametrize("queue", ["q" * 500, "", "q\n"])
def test_names_that_no_queue_has(forge: Forge, command: str, queue: str) -> None:
    result = forge("queues", command, queue)

    assert (result.code, "[JQ001]" in result.err) == (1, True), result.err


def test_drop_asks_first(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => 'old') from generate_series(1, 3)")

    assert forge("queues", "drop", "old").code == 130  # nobody answers
    assert db.value("select count(*) from forge.jobs") == 3
    assert forge("queues", "drop", "old", "--yes", "--json").json["dropped"]
    assert db.value("select count(*) from forge.jobs") == 0


@pytest.mark.parametrize("args", [("pause",), ("set", "q", "--retry-base", "nan"), ("stop", "q")])
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge("queues", *args).code == 2
