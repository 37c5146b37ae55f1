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
    [("retry",), ("retry", "1", "--all"), ("retry", "1", "--queue", "q"), ("discard",), ("mend",)],
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge("dlq", *args).code == 2


def test_bad_filters_get_a_code(forge: Forge) -> None:
    result = forge("dlq", "list", "--queue", "q" * 500)

    assert (result.code, "[JQ001]" in result.err) == (1, True)
