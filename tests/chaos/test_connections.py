"""Connections that break at the worst moment: each fault by itself, and what must hold.

The chaos run does the same to thousands of jobs at once; here is which promise saves whom.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.chaos.proxy import Proxy
from tests.database import Clock, Conn, connect
from tests.worker.own_server import OwnServer
from tests.worker.processes import until

CLAIM = "select id, lease from forge.dequeue('default', 'me', lease => '10 seconds')"
COMPLETE = "select forge.complete(%(id)s, %(lease)s, '\"mine\"') as done"


def statuses(conn: Conn) -> list[tuple[str, int]]:
    rows = conn.execute("select status, attempts from forge.all_jobs order by id").fetchall()
    return [(row["status"], row["attempts"]) for row in rows]


def claim(conn: Conn) -> dict[str, Any]:
    (job,) = conn.execute(CLAIM).fetchall()
    return job


def test_a_completion_whose_answer_was_lost_can_be_said_again(
    conn: Conn, proxy: Proxy, through: str
) -> None:
    conn.execute("select forge.enqueue('t')")
    job = claim(conn)
    proxy.swallow()
    with connect(through, autocommit=True) as lossy, pytest.raises(psycopg.OperationalError):
        lossy.execute(COMPLETE, job)

    with connect(through, autocommit=True) as again:
        (answer,) = again.execute(COMPLETE, job).fetchall()

    assert answer["done"] is False  # not by this call: by the one before
    assert statuses(conn) == [("COMPLETED", 1)]
    assert proxy.swallowed == 1


def test_an_enqueue_whose_commit_was_not_answered_is_there_once_when_it_is_repeated(
    conn: Conn, proxy: Proxy, through: str
) -> None:
    enqueue = "select forge.enqueue('t', unique_key => 'order 1') as id"
    proxy.swallow()
    with connect(through, autocommit=True) as lossy:
        with pytest.raises(psycopg.OperationalError), lossy.transaction():
            (told,) = lossy.execute(enqueue).fetchall()
        assert lossy.closed

    with connect(through, autocommit=True) as again:
        (repeated,) = again.execute(enqueue).fetchall()

    assert repeated["id"] == told["id"]
    assert statuses(conn) == [("PENDING", 0)]
    assert proxy.swallowed == 1


def test_a_claim_whose_answer_was_lost_comes_back_after_its_lease(
    conn: Conn, clock: Clock, proxy: Proxy, through: str
) -> None:
    conn.execute("select forge.enqueue('t')")
    proxy.swallow()
    with connect(through, autocommit=True) as lossy, pytest.raises(psycopg.OperationalError):
        lossy.execute("select * from forge.exchange(lease => '10 seconds')")
    assert statuses(conn) == [("PROCESSING", 1)]  # nobody's
    conn.execute("select forge.tick()")
    assert statuses(conn) == [("PROCESSING", 1)]

    clock.advance(seconds=11)
    conn.execute("select forge.tick()")

    job = claim(conn)
    assert statuses(conn) == [("PROCESSING", 2)]
    conn.execute(COMPLETE, job)


def test_a_connection_that_is_cut_in_a_transaction_leaves_nothing(
    conn: Conn, proxy: Proxy, through: str
) -> None:
    lossy = connect(through)
    lossy.execute("select forge.enqueue('t', unique_key => 'order 2')")
    proxy.cut()
    with pytest.raises(psycopg.OperationalError):
        lossy.execute("select 1")

    until(
        lambda: (
            conn.execute(
                "select from pg_stat_activity where state like 'idle in transaction%'"
            ).rowcount
            == 0
        )
    )
    assert statuses(conn) == []
    conn.execute("select forge.enqueue('t', unique_key => 'order 2')")  # its key is free
    assert statuses(conn) == [("PENDING", 0)]


def test_who_is_half_open_loses_the_job_and_cannot_take_it_back(
    conn: Conn, clock: Clock, proxy: Proxy, through: str
) -> None:
    conn.execute("select forge.enqueue('t')")
    with connect(through, autocommit=True) as silent:
        job = claim(silent)
        proxy.half_open()

        clock.advance(seconds=11)
        conn.execute("select forge.tick()")
        following = claim(conn)
        proxy.cut()

    with connect(through, autocommit=True) as back, pytest.raises(psycopg.Error) as refused:
        back.execute(COMPLETE, job)
    assert refused.value.sqlstate == "JQ002"
    conn.execute(COMPLETE, following)
    assert statuses(conn) == [("COMPLETED", 2)]


def test_with_all_connections_used_up_nothing_is_lost_and_who_is_in_goes_on(
    own: OwnServer, conn: Conn
) -> None:
    conn.execute("select forge.enqueue('t')")
    job = claim(conn)
    hoard: list[psycopg.Connection[Any]] = []
    try:
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            hoard.extend(psycopg.connect(own.dsn) for _ in range(1000))
        conn.execute(COMPLETE, job)
        conn.execute("select forge.tick()")
    finally:
        for other in hoard:
            other.close()
    assert statuses(conn) == [("COMPLETED", 1)]


def test_a_session_that_idles_in_its_transaction_gives_up_its_claim(
    own: OwnServer, conn: Conn
) -> None:
    conn.execute("select forge.enqueue('t')")
    idle = psycopg.connect(own.dsn, options="-c idle_in_transaction_session_timeout=50ms")
    (job,) = idle.execute(CLAIM).fetchall()

    until(lambda: conn.execute(CLAIM.replace("'me'", "'other'")).fetchall() or None)

    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        idle.execute(COMPLETE, {"id": job[0], "lease": job[1]})
    idle.close()
    assert statuses(conn) == [("PROCESSING", 1)]  # the claim that was undone counts no attempt


def test_a_statement_that_times_out_has_changed_nothing(own: OwnServer, conn: Conn) -> None:
    conn.execute("select forge.enqueue('t')")
    job = claim(conn)
    with own.connect() as holder, own.connect() as late:
        late.execute("set statement_timeout = '50ms'")
        with holder.transaction():
            holder.execute("select from forge.jobs where id = %(id)s for update", job)
            for call in (
                COMPLETE,
                "select forge.fail(%(id)s, %(lease)s, 'no')",
                "select forge.heartbeat('me', array[%(id)s], array[%(lease)s]::uuid[])",
                "select forge.cancel(%(id)s)",
            ):
                with pytest.raises(psycopg.errors.QueryCanceled):
                    late.execute(call.encode(), job)
        assert statuses(conn) == [("PROCESSING", 1)]
        assert late.execute(COMPLETE, job).fetchall() == [{"done": True}]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_strict_caller_ends_a_job_or_hears_that_another_was_faster(
    level: str, own: OwnServer, conn: Conn
) -> None:
    conn.execute("select forge.enqueue('t') from generate_series(1, 2)")
    mine, theirs = claim(conn), claim(conn)
    with own.connect() as strict:
        strict.execute(f"set default_transaction_isolation = '{level}'".encode())
        with strict.transaction():
            strict.execute(COMPLETE, mine)
        with strict.transaction(force_rollback=True):
            strict.execute("select count(*) from forge.jobs")
            conn.execute("select forge.release(%(id)s, %(lease)s)", theirs)
            with pytest.raises(psycopg.errors.SerializationFailure):
                strict.execute(COMPLETE, theirs)
    assert statuses(conn) == [("COMPLETED", 1), ("PENDING", 0)]


def test_a_rolled_back_enqueue_leaves_nothing(conn: Conn) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("select forge.enqueue('t', unique_key => 'k', concurrency_key => 'c')")
        conn.execute("""select forge.enqueue_many('[{"type": "t"}, {"type": "t"}]')""")

    assert statuses(conn) == []
    assert conn.execute(CLAIM).fetchall() == []
    assert conn.execute("select from forge.lines").fetchall() == []
    conn.execute("select forge.enqueue('t', unique_key => 'k')")
    assert statuses(conn) == [("PENDING", 0)]
