"""GET /metrics, /warnings and /stats/latency."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.api.jobs import enqueue, run
from tests.database import Clock, Database


def values(api: Client, **options: object) -> dict[str, float]:
    answer = api.get("/metrics", **options)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_prometheus_reads_the_numbers_of_the_database(api: Client, db: Database) -> None:
    enqueue(db)

    assert values(api)["forge_jobs['default', 'ready']"] == 1


def test_the_server_counts_its_answers_by_route(api: Client, db: Database) -> None:
    job = enqueue(db)
    for path in (f"/jobs/{job}", f"/jobs/{job + 1}", "/no/such/route", "/stats"):
        api.get(path)
    api.post("/stats")
    api.request("BREW", "/stats")

    found = values(api)
    counted = {name: value for name, value in found.items() if name.startswith("forge_api_req")}
    assert counted["forge_api_requests_total['/jobs/{job_id}', '200', 'GET']"] == 1
    assert counted["forge_api_requests_total['/jobs/{job_id}', '404', 'GET']"] == 1
    assert counted["forge_api_requests_total['(none)', '404', 'GET']"] == 1
    assert counted["forge_api_requests_total['/stats', '200', 'GET']"] == 1
    assert sum(counted.values()) == 6
    assert found["forge_api_viewers[]"] == 0


def test_two_servers_in_one_process_count_apart(make_api: Callable[..., Client]) -> None:
    one, other = make_api(), make_api()
    one.get("/health/live")

    assert not any("health" in name for name in values(other))


def test_a_scrape_needs_the_right_to_read(make_api: Callable[..., Client]) -> None:
    api = make_api(tokens=TOKENS)

    problem(api.get("/metrics"), 401, "JQ401")
    problem(api.get("/metrics", headers=bearer("worker")), 403, "JQ403")
    assert values(api, headers=bearer("viewer"))


def test_warnings_are_listed(api: Client, db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => 'lonely')")
    db.rows("select forge.pause('halted')")

    found = {item["code"]: item for item in api.get("/warnings").json()["items"]}
    assert set(found["no_worker"]) == {"code", "severity", "sentence", "hint", "queue", "since"}
    assert (found["no_worker"]["queue"], found["no_worker"]["since"]) == ("lonely", None)
    assert found["paused"]["since"] is not None


def test_latency_says_what_it_covers(api: Client, db: Database, clock: Clock) -> None:
    clock.freeze()
    for _ in range(2):
        clock.advance(seconds=1)
        db.rows("select forge.tick()")
    enqueue(db)
    run(db)
    db.rows("select forge.complete(id, lease) from forge.jobs")
    for _ in range(2):
        clock.advance(seconds=1)
        db.rows("select forge.tick()")

    answer = api.get("/stats/latency", params={"since_seconds": 60, "bucket_seconds": 60}).json()
    assert (answer["since_seconds"], answer["bucket_seconds"]) == (60, 60)
    (item,) = answer["items"]
    assert list(item) == [
        "at",
        "queue",
        "jobs",
        "wait_p50_seconds",
        "wait_p95_seconds",
        "wait_p99_seconds",
        "run_p50_seconds",
        "run_p95_seconds",
        "run_p99_seconds",
    ]
    assert (item["queue"], item["jobs"]) == ("*", 1)
    assert 0 <= item["run_p50_seconds"] <= 0.001
    by_queue = api.get("/stats/latency", params={"by_queue": True, "bucket_seconds": 300}).json()
    assert [row["queue"] for row in by_queue["items"]] == ["default"]
    (row, *_) = api.get("/stats/latency", params={"queue": "none"}).json()["items"]
    assert (row["jobs"], row["wait_p99_seconds"]) == (0, None)


def test_a_span_out_of_range_is_a_problem(api: Client) -> None:
    problem(api.get("/stats/latency", params={"since_seconds": 9}), 422, "JQ001")
    problem(
        api.get("/stats/latency", params={"since_seconds": 7200, "by_queue": True}), 422, "JQ001"
    )


def test_history_by_queue(api: Client, db: Database, clock: Clock) -> None:
    enqueue(db)
    run(db)
    db.rows("select forge.complete(id, lease) from forge.jobs")
    clock.advance(seconds=2)
    db.rows("select forge.tick()")

    params = {"by_queue": True, "since_seconds": 60}
    items = api.get("/stats/history", params=params).json()["items"]
    assert [(row["queue"], row["completed"], row["enqueued"]) for row in items] == [
        ("default", 1, None)
    ]
