"""`forge jobs` and `forge job`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Forge
from tests.database import Database


def test_jobs_are_listed_newest_first(forge: Forge, db: Database) -> None:
    ids = [db.value("select forge.enqueue('email')") for _ in range(3)]

    assert [row["id"] for row in forge("jobs", "--json").json] == ids[::-1]


def test_pages_follow_each_other(forge: Forge, db: Database) -> None:
    ids = [db.value("select forge.enqueue('email')") for _ in range(3)]

    first = forge("jobs", "--limit", 2, "--json").json
    rest = forge("jobs", "--limit", 2, "--before", first[-1]["id"], "--json").json

    assert [row["id"] for row in first + rest] == ids[::-1]


@pytest.mark.parametrize(
    "filters",
    [("--queue", "q"), ("--type", "report"), ("--tag", "x"), ("--status", "CANCELLED")],
)
def test_each_filter(forge: Forge, db: Database, filters: tuple[str, str]) -> None:
    wanted = db.value("select forge.enqueue('report', queue => 'q', tags => '{x}')")
    db.rows("select forge.cancel(%s)", wanted)
    db.rows("select forge.enqueue('email')")

    assert [row["id"] for row in forge("jobs", *filters, "--json").json] == [wanted]


def test_the_table_shows_what_a_terminal_can_bear(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('[red]type[/]', queue => %s)", "q\u202e\u200b")

    result = forge("jobs")

    assert (result.code, "[red]type[/]" in result.out, "\u202e" in result.out) == (0, True, False)


def test_nothing_to_list_is_no_error(forge: Forge) -> None:
    assert (forge("jobs").code, forge("jobs", "--json").json) == (0, [])


@pytest.mark.parametrize(
    "args",
    [
        ("--limit", "0"),
        ("--limit", "501"),
        ("--status", "NEW"),
        ("--queue", "q" * 500),
        ("--before", "9" * 30),
    ],
)
def test_bad_filters_get_a_code(forge: Forge, args: tuple[str, ...]) -> None:
    result = forge("jobs", *args)

    assert (result.code, result.out, "[JQ001]" in result.err) == (1, "", True), result.err


def test_a_job_with_its_payload_result_and_errors(forge: Forge, db: Database) -> None:
    id = db.value("""select forge.enqueue('email', '{"to": ["a", null]}', retry_base => '0')""")
    run = "from forge.dequeue() as j,"
    db.rows(f"select {'f.*'} {run} forge.fail(j.id, j.lease, %s) as f", "\x1b[31mboom\x1b[0m")
    db.rows(f"""select {"c"} {run} forge.complete(j.id, j.lease, '{{"sent": true}}') as c""")

    shown = forge("job", id).out
    row = forge("job", id, "--json").json

    assert str(id) in shown
    assert '{"to":["a",null]}' in shown
    assert '{"sent":true}' in shown
    assert "boom" in shown
    assert "\x1b" not in shown
    assert (row["status"], row["payload"], row["result"]) == (
        "COMPLETED",
        {"to": ["a", None]},
        {"sent": True},
    )
    assert row["errors"][0]["error"] == "\x1b[31mboom\x1b[0m"


@pytest.mark.parametrize("args", [(), ("--cancel",), ("--retry",), ("--discard",)])
def test_a_job_that_does_not_exist(forge: Forge, args: tuple[str, ...]) -> None:
    result = forge("job", "1", *args)

    assert (result.code, result.out, "[JQ003]" in result.err) == (1, "", True)


def test_cancel_and_retry(forge: Forge, db: Database) -> None:
    id = db.value("select forge.enqueue('email')")

    cancelled = forge("job", id, "--cancel")
    retried = forge("job", id, "--retry", "--json")

    assert (cancelled.code, cancelled.out) == (0, f"{id}: PENDING -> CANCELLED\n")
    assert (retried.json["from_status"], retried.json["to_status"]) == ("CANCELLED", "PENDING")


def test_discard(forge: Forge, dead: Callable[..., int]) -> None:
    id = dead()

    assert forge("job", id, "--discard").code == 0
    assert forge("dlq", "--json").json == []


def test_what_the_status_forbids(forge: Forge, db: Database) -> None:
    id = db.value("select forge.enqueue('email')")

    result = forge("job", id, "--discard")

    assert (result.code, "[JQ004]" in result.err) == (1, True)


@pytest.mark.parametrize("id", ["x", "1.5", ""])
def test_an_id_that_is_no_number_exits_with_2(forge: Forge, id: str) -> None:
    assert forge("job", id).code == 2


def test_an_id_that_no_bigint_holds(forge: Forge) -> None:
    result = forge("job", "9" * 30)

    assert result.code == 1
    assert "Traceback" not in result.err


def test_a_job_is_explained(forge: Forge, db: Database) -> None:
    job_id = db.value("select forge.enqueue('email')")

    assert "no_worker: no live worker" in forge("explain", job_id).out
    assert forge("explain", job_id, "--json").json[0]["code"] == "no_worker"
    assert forge("explain", 1).code == 1
