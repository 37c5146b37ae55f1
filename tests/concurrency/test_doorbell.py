"""The doorbell: a NOTIFY only where somebody sleeps, and no way to sleep through a job."""

from __future__ import annotations

import threading

import pytest

from tests.concurrency.racing import Racer, until
from tests.database import Conn, Database

Pair = tuple[Racer, Racer]
PARK = "select q as queue from forge.park(array['default']) as q"
SLEEP_LIMIT = 10.0


def listen(racer: Racer) -> Conn:
    racer.run("listen forge")
    return racer.connection


def heard(db: Database, listener: Conn) -> list[str]:
    """The payloads that came; a last notification says that no more are on their way."""
    db.rows("select pg_notify('forge', 'end of test')")
    payloads: list[str] = []
    for notification in listener.notifies(timeout=SLEEP_LIMIT):
        if notification.payload == "end of test":
            return payloads
        payloads.append(notification.payload)
    raise AssertionError("the last notification did not come")


def test_an_enqueue_notifies_a_parked_worker_when_it_commits(db: Database, pair: Pair) -> None:
    worker, producer = pair
    listener = listen(worker)
    assert worker.run(PARK) == []

    producer.run("begin")
    producer.run("select forge.enqueue('t')")
    assert heard(db, listener) == []
    producer.run("commit")

    assert heard(db, listener) == ["default"]


def test_an_enqueue_that_rolls_back_notifies_nobody(db: Database, pair: Pair) -> None:
    worker, producer = pair
    listener = listen(worker)
    worker.run(PARK)

    producer.run("begin")
    producer.run("select forge.enqueue('t')")
    producer.run("rollback")

    assert heard(db, listener) == []


def test_an_enqueue_notifies_nobody_where_nobody_is_parked(db: Database, pair: Pair) -> None:
    worker, _ = pair
    listener = listen(worker)

    db.rows("select forge.enqueue('t')")
    db.rows("""select * from forge.enqueue_many('[{"type": "t"}, {"type": "t"}]')""")

    assert heard(db, listener) == []


def test_an_enqueue_notifies_nobody_once_the_worker_took_its_bell_down(
    db: Database, pair: Pair
) -> None:
    worker, _ = pair
    listener = listen(worker)
    worker.run(PARK)
    worker.run(PARK)
    worker.run("select forge.unpark()")

    db.rows("select forge.enqueue('t')")

    assert heard(db, listener) == []


def test_a_job_for_later_is_told_of_when_its_time_has_come(db: Database, pair: Pair) -> None:
    worker, _ = pair
    listener = listen(worker)
    worker.run("listen forge_due")
    worker.run(PARK)

    db.rows("select forge.enqueue('t', scheduled_at => forge.now() + interval '1 hour')")
    assert heard(db, listener) == []
    db.rows("update forge_test.clock set shift = '2 hours'")
    assert {"task": "due_queues", "count": 1} in db.rows("select * from forge.tick()")

    assert heard(db, listener) == ["default"]


@pytest.mark.parametrize(
    "give_back",
    [
        "select forge.release(%(id)s, %(lease)s)",
        "select forge.fail(%(id)s, %(lease)s, 'no', retry_in => '0')",
    ],
)
def test_a_job_that_is_given_back_rings(db: Database, pair: Pair, give_back: str) -> None:
    worker, _ = pair
    listener = listen(worker)
    db.rows("select forge.enqueue('t')")
    (job,) = db.rows("select id, lease from forge.dequeue()")
    worker.run(PARK)

    db.rows(give_back, **job)

    assert heard(db, listener) == ["default"]


def test_parking_while_an_enqueue_is_open_says_look_again(db: Database, pair: Pair) -> None:
    worker, producer = pair
    listener = listen(worker)

    producer.run("begin")
    producer.run("select forge.enqueue('t')")
    while_open = worker.run(PARK)
    producer.run("commit")
    afterwards = worker.run(PARK)

    assert while_open == [{"queue": "default"}]  # though no job can be seen yet
    assert afterwards == [{"queue": "default"}]
    assert heard(db, listener) == []


def test_a_second_worker_sleeps_under_the_bell_of_the_first(db: Database, pair: Pair) -> None:
    first, second = pair
    listeners = [listen(first), listen(second)]
    assert first.run(PARK) == []
    assert second.run(PARK) == []

    db.rows("select forge.enqueue('t')")

    for listener in listeners:
        assert heard(db, listener) == ["default"]


def test_a_worker_that_dies_takes_its_bell_with_it(db: Database, pair: Pair) -> None:
    worker, _ = pair
    worker.run(PARK)
    bells = "select count(*) from pg_locks where locktype = 'advisory' and pid = %(pid)s"
    assert db.value(bells, pid=worker.pid) == 1

    db.rows("select pg_terminate_backend(%(pid)s)", pid=worker.pid)

    until(lambda: db.value(bells, pid=worker.pid) == 0)


def test_workers_that_never_poll_sleep_through_no_job(db: Database) -> None:
    """Whatever the interleaving: park says look again, or the bell rings."""
    wanted = 400
    claimed: list[int] = []
    sessions = [(db.connect(), db.connect()) for _ in range(3)]
    producers = [db.connect() for _ in range(2)]
    overslept: list[str] = []
    done = threading.Event()

    def work(listener: Conn, hands: Conn) -> None:
        listener.execute("listen forge")
        while not done.is_set():
            rows = hands.execute("select id, lease from forge.dequeue()").fetchall()
            for row in rows:
                hands.execute("select forge.complete(%(id)s, %(lease)s)", row)
                claimed.append(row["id"])
            if len(claimed) >= wanted:
                done.set()
                hands.execute("select pg_notify('forge', 'end')")
            elif not rows and not listener.execute(PARK).fetchall():
                if not list(listener.notifies(timeout=SLEEP_LIMIT, stop_after=1)):
                    overslept.append("no notification came")
                    return
                listener.execute("select forge.unpark()")

    def produce(connection: Conn) -> None:
        for _ in range(wanted // len(producers)):
            connection.execute("select forge.enqueue('t')")

    threads = [threading.Thread(target=work, args=session) for session in sessions]
    threads += [threading.Thread(target=produce, args=(each,)) for each in producers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert overslept == []
    assert len(claimed) == len(set(claimed)) == wanted
