"""GET /jobs and /dlq by filter, /jobs/count, /dlq/count, POST /jobs/retry, children, ETags."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.api.jobs import dead, enqueue, run
from tests.database import Database


def ids(api: Client, path: str, **query: Any) -> list[int]:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


@pytest.mark.parametrize("path", ["/jobs", "/dlq"])
def test_jobs_are_found_by_time_and_tag(api: Client, db: Database, path: str) -> None:
    wanted = dead(db, tags=["x"])
    other = dead(db)
    noon = "2020-01-01T12:00:00Z"
    for table, id, at in (("dead_jobs", wanted, "2020-01-01T11:59Z"), ("dead_jobs", other, noon)):
        db.rows(f"update forge.{table} set created_at = %s where id = %s", at, id)

    assert ids(api, path, tag="x") == [wanted]
    assert ids(api, path, created_before=noon) == [wanted]
    assert ids(api, path, created_after="2020-01-01T13:00:00+01:00") == [other]
    assert api.get(f"{path}/count", params={"created_after": noon}).json() == {
        "count": 1,
        "capped": False,
    }


PAYLOAD = {"to": "a@b.c", "n": 7, "deep": {"ok": True, "none": None, "text": "7"}, "list": [1, 2]}


def test_jobs_are_found_by_what_their_payload_contains(api: Client, db: Database) -> None:
    wanted = enqueue(db, payload=json.dumps(PAYLOAD))
    enqueue(db, payload='{"to": "x@y.z", "n": 8, "deep": {"ok": false, "text": 7}}')

    for query in (
        {"payload": '{"to": "a@b.c"}'},
        {"payload": '{"list": [2]}'},
        {"payload": '{"deep": {"text": "7"}}'},  # in a path a number is one
        {"payload.to": "a@b.c"},
        {"payload.n": "7"},
        {"payload.n": "7.0"},
        {"payload.deep.ok": "true"},
        {"payload.deep.none": "null"},
        {"payload.to": "a@b.c", "payload.n": "7"},
        {"payload.deep.ok": "true", "payload": '{"deep": {"none": null}, "n": 7}'},
    ):
        assert ids(api, "/jobs", **query) == [wanted], query
        assert api.get("/jobs/count", params=query).json() == {"count": 1, "capped": False}
        assert ids(api, "/dlq", **query) == []


def test_the_digits_of_a_number_are_kept(api: Client, db: Database) -> None:
    wanted = enqueue(db, payload='{"n": 123456789012345678901234567890}')
    enqueue(db, payload='{"n": 123456789012345678901234567891}')

    assert ids(api, "/jobs", **{"payload.n": "123456789012345678901234567890"}) == [wanted]


@pytest.mark.parametrize("path", ["/jobs", "/jobs/count", "/dlq", "/dlq/count"])
def test_a_filter_that_cannot_be_is_named(api: Client, path: str) -> None:
    for query, field in (
        ({"payload": "{"}, "payload"),
        ({"payload": "5"}, "payload"),
        ({"payload": "null"}, "payload"),
        ({"payload.": "x"}, "payload."),
        ({"payload.a..b": "x"}, "payload.a..b"),
        ({"payload.a": "1", "payload": '{"a": 1}'}, "payload.a"),
        ({"payload.a.b": "1", "payload": '{"a": 1}'}, "payload.a.b"),
        ({"payload.a": "1", "payload": "[]"}, "payload.a"),
        ({"payloads": "{}"}, "payloads"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2030-01-01"}, "created_before"),
    ):
        found = problem(api.get(path, params=query), 422, "JQ001")
        assert [error["field"] for error in found["errors"]] == [field], query
    both = api.get(path, params={"payload.a": "1", "payload.a.b": "2"})
    assert problem(both, 422, "JQ001")["errors"]


def test_a_parameter_given_twice_is_refused(api: Client) -> None:
    answer = api.get("/jobs?payload.a=1&payload.a=2")
    assert problem(answer, 422, "JQ001")["errors"][0]["field"] == "payload.a"


def test_what_sql_refuses_of_a_filter_is_a_problem(api: Client) -> None:
    naive = {"created_after": "2030-01-01T00:00:00"}
    assert "time with a zone" in problem(api.get("/jobs", params=naive), 422, "JQ001")["detail"]
    assert problem(api.get("/jobs/count?status=LOST"), 422, "JQ001")["title"]
    problem(api.get("/jobs", params={"payload.a": "\0"}), 422, "JQ001")


def test_other_routes_take_no_payload(api: Client) -> None:
    assert problem(api.get("/stats?payload.a=1"), 422, "JQ001")


def test_a_search_that_stops_early_says_where_and_goes_on(api: Client, db: Database) -> None:
    wanted = enqueue(db, type="rare")
    db.rows(
        "insert into forge.jobs (scheduled_at, created_at, priority, status, queue, type, payload) "
        "select now(), now(), 0, 'PENDING', 'default', 'common', '{}' "
        "from generate_series(1, 23000)"
    )
    first = api.get("/jobs?type=rare").json()
    assert first["items"] == []
    assert first["next"] > wanted
    assert first["searched_to"] is not None
    assert api.get("/jobs/count?type=rare").json()["capped"] is True

    page, pages = first, 0
    while page["next"] is not None and pages < 300:
        page = api.get("/jobs", params={"type": "rare", "before": page["next"]}).json()
        pages += 1
    assert [job["id"] for job in page["items"]] == [wanted]
    assert (page["next"], page["searched_to"]) == (None, None)


def test_counts_end_at_ten_thousand(api: Client, db: Database) -> None:
    db.rows(
        "insert into forge.jobs (scheduled_at, created_at, priority, status, queue, type, payload) "
        "select now(), now(), 0, 'PENDING', 'default', 'common', '{}' "
        "from generate_series(1, 10050)"
    )
    found = api.get("/jobs/count").json()
    assert found["capped"] is True
    assert 0 < found["count"] <= 10_000
    assert api.get("/dlq/count").json() == {"count": 0, "capped": False}


def test_dead_jobs_are_found_by_error_and_fingerprint(api: Client, db: Database) -> None:
    wanted = dead(db, error="timeout of the receiver")
    other = dead(db)
    (group,) = (
        item for item in api.get("/dlq/groups").json()["items"] if item["sample_id"] == wanted
    )
    for query in ({"error": "TIMEOUT"}, {"fingerprint": group["fingerprint"]}):
        assert ids(api, "/dlq", **query) == [wanted]
        assert api.get("/dlq/count", params=query).json()["count"] == 1
    assert ids(api, "/dlq", died_before="2000-01-01T00:00:00Z") == []
    assert ids(api, "/dlq") == [other, wanted]


def test_many_are_run_now_or_again(api: Client, db: Database) -> None:
    later = [enqueue(db, scheduled_at="2040-01-01T00:00Z", payload='{"a": 1}') for _ in range(2)]
    enqueue(db)
    gone = enqueue(db, tags=["x"])
    api.post(f"/jobs/{gone}/cancel")

    counted = api.post("/jobs/retry", json={"payload": {"a": 1}, "dry_run": True}).json()
    assert (counted["matched"], counted["changed"]) == (2, 0)
    done = api.post("/jobs/retry", json={"payload": {"a": 1}}).json()
    assert (done["changed"], done["more"]) == (2, False)
    assert api.get(f"/jobs/{later[0]}").json()["scheduled_at"] < "2040"
    assert api.post("/jobs/retry", json={"status": "CANCELLED", "tag": "x"}).json()["changed"] == 1
    assert api.get(f"/jobs/{gone}").json()["status"] == "PENDING"
    problem(api.post("/jobs/retry", json={"status": "DEAD"}), 422, "JQ001")


def test_what_is_listed_can_be_changed_by_the_same_filter(api: Client, db: Database) -> None:
    wanted = enqueue(db, payload='{"a": 1}', tags=["x"])
    enqueue(db, payload='{"a": 1}')
    filter = {"payload": {"a": 1}, "tag": "x", "created_after": "2000-01-01T00:00:00Z"}
    for body in (filter, {"ids": [wanted]}, {**filter, "ids": None, "queue": None}):
        assert api.post("/jobs/cancel", json={**body, "dry_run": True}).json()["matched"] == 1
    assert api.post("/jobs/cancel", json={**filter, "payload": None}).json()["changed"] == 1
    assert problem(api.post("/jobs/cancel", json={"payload": 5}), 422, "JQ001")

    buried = dead(db, queue="q", payload='{"b": 1}')
    body = {"created_before": "2000-01-01T00:00:00Z", "payload": {"b": 1}}
    assert api.post("/dlq/retry", json=body).json()["retried"] == 0
    body = {"created_after": "2000-01-01T00:00:00Z", "payload": {"b": 1}}
    assert api.post("/dlq/discard", json={**body, "dry_run": True}).json()["discarded"] == 1
    assert api.post("/dlq/retry", json=body).json()["retried"] == 1
    assert api.get(f"/jobs/{buried}").json()["status"] == "PENDING"


def test_the_children_of_a_job_are_listed(api: Client, db: Database) -> None:
    parent = enqueue(db)
    first = db.value("select forge.enqueue('a', depends_on => array[%s::bigint])", parent)
    second = db.value("select forge.enqueue('b', depends_on => array[%s::bigint])", parent)
    page = api.get(f"/jobs/{parent}/children?limit=1").json()
    assert page["items"] == [
        {
            "id": first,
            "queue": "default",
            "type": "a",
            "status": "WAITING",
            "on_parent_failure": None,
            "error": None,
        }
    ]
    rest = api.get(f"/jobs/{parent}/children", params={"after": page["next"]}).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([second], None)
    assert api.get(f"/jobs/{second}/children").json() == {"items": [], "next": None}


def test_a_job_that_has_not_changed_is_not_sent_again(api: Client, db: Database) -> None:
    job_id = enqueue(db)
    first = api.get(f"/jobs/{job_id}")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["content-type"] == "application/json"

    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = api.get(f"/jobs/{job_id}", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "no-store"
        assert again.headers["x-content-type-options"] == "nosniff"
    run(db)
    changed = api.get(f"/jobs/{job_id}", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "PROCESSING")
    assert changed.headers["etag"] != tag
    problem(api.get("/jobs/1", headers={"If-None-Match": "*"}), 404, "JQ003")


def test_who_sees_less_has_an_etag_of_its_own(make_api: Any, db: Database) -> None:
    api = make_api(tokens=TOKENS)
    job_id = enqueue(db, payload='{"password": "x"}')
    tags = {
        api.get(f"/jobs/{job_id}", headers=bearer(role)).headers["etag"]
        for role in ("viewer", "operator")
    }
    assert len(tags) == 2
