"""`forge edit`, `forge cancel`, `forge admission`, `forge schema`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge
from tests.database import Database


def made(db: Database, count: int = 1, queue: str = "default") -> list[int]:
    return [db.value("select forge.enqueue('t', queue => %s)", queue) for _ in range(count)]


def test_one_job_is_edited(forge: Forge, db: Database) -> None:
    (job_id,) = made(db)
    changes = ("--priority", 5, "--at", "2040-01-01T00:00:00+0000", "--to-queue", "q")
    more = ("--max-retries", 2, "--timeout", 30, "--payload", '{"n": 1}')
    row = forge("edit", job_id, *changes, *more, "--json").json

    assert (row["priority"], row["queue"], row["payload"]) == (5, "q", {"n": 1})
    assert (row["max_retries"], row["scheduled_at"][:4]) == (2, "2040")
    assert "PENDING" in forge("edit", job_id, "--unset", "max_retries").out


def test_many_are_edited_and_cancelled_by_a_filter(forge: Forge, db: Database) -> None:
    made(db, 3, "a")
    assert forge("edit", "--queue", "a", "--priority", 5, "--dry-run").out == "3 jobs match\n"
    done = forge("edit", "--queue", "a", "--priority", 5, "--merge-payload", '{"n": 1}')
    assert done.out == "3 jobs changed, 0 skipped\n"
    chosen = ("--queue", "a", "--payload-contains", '{"n": 1}')
    assert forge("cancel", *chosen, "--json").json["changed"] == 3
    assert db.value("select count(*) from forge.jobs") == 0


@pytest.mark.parametrize(
    "args",
    [
        ("edit",),
        ("edit", "--priority", "1"),
        ("edit", "1", "--queue", "q"),
        ("edit", "--queue", "q", "--payload", "{}"),
        ("cancel",),
        ("cancel", "--dry-run"),
        ("schema", "t", "{}", "--remove"),
    ],
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge(*args).code == 2


def test_what_is_refused_exits_with_1(forge: Forge) -> None:
    for args in (
        ("edit", 1, "--priority", 1),
        ("edit", 1, "--payload", "{"),
        ("cancel", "--queue", "q", "--payload-contains", "{"),
        ("admission", "q", "--max-depth", 0),
        ("admission", "q"),
        ("schema", "t", "{"),
        ("schema", "t", '{"requird": []}'),
    ):
        assert forge(*args).code == 1, args


def test_admission_is_set_listed_and_removed(forge: Forge) -> None:
    options = ("--max-depth", 5, "--on-full", "defer", "--defer-for", 90)
    (row,) = forge("admission", "q", *options, "--json").json
    assert (row["max_depth"], row["on_full"], row["defer_for"]) == (5, "defer", "PT90S")
    assert "defer" in forge("admission").out
    forge("admission", "q", "--remove")
    assert forge("admission", "--json").json == []


def test_a_schema_is_set_listed_and_removed(forge: Forge) -> None:
    (row,) = forge("schema", "email", '{"required": ["to"]}', "--json").json
    assert row["schema"] == {"required": ["to"]}
    assert forge("schema").out == 'email: {"required":["to"]}\n'
    assert forge("schema", "other", "--json").json == []
    refused = forge("enqueue", "email")
    assert (refused.code, "[JQ014]" in refused.err) == (1, True)
    forge("schema", "email", "--remove")
    assert forge("schema", "--json").json == []


def test_unique_options_of_enqueue(forge: Forge) -> None:
    options = (
        "--unique-by", "type", "--unique-by", "payload.n", "--unique-scope", "global",
        "--unique-for", 60, "--on-conflict", "merge", "--debounce", 30, "--debounce-max", 60,
    )  # fmt: skip
    first = forge("enqueue", "t", '{"n": 1}', *options, "--json").json
    second = forge("enqueue", "t", '{"n": 1, "m": 2}', *options, "--json").json
    assert (second["id"], second["created"]) == (first["id"], False)
