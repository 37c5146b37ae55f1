"""`forge stats`, `forge top` and `forge tick`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import Forge
from tests.database import Clock, Database


def test_the_numbers_of_each_queue(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => q) from unnest('{a,a,b}'::text[]) as q")

    rows = {row["queue"]: row for row in forge("stats", "--json").json}

    assert {queue: row["ready"] for queue, row in rows.items()} == {"a": 2, "b": 1}
    assert [row["queue"] for row in forge("stats", "b", "--json").json] == ["b"]
    assert "a " in forge("stats").out


def test_latency_of_the_last_minutes(forge: Forge, db: Database, clock: Clock) -> None:
    clock.freeze()
    for complete in (False, True):
        if complete:
            db.rows("select forge.enqueue('t', queue => 'timed'), forge.enqueue('t')")
            clock.advance(seconds=4)
            db.rows("select forge.complete(id, lease) from forge.dequeue('timed')")
        for _ in range(2):
            clock.advance(seconds=1)
            db.rows("select forge.tick()")

    rows = {row["queue"]: row["latency"] for row in forge("stats", "--json").json}

    assert rows["default"] is None
    assert (rows["timed"]["jobs"], 2 < rows["timed"]["wait_p50_seconds"] < 6) == (1, True)
    shown = forge("stats", "timed").out
    assert ("wait p50" in shown, " s " in shown) == (True, True)
    assert "wait p50" not in forge("stats", "default").out


def test_metrics_are_printed_for_prometheus(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('t')")

    printed = forge("metrics")

    assert printed.code == 0
    assert 'forge_jobs{queue="default",state="ready"} 1' in printed.out.splitlines()


def test_warnings_exit_with_1_and_remarks_do_not(forge: Forge, db: Database) -> None:
    db.rows("select forge.tick()")
    db.rows("select forge.pause('halted')")
    remarked = forge("warnings")
    db.rows("select forge.enqueue('t', queue => 'lonely')")
    warned, told = forge("warnings"), forge("warnings", "--json")

    assert (remarked.code, "halted is paused since" in remarked.out) == (0, True)
    assert (warned.code, "no_worker" in warned.out) == (1, True)
    assert [row["code"] for row in json.loads(told.out)] == ["no_worker", "paused"]


def test_a_queue_that_does_not_exist_has_no_numbers(forge: Forge) -> None:
    assert forge("stats", "nowhere", "--json").json == []


def test_top_once_shows_queues_and_workers(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('t')")
    db.rows("select forge.register_worker('crew-1', '{default}', liveness => false)")

    shown, plain, picture = forge("top", "--once"), forge("top"), forge("top", "--json").json

    assert "crew-1" in shown.out
    assert "crew-1" in plain.out  # no terminal here, so once is enough
    assert [row["queue"] for row in picture["queues"]] == ["default"]
    assert [row["worker"] for row in picture["workers"]] == ["crew-1"]


def test_top_on_a_terminal_goes_on_until_it_is_interrupted(db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => 'seen-live')")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "forge", "top", "--every", "0.1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "DATABASE_URL": db.dsn, "TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(theirs)
    try:
        shown = b""
        deadline = time.monotonic() + 20
        while shown.count(b"seen-live") < 2 and time.monotonic() < deadline:
            shown += os.read(ours, 65_536)
        process.send_signal(2)
        while chunk := _rest(ours):
            shown += chunk
        assert shown.count(b"seen-live") >= 2
        assert process.wait(10) == 130
        assert b"Traceback" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _rest(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that the other side has closed it
        return b""


@pytest.mark.parametrize("every", ["0", "-1", "nan", "x"])
@pytest.mark.parametrize("command", ["top", "tick"])
def test_no_sensible_pace_exits_with_2(forge: Forge, command: str, every: str) -> None:
    assert forge(command, "--every", every).code == 2


def test_tick_says_what_it_did(forge: Forge, db: Database, clock: Clock) -> None:
    db.rows("select forge.enqueue('t', queue => 'new')")
    clock.advance(seconds=20)  # the template's own tick was a moment ago

    assert forge("tick", "--json").json["new_queues"] == 1
    assert forge("tick").code == 0


def test_tick_every_goes_on(db: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "forge", "tick", "--every", "0.1", "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": db.dsn},
    )
    try:
        assert process.stdout is not None
        documents = [json.loads(process.stdout.readline()) for _ in range(3)]
    finally:
        process.terminate()
        process.communicate()

    assert all(isinstance(document, dict) for document in documents)


@pytest.mark.parametrize(
    "args",
    [
        ("enqueue", "email"),
        ("jobs",),
        ("job", "1"),
        ("dlq",),
        ("queues",),
        ("stats",),
        ("top",),
        ("tick",),
        ("bench",),
        ("doctor",),
    ],
)
def test_without_a_database_each_command_says_so_at_once(
    typed: Forge, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u@127.0.0.1:1/nothing")
    started = time.monotonic()

    result = typed(*args)

    assert (result.code, result.out) == (3, "")
    assert "refused" in result.err
    assert "[JQ100]" in result.err
    assert time.monotonic() - started < 5


def test_without_forge_in_it_a_database_is_told_from_one_that_is_gone(
    typed: Forge, monkeypatch: pytest.MonkeyPatch, blank_db: Database
) -> None:
    monkeypatch.setenv("DATABASE_URL", blank_db.dsn)

    result = typed("stats")

    assert (result.code, "[JQ102]" in result.err, "forge migrate" in result.err) == (1, True, True)
