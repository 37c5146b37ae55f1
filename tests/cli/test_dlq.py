"""`forge dlq`: what died, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Forge
from tests.database import Database

Dead = Callable[..., int]


def test_without_a_command_it_lists(forge: Forge, dead: Dead) -> None:
    id = dead("disk full")

    assert "disk full" in forge("dlq").out
    assert [row["id"] for row in forge("dlq", "--json").json] == [id]
    assert forge("dlq", "list", "--json").json == forge("dlq", "--json").json


@pytest.mark.parametrize("filters", [("--queue", "q"), ("--type", "t"), ("--error", "FULL")])
def test_filters_of_list_and_retry(forge: Forge, dead: Dead, filters: tuple[str, str]) -> None:
    wanted, other = dead("disk full", queue="q", type="t"), dead("boom")

    listed = forge("dlq", "list", *filters, "--json").json
    revived = forge("dlq", "retry", "--all", *filters, "--json").json

    assert [row["id"] for row in listed] == [row["id"] for row in revived] == [wanted]
    assert [row["id"] for row in forge("dlq", "--json").json] == [other]


def test_retry_by_id(forge: Forge, dead: Dead) -> None:
    first, second = dead(), dead()

    result = forge("dlq", "retry", first, second)

    assert (result.code, result.out) == (
        0,
        f"{first}: DEAD -> PENDING\n{second}: DEAD -> PENDING\n",
    )


def test_one_that_is_refused_stops_no_other(forge: Forge, dead: Dead) -> None:
    id = dead()

    result = forge("dlq", "retry", "1", id, "--json")

    assert (result.code, f'"id": {id}' in result.out, "[JQ003]" in result.err) == (1, True, True)


def test_retry_all_takes_more_than_one_batch(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('t', max_retries => 0) from generate_series(1, 1001)")
    for _ in range(2):
        db.rows(
            "select f.* from forge.dequeue(max_jobs => 1000) as j, "
            "forge.fail(j.id, j.lease, 'boom') as f"
        )

    result = forge("dlq", "retry", "--all")

    assert (result.code, result.out) == (0, "1,001 jobs are back\n")
    assert db.value("select count(*) from forge.dead_jobs") == 0


def test_discard(forge: Forge, dead: Dead) -> None:
    first, second = dead(), dead()

    changes = forge("dlq", "discard", first, second, "--json").json

    assert [change["to_status"] for change in changes] == ["DEAD", "DEAD"]
    assert forge("dlq", "--json").json == []


@pytest.mark.parametrize(
    "args",
    [
        ("retry",),
        ("retry", "1", "--all"),
        ("retry", "1", "--queue", "q"),
        ("retry", "1", "--rate", "5"),
        ("retry", "1", "--dry-run"),
        ("retry", "--all", "--payload", "{"),
        ("discard",),
        ("discard", "1", "--tag", "x"),
        ("mend",),
    ],
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge("dlq", *args).code == 2


def test_bad_filters_get_a_code(forge: Forge) -> None:
    result = forge("dlq", "list", "--queue", "q" * 500)

    assert (result.code, "[JQ001]" in result.err) == (1, True)


def test_groups(forge: Forge, dead: Dead) -> None:
    for n in range(3):
        dead(f"row {n} is bad")
    dead("disk full", queue="q")

    assert "row <n> is bad" in forge("dlq", "groups").out
    groups = {row["title"]: row for row in forge("dlq", "groups", "--json").json}
    assert (groups["row <n> is bad"]["jobs"], groups["disk full"]["jobs"]) == (3, 1)
    assert len(forge("dlq", "groups", "--queue", "q", "--json").json) == 1

    chosen = ("--fingerprint", groups["row <n> is bad"]["fingerprint"])
    assert len(forge("dlq", "list", *chosen, "--json").json) == 3
    assert forge("dlq", "retry", "--all", *chosen).out == "3 jobs are back\n"


def test_a_dry_run_only_tells(forge: Forge, dead: Dead) -> None:
    id = dead()

    for command in ("retry", "discard"):
        told = forge("dlq", command, "--all", "--dry-run").out
        assert told.startswith("1 jobs match; nothing was changed\n")
        assert str(id) in told
        assert [r["id"] for r in forge("dlq", command, "--all", "--dry-run", "--json").json] == [id]
    assert [row["id"] for row in forge("dlq", "--json").json] == [id]


def test_discard_by_filter(forge: Forge, dead: Dead) -> None:
    wanted, other = dead("disk full"), dead()

    (gone,) = forge("dlq", "discard", "--all", "--error", "full", "--json").json
    assert gone["id"] == wanted
    assert forge("dlq", "discard", "--all", "--payload", '{"a": 1}').out == "0 jobs are discarded\n"
    assert [row["id"] for row in forge("dlq", "--json").json] == [other]


def test_a_revival_is_begun_listed_and_cancelled(forge: Forge, dead: Dead) -> None:
    for _ in range(4):
        dead()

    begun = forge("dlq", "retry", "--all", "--rate", "0.01", "--canary", "2", "--canary-within", 60)
    (row,) = forge("dlq", "revivals", "--json").json

    assert begun.out == f"2 jobs are back; revival {row['id']} does the rest\n"
    assert "CANARY" in forge("dlq", "revivals").out
    assert "CANCELLED" in forge("dlq", "cancel-revival", row["id"]).out
    assert forge("dlq", "cancel-revival", row["id"], "--json").json["status"] == "CANCELLED"
    assert forge("dlq", "cancel-revival", 4711).code == 1
    assert (
        forge("dlq", "retry", "--all", "--rate", "1", "--error", "none").out == "0 jobs are back\n"
    )
    assert len(forge("dlq", "retry", "--all", "--rate", "1", "--json").json) == 1
