"""Queues, workers, numbers, health and session."""

from __future__ import annotations

from tests.api.conftest import Client
from tests.api.jobs import dead, enqueue, run
from tests.database import Database


def test_a_queue_is_paused_and_resumed(api: Client, db: Database) -> None:
    enqueue(db)
    answer = api.patch("/queues/default", json={"paused": True})
    assert answer.status_code == 200
    assert answer.json()["paused"] is True
    assert db.rows("select id from forge.dequeue()") == []
    assert api.patch("/queues/default", json={"paused": False}).json()["paused"] is False
    assert run(db)


def test_settings_are_seconds_and_null_is_back_to_the_default(api: Client) -> None:
    settings = {
        "retry_base_seconds": 1.5,
        "retry_factor": 3.0,
        "retry_cap_seconds": 600.0,
        "retry_jitter": 0.0,
        "max_retries": 2,
        "keep_history": False,
        "keep_result": False,
    }
    queue = api.patch("/queues/q", json=settings).json()
    assert {name: queue[name] for name in settings} == settings
    queue = api.patch("/queues/q", json={"retry_base_seconds": None, "max_retries": None}).json()
    assert (queue["retry_base_seconds"], queue["max_retries"]) == (None, None)
    assert queue["retry_factor"] == 3.0
    (listed,) = (q for q in api.get("/queues").json()["items"] if q["queue"] == "q")
    assert listed == queue


def test_a_queue_may_have_slashes_in_its_name(api: Client) -> None:
    assert api.patch("/queues/team%2Fmail", json={"paused": True}).json()["queue"] == "team/mail"


def test_stats_add_up(api: Client, db: Database) -> None:
    dead(db)
    enqueue(db)
    enqueue(db, queue="other", scheduled_at="2040-01-01Z")
    run(db)
    stats = api.get("/stats").json()
    assert set(stats) == {"totals", "queues", "workers"}
    totals = stats["totals"]
    assert (totals["processing"], totals["scheduled"], totals["dead"]) == (1, 1, 1)
    queues = {queue["queue"]: queue for queue in stats["queues"]}
    assert queues["default"]["processing"] == 1
    assert queues["other"]["scheduled"] == 1
    assert stats["workers"] == {"alive": 0, "registered": 0, "processing": 0}


def test_history_says_what_it_covers(api: Client, db: Database) -> None:
    enqueue(db)
    history = api.get("/stats/history", params={"since_seconds": 60}).json()
    assert (history["since_seconds"], history["bucket_seconds"]) == (60, 10)
    assert isinstance(history["items"], list)


def test_workers_are_listed(api: Client, db: Database) -> None:
    db.rows("select forge.register_worker('w', array['default'], liveness => false)")
    (worker,) = api.get("/workers").json()["items"]
    assert (worker["worker"], worker["queues"]) == ("w", ["default"])
    assert api.get("/stats").json()["workers"]["registered"] == 1


def test_the_health_routes_answer(api: Client) -> None:
    assert api.get("/health/live").json()["status"] == "ok"
    ready = api.get("/health/ready").json()
    assert ready["status"] == "ok"
    assert ready["version"]


def test_without_tokens_everybody_is_an_operator(api: Client) -> None:
    session = api.get("/session").json()
    assert (session["role"], session["tokens"]) == ("operator", False)
    assert "operate" in session["rights"]
