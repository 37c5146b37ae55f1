"""The tests' own tools: a clock that can be set, and a search for what a test left behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.database import Clock, Conn, Database

MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_set_clock_stands_still_for_every_connection(db: Database, clock: Clock) -> None:
    clock.set(MOMENT)
    clock.advance(seconds=31)

    assert db.value("select forge.now()") == MOMENT + timedelta(seconds=31)
    assert db.value("select forge.now()") == MOMENT + timedelta(seconds=31)


def test_a_running_clock_is_moved_and_runs_on(tx: Conn, clock: Clock) -> None:
    before = clock.now

    assert clock.advance(timedelta(hours=1)) - before >= timedelta(hours=1)
    assert clock.now < clock.now


def test_a_set_clock_can_run_on(tx: Conn, clock: Clock) -> None:
    clock.set(MOMENT)

    assert MOMENT <= clock.run() < clock.now < MOMENT + timedelta(minutes=1)


def test_the_clock_of_a_transaction_ends_with_it(tx: Conn) -> None:
    row = tx.execute("select frozen_at, shift from forge_test.clock").fetchone()

    assert row == {"frozen_at": None, "shift": timedelta(0)}


def test_sessions_idle_in_transaction_and_advisory_locks_are_found(
    server: str, template: str
) -> None:
    database = Database(server, f"{template}_leaks")
    database.create(template)
    try:
        # Another object for the same database, so that `violations` does not close these.
        session = Database(server, database.name).connect(autocommit=False)
        session.execute("select pg_advisory_lock(1)")
        left = database.violations(patience=0.1)
        session.close()

        assert [line.split()[0] for line in left] == ["advisory", "process"]
        assert database.violations() == []
    finally:
        database.drop()
