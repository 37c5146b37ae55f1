"""`forge schedules`: list, set, remove, pause, resume, run, next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Forge
from tests.database import Clock, Database

SET = ("schedules", "set", "nightly", "0 3 * * *", "report")


def test_without_a_command_it_lists(forge: Forge) -> None:
    assert forge("schedules", "--json").json == []
    forge(*SET)

    assert "nightly" in forge("schedules").out
    (row,) = forge("schedules", "--json").json
    assert (row["name"], row["cron"], row["type"]) == ("nightly", "0 3 * * *", "report")
    assert forge("schedules", "list", "--json").json == [row]


def test_set_takes_what_a_schedule_can_be_told(forge: Forge, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text('{"a": 1}')
    row = forge(
        *SET,
        f"@{payload}",
        *("--time-zone", "Europe/Berlin", "--queue", "q", "--priority", 7, "--max-retries", 2),
        *("--tag", "x", "--tag", "y", "--concurrency-key", "tenant", "--timeout", 90),
        *("--catch-up", "all", "--catch-up-limit", 3, "--grace", 5, "--overlap", "queue"),
        *("--starts-at", "2040-01-01T00:00:00+00:00", "--json"),
    ).json

    assert (row["payload"], row["tags"], row["queue"]) == ({"a": 1}, ["x", "y"], "q")
    assert (row["time_zone"], row["priority"], row["max_retries"]) == ("Europe/Berlin", 7, 2)
    assert (row["concurrency_key"], row["timeout"]) == ("tenant", "PT90S")
    assert (row["catch_up"], row["catch_up_limit"], row["grace"]) == ("all", 3, "PT5S")
    assert (row["overlap"], row["starts_at"]) == ("queue", "2040-01-01T00:00:00Z")


def test_set_reads_a_payload_from_stdin(forge: Forge) -> None:
    assert forge(*SET, "-", "--json", stdin=b'{"b": 2}').json["payload"] == {"b": 2}
    assert forge(*SET, "--json").json["payload"] == {}


def test_pause_and_resume(forge: Forge) -> None:
    forge(*SET)

    assert forge("schedules", "pause", "nightly", "--json").json["next_at"] is None
    assert "ago" in forge("schedules", "pause", "nightly").out
    assert forge("schedules", "resume", "nightly", "--json").json["paused_at"] is None


def test_run_prints_the_id_of_the_job(forge: Forge, db: Database) -> None:
    forge(*SET)

    job_id = int(forge("schedules", "run", "nightly").out)

    assert db.value("select schedule from forge.job(%s)", job_id) == "nightly"
    assert forge("schedules", "run", "nightly", "--json").json["id"] > job_id


def test_next_of_a_schedule_and_of_an_expression(forge: Forge, clock: Clock) -> None:
    clock.set("2030-03-30T12:00:00Z")
    forge(*SET)

    assert forge("schedules", "next", "nightly", "--count", 2, "--json").json == [
        "2030-03-31T03:00:00Z",
        "2030-04-01T03:00:00Z",
    ]
    cron = ("--cron", "0 3 * * *", "--time-zone", "Europe/Berlin")
    assert forge("schedules", "next", *cron).out.startswith("2030-03-31T01:00:00+00:00  in ")


def test_remove(forge: Forge) -> None:
    forge(*SET)

    assert "nightly is gone" in forge("schedules", "remove", "nightly").out
    assert forge("schedules", "--json").json == []
    forge(*SET)
    assert forge("schedules", "remove", "nightly", "--json").json["name"] == "nightly"


@pytest.mark.parametrize("command", ["remove", "pause", "resume", "run", "next"])
def test_a_name_that_is_none(forge: Forge, command: str) -> None:
    result = forge("schedules", command, "nobody")

    assert (result.code, "[JQ007]" in result.err) == (1, True), result.err


@pytest.mark.parametrize(
    "args",
    [
        ("set", "s", "61 * * * *", "t"),
        ("set", "a/b", "@daily", "t"),
        ("set", "s", "@daily", "t", "{"),
        ("set", "s", "@daily", "t", "--time-zone", "Mars"),
        ("next", "--cron", "nonsense"),
    ],
)
def test_what_is_refused(forge: Forge, args: tuple[str, ...]) -> None:
    result = forge("schedules", *args)

    assert (result.code, "[JQ001]" in result.err) == (1, True), result.err
    assert forge("schedules", "--json").json == []


@pytest.mark.parametrize(
    "args", [("set", "s"), ("next",), ("next", "s", "--cron", "@daily"), ("stop", "s")]
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge("schedules", *args).code == 2
