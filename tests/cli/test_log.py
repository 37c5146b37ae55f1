"""`forge log`, and the timeout of `forge enqueue`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.cli.conftest import Forge
from tests.database import Database


@pytest.fixture
def talking(db: Database) -> int:
    """A job that runs and has said something."""
    id: int = db.value("select forge.enqueue('talk')")
    db.rows(
        "select forge.log(j.id, j.lease, m.text, data => m.data)"
        " from forge.dequeue() as j, (values (1, 'one', '{\"n\": 1}'::jsonb),"
        " (2, E'two \\u001b[31m', null)) as m (n, text, data) order by m.n"
    )
    return id


def test_the_lines_of_a_job_are_shown(forge: Forge, talking: int) -> None:
    shown = forge("log", talking)
    first, second = shown.out.splitlines()
    assert first.endswith('info    one {"n":1}')
    assert "two" in second
    assert "\x1b" not in second


def test_each_line_is_a_line_of_json(forge: Forge, talking: int) -> None:
    lines = [json.loads(line) for line in forge("log", talking, "--json").out.splitlines()]
    assert [line["message"] for line in lines] == ["one", "two \x1b[31m"]
    rest = forge("log", talking, "--after", lines[0]["id"], "--json").out.splitlines()
    assert [json.loads(line)["id"] for line in rest] == [lines[1]["id"]]


def test_following_ends_with_the_job(forge: Forge, db: Database, talking: int) -> None:
    db.rows("select forge.complete(id, lease) from forge.jobs")
    shown = forge("log", talking, "--follow")
    assert (shown.code, len(shown.out.splitlines())) == (0, 2)


def test_a_job_that_is_not_there_is_an_error(forge: Forge) -> None:
    missing = forge("log", 1)
    assert (missing.code, "JQ003" in missing.err) == (1, True)


def test_a_job_is_enqueued_with_a_timeout(forge: Forge, db: Database) -> None:
    id = forge("enqueue", "email", "--timeout", "90", "--json").json["id"]
    assert db.value("select timeout from forge.all_jobs where id = %s", id) == timedelta(seconds=90)
    assert forge("enqueue", "email", "--timeout", "0.5").code == 2
