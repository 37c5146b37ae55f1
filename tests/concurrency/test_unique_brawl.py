"""Everybody at eight keys at once: producers, debouncers, workers and who moves jobs about."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.concurrency.racing import deadlocks
from tests.database import Conn, Database

KEYS = "abcdefgh"
ROUNDS = 60
TWICE = """
select unique_scope, unique_key from forge.jobs where unique_key is not null
group by unique_scope, unique_key having count(*) > 1
"""


def produce(connection: Conn, dice: random.Random) -> None:
    jobs: list[dict[str, Any]] = []
    for key in dice.sample(KEYS, 5):
        job = {"type": "t", "queue": dice.choice("pq"), "unique_key": key, "payload": {key: 1}}
        job["on_conflict"] = dice.choice(["keep", "replace", "merge"])
        if key in "ab":
            job["unique_scope"] = "global"
        if dice.random() < 0.3:
            job["unique_for"] = "20 ms"
        jobs.append(job)
    connection.execute("select from forge.enqueue_many(%s)", (json.dumps(jobs),))


def debounce(connection: Conn, dice: random.Random) -> None:
    connection.execute(
        "select forge.enqueue('t', queue => %s, unique_key => %s, debounce => '1 ms')",
        (dice.choice("pq"), dice.choice(KEYS)),
    )


def work(connection: Conn, dice: random.Random) -> None:
    jobs = connection.execute(
        "select id, lease from forge.dequeue(%s, 'w', max_jobs => 6)", (dice.choice("pq"),)
    ).fetchall()
    ids, leases = [j["id"] for j in jobs], [j["lease"] for j in jobs]
    connection.execute("select from forge.heartbeat('w', %s, %s)", (ids, leases))
    done = connection.execute(
        "select forge.complete_many(%s, %s) as id", (ids[::-1], leases[::-1])
    ).fetchall()
    assert len(done) == len(jobs)


def move(connection: Conn, dice: random.Random) -> None:
    here, there = dice.sample("pq", 2)
    connection.execute(
        "select forge.edit_jobs(queue => %s, to_queue => %s, max_jobs => 5)", (here, there)
    )


def test_nobody_deadlocks_and_no_key_is_held_twice(db: Database) -> None:
    def play(number: int, act: Callable[[Conn, random.Random], None]) -> None:
        dice, connection = random.Random(number), connections[number]
        for _ in range(ROUNDS):
            act(connection, dice)

    players = [produce, produce, produce, debounce, debounce, work, work, work, move]
    connections = [db.connect() for _ in players]
    with ThreadPoolExecutor(len(players)) as pool:
        list(pool.map(play, range(len(players)), players))

    assert deadlocks(db) == 0
    assert db.rows(TWICE) == []
