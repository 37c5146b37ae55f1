"""`forge workers`, `forge types` and `forge settings`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge
from tests.database import Database

REGISTER = "select forge.register_worker('w', array['default'], liveness => false)"


def test_workers_are_listed_and_drained(forge: Forge, db: Database) -> None:
    db.rows(REGISTER)
    assert [row["worker"] for row in forge("workers", "--json").json] == ["w"]
    assert "w " in forge("workers").out

    assert forge("workers", "drain", "w", "--json").json["draining_at"] is not None
    db.rows("select forge.enqueue('t')")
    assert db.rows("select id from forge.dequeue(worker => 'w')") == []

    assert forge("workers", "resume", "w", "--json").json["draining_at"] is None
    assert len(db.rows("select id from forge.dequeue(worker => 'w')")) == 1


def test_a_worker_is_shown_with_its_jobs(forge: Forge, db: Database) -> None:
    db.rows(REGISTER)
    id = db.value("select forge.enqueue('t')")
    db.rows("select forge.dequeue(worker => 'w')")

    shown = forge("workers", "show", "w", "--json").json

    assert [job["id"] for job in shown["jobs"]] == [id]
    assert str(id) in forge("workers", "show", "w").out


def test_drain_waits_for_a_worker_without_jobs_no_longer_than_a_look(
    forge: Forge, db: Database
) -> None:
    db.rows(REGISTER)
    assert forge("workers", "drain", "w", "--wait").code == 0


@pytest.mark.parametrize("command", ["show", "drain", "resume"])
def test_a_worker_that_nobody_knows_is_said_so(forge: Forge, command: str) -> None:
    result = forge("workers", command, "nobody")
    assert (result.code, result.out) == (1, "")
    assert "nobody" in result.err


def test_types_are_listed_and_set(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('email')")
    row = forge("types", "set", "email", "--max-retries", 3, "--timeout", 90, "--json").json
    assert (row["max_retries"], row["timeout"]) == (3, "PT90S")

    (listed,) = forge("types", "--json").json
    assert (listed["type"], listed["queue"], listed["max_retries"]) == ("email", "default", 3)
    assert "email" in forge("types").out
    assert forge("types", "list", "--after", "email", "--json").json == []

    row = forge("types", "set", "email", "--unset", "timeout", "--json").json
    assert (row["max_retries"], row["timeout"]) == (3, None)
    assert "email" in forge("types", "set", "email").out


def test_settings_are_shown_and_set(forge: Forge) -> None:
    assert "history_retention" in forge("settings").out
    args = ("--history-days", 30, "--dead-days", 90, "--log-days", 3, "--log-lines", 50)
    row = forge("settings", *args, "--json").json
    assert (row["history_retention"], row["dead_retention"]) == ("P30D", "P90D")
    assert (row["log_retention"], row["log_lines"]) == ("P3D", 50)
    assert forge("settings", "--dead-for-ever", "--json").json["dead_retention"] is None


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--history-days", 0), 1),
        (("--dead-days", -1), 1),
        (("--log-lines", -1), 1),
        (("--history-days", 10**12), 2),
        (("--dead-days", 1, "--dead-for-ever"), 2),
    ],
)
def test_settings_out_of_range_change_nothing(
    forge: Forge, args: tuple[object, ...], code: int
) -> None:
    before = forge("settings", "--json").json
    assert forge("settings", *args).code == code
    assert forge("settings", "--json").json == before
