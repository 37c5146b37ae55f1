"""`forge enqueue`: one job from arguments, many from a file; what is refused changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Forge
from tests.database import Database

JOB = "select * from forge.job(%s)"


def lines(*jobs: object) -> bytes:
    return b"".join(json.dumps(job).encode() + b"\n" for job in jobs)


def test_it_prints_the_id_and_nothing_else(forge: Forge, db: Database) -> None:
    result = forge("enqueue", "email", '{"to": "Zoë"}')

    (row,) = db.rows(JOB, int(result.out))
    assert (result.code, result.out, result.err) == (0, f"{row['id']}\n", "")
    assert (row["type"], row["queue"], row["payload"]) == ("email", "default", {"to": "Zoë"})


def test_each_option_reaches_the_job(forge: Forge, db: Database) -> None:
    options = ("--queue", "q", "--priority", -7, "--max-retries", 3, "--unique-key", "k")
    tags = ("--tag", "a", "--tag", "b", "--at", "2031-12-24T18:00:00+01:00")

    (row,) = db.rows(JOB, int(forge("enqueue", "email", *options, *tags).out))

    assert (row["queue"], row["priority"], row["max_retries"]) == ("q", -7, 3)
    assert (row["unique_key"], row["tags"]) == ("k", ["a", "b"])
    assert row["scheduled_at"] == datetime(2031, 12, 24, 17, tzinfo=UTC)


def test_in_counts_seconds_from_now(forge: Forge, db: Database) -> None:
    (row,) = db.rows(JOB, int(forge("enqueue", "email", "--in", "90").out))

    assert 80 < (row["scheduled_at"] - row["created_at"]).total_seconds() < 100


def test_json_says_whether_the_job_is_new(forge: Forge) -> None:
    first = forge("enqueue", "email", "--unique-key", "k", "--json").json
    again = forge("enqueue", "email", "--unique-key", "k", "--json").json

    assert (first["created"], again) == (True, {"id": first["id"], "created": False})


def test_a_payload_from_stdin_or_a_file(forge: Forge, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_text('[1, "file"]')

    piped = forge("enqueue", "email", "-", stdin=b'{"from": "stdin"}')
    read = forge("enqueue", "email", f"@{file}")

    assert db.rows(JOB, int(piped.out))[0]["payload"] == {"from": "stdin"}
    assert db.rows(JOB, int(read.out))[0]["payload"] == [1, "file"]


def test_a_file_of_more_than_one_batch(forge: Forge, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "jobs.ndjson"
    file.write_bytes(lines(*({"type": "bulk", "payload": {"n": n}} for n in range(2_300))))

    result = forge("enqueue", "--file", file, "--json")

    assert len({row["id"] for row in result.json}) == 2_300
    assert db.value("select count(*) from forge.jobs where type = 'bulk'") == 2_300


def test_a_file_from_stdin_with_blank_lines_and_a_key_twice(forge: Forge) -> None:
    one = {"type": "bulk", "unique_key": "k"}

    result = forge("enqueue", "--file", "-", stdin=lines(one) + b"\n" + lines(one))

    assert result.out == "1 jobs enqueued, 1 were there already\n"


def test_a_line_that_is_no_object_stops_the_file_before_the_first_job(
    forge: Forge, db: Database
) -> None:
    result = forge("enqueue", "--file", "-", stdin=lines({"type": "a"}) + b"[1]\n")

    assert (result.code, "line 2" in result.err, "JQ001" in result.err) == (1, True, True)
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_refused_batch_says_how_many_jobs_are_in(forge: Forge, db: Database) -> None:
    source = lines(*[{"type": "a"}] * 1_500, {"typo": "a"})

    result = forge("enqueue", "--file", "-", stdin=source)

    assert (result.code, "first 1,000 jobs" in result.err) == (1, True)
    assert db.value("select count(*) from forge.jobs") == 1_000


@pytest.mark.parametrize(
    "args",
    [
        ("email", "{not json"),
        ("email", r'"\u0000"'),
        ("email", r'"\ud800"'),
        ("email", "[" * 100_000),
        ("email", "--queue", "q" * 500),
        ("email", "--queue", ""),
        ("q" * 201,),
        ("e\x01",),
        ("email", "--priority", "32768"),
        ("email", "--priority", "9" * 30),
        ("email", "--max-retries", "-1"),
        ("email", "--tag", ""),
        ("email", "--unique-key", "k" * 501),
    ],
)
def test_bad_input_gets_a_code_and_changes_nothing(
    forge: Forge, db: Database, args: tuple[str, ...]
) -> None:
    result = forge("enqueue", *args)

    assert (result.code, result.out, "[JQ001]" in result.err) == (1, "", True), result.err
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_payload_over_the_limit(forge: Forge) -> None:
    result = forge("enqueue", "email", "-", stdin=json.dumps("x" * 1_048_576).encode())

    assert (result.code, "[JQ005]" in result.err) == (1, True)


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("email", "--file", "-"),
        ("--file", "-", "--queue", "q"),
        ("--file", "-", "--in", "5"),
        ("--file", "/nonexistent"),
        ("email", "@/nonexistent"),
        ("email", "--at", "2031-12-24T18:00:00"),
        ("email", "--at", "tomorrow"),
        ("email", "--in", "nan"),
        ("email", "--in", "1e300"),
        ("email", "--in", "5", "--at", "2031-12-24T18:00:00Z"),
        ("email", "--priority", "high"),
    ],
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    result = forge("enqueue", *args)

    assert (result.code, result.out) == (2, ""), result.err
