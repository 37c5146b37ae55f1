"""42_log: what a running job tells, how much of it is kept, and who reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls


def log(call: Calls, job: DictRow, message: str | None = "hello", **more: object) -> Any:
    return call.value("log", id=job["id"], lease=job["lease"], message=message, **more)


def lines(call: Calls, job: DictRow, **more: object) -> list[DictRow]:
    return call.rows("job_log", id=job["id"], **more)


def report(call: Calls, *reports: dict[str, Any]) -> list[DictRow]:
    documents = [{k: str(v) if k == "lease" else v for k, v in r.items()} for r in reports]
    return call.rows("report", reports=Jsonb(documents))


def of(job: DictRow, **more: object) -> dict[str, Any]:
    return {"id": job["id"], "lease": job["lease"], **more}


def test_a_line_is_kept_with_its_time_attempt_level_and_data(call: Calls, noon: Clock) -> None:
    job = call.running()

    assert log(call, job, "page 3", level="warning", data={"rows": 200}) is True

    (line,) = lines(call, job)
    assert line.pop("id") > 0
    assert line == {
        "at": noon.now,
        "attempt": 1,
        "level": "warning",
        "message": "page 3",
        "data": {"rows": 200},
    }


def test_lines_come_in_order_and_after_the_last_that_is_known(call: Calls) -> None:
    job, other = call.running(), call.running()
    for n in range(5):
        log(call, job, f"line {n}")
        log(call, other)

    first = lines(call, job, max_rows=2)
    rest = lines(call, job, after=first[-1]["id"])

    assert [line["message"] for line in first + rest] == [f"line {n}" for n in range(5)]
    assert lines(call, job, after=rest[-1]["id"]) == []


def test_a_log_outlives_the_job_and_goes_on_with_the_next_attempt(call: Calls, noon: Clock) -> None:
    job = call.running(max_retries=1)
    log(call, job, "first")
    call.fail(job, retry_in="1 second")
    noon.advance(seconds=1)
    again = call.claim(queue="running")
    log(call, again, "second")
    call.complete(again)

    assert [(line["attempt"], line["message"]) for line in lines(call, job)] == [
        (1, "first"),
        (2, "second"),
    ]


def test_a_stale_lease_writes_nothing(call: Calls) -> None:
    job = call.running()
    stale = {"id": job["id"], "lease": NO_LEASE}
    call.refusal("JQ002", "log", message="hello", **stale)
    call.complete(job)
    call.refusal("JQ002", "log", message="hello", id=job["id"], lease=job["lease"])

    assert lines(call, job) == []


def test_the_queue_may_be_named(call: Calls) -> None:
    job = call.running()
    assert log(call, job, queue="running") is True
    where = {"id": job["id"], "lease": job["lease"], "queue": "elsewhere"}
    call.refusal("JQ002", "log", message="hello", **where)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("JQ001", {"message": None}),
        ("JQ001", {"level": "loud"}),
        ("JQ001", {"level": None}),
        ("JQ005", {"data": {"x": "y" * 4_096}}),
    ],
)
def test_what_cannot_be_kept_is_refused(
    call: Calls, code: str, arguments: dict[str, object]
) -> None:
    job = call.running()
    given = {"id": job["id"], "lease": job["lease"], "message": "hello", **arguments}
    assert call.refusal(code, "log", **given).message_hint


def test_a_long_message_is_cut(call: Calls) -> None:
    job = call.running()
    log(call, job, "m" * 5_000)
    assert len(lines(call, job)[0]["message"]) == 4_000


def test_a_job_has_so_many_lines_and_then_one_that_says_so(call: Calls) -> None:
    call.rows("set_log", lines=3)
    job, other = call.running(), call.running()

    assert [log(call, job, f"line {n}") for n in range(6)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert log(call, other) is True

    found = [(line["level"], line["message"]) for line in lines(call, job)]
    assert found == [
        ("info", "line 0"),
        ("info", "line 1"),
        ("info", "line 2"),
        ("warning", "a job keeps 3 lines; what comes after them is left out"),
    ]


def test_many_lines_in_one_call_are_cut_off_alike(call: Calls) -> None:
    call.rows("set_log", lines=3)
    job = call.running()
    log(call, job, "line 0")
    report(call, of(job, lines=[{"message": f"line {n}"} for n in range(1, 9)]))

    messages = [line["message"] for line in lines(call, job)]
    assert messages[:3] == ["line 0", "line 1", "line 2"]
    assert len(messages) == 4


def test_a_report_takes_progress_and_lines_of_many_jobs(call: Calls, noon: Clock) -> None:
    one, two = call.running(), call.running()

    news = report(
        call,
        of(two, lines=[{"message": "b", "ago": 1.5}, {"message": "c", "level": "error"}]),
        of(one, progress=0.5, note="half", lines=[{"message": "a", "data": [1]}]),
    )

    assert news == []
    view = call.job(one["id"])
    assert (view["progress"], view["progress_note"]) == (0.5, "half")
    assert call.job(two["id"])["progress"] is None
    assert [(x["message"], x["data"]) for x in lines(call, one)] == [("a", [1])]
    # No line is older than its attempt, whatever the worker's clock says.
    assert [(x["message"], x["level"], x["at"]) for x in lines(call, two)] == [
        ("b", "info", noon.now),
        ("c", "error", noon.now),
    ]


def test_lines_of_a_report_are_dated_when_they_were_said(call: Calls, noon: Clock) -> None:
    job = call.running()
    noon.advance(seconds=10)
    report(call, of(job, lines=[{"message": "a", "ago": 1.5}]))
    assert lines(call, job)[0]["at"] == noon.now - timedelta(seconds=1.5)


def test_a_report_names_the_jobs_that_need_attention(call: Calls) -> None:
    good, lost, asked = call.running(), call.running(), call.running()
    call.rows("cancel", id=asked["id"])

    line = {"lines": [{"message": "hello"}]}
    news = report(call, of(good, **line), of(asked, **line), of(lost, **line) | {"lease": NO_LEASE})

    assert news == [
        {"id": lost["id"], "reason": "lease_lost"},
        {"id": asked["id"], "reason": "cancel_requested"},
    ]
    assert [len(lines(call, job)) for job in (good, lost, asked)] == [1, 0, 1]


def test_a_report_fails_no_job_of_its_log(call: Calls) -> None:
    job = call.running()
    hostile = [{"message": "m" * 5_000, "level": "loud", "data": {"x": "y" * 5_000}}, {}]
    report(call, of(job, lines=hostile))

    long, empty = lines(call, job)
    assert (len(long["message"]), long["level"]) == (4_000, "info")
    assert "4096 are kept" in long["data"]["forge_data_error"]
    assert (empty["message"], empty["data"]) == ("", None)


@pytest.mark.parametrize(
    "reports",
    [
        {},
        [1],
        [{}],
        [{"id": 1}],
        [{"id": "1", "lease": str(NO_LEASE)}],
        [{"id": 1.5, "lease": str(NO_LEASE)}],
        [{"id": 1, "lease": "mine"}],
        [{"id": 1, "lease": str(NO_LEASE), "progress": 1.1}],
        [{"id": 1, "lease": str(NO_LEASE), "progress": "half"}],
        [{"id": 1, "lease": str(NO_LEASE), "note": 1}],
        [{"id": 1, "lease": str(NO_LEASE), "lines": "hello"}],
        [{"id": 1, "lease": str(NO_LEASE), "lines": ["hello"]}],
        [{"id": 1, "lease": str(NO_LEASE), "lines": [{"ago": "long"}]}],
        [{"id": 1, "lease": str(NO_LEASE)}] * 1001,
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_report_that_is_none_is_refused(call: Calls, reports: object) -> None:
    assert call.refusal("JQ001", "report", reports=Jsonb(reports)).message_hint


def test_no_report_at_all_is_refused(call: Calls) -> None:
    call.refusal("JQ001", "report", reports=None)
    assert report(call) == []


@pytest.mark.parametrize("arguments", [{"max_rows": 0}, {"max_rows": 1001}, {"after": None}])
def test_a_look_is_bounded(call: Calls, arguments: dict[str, object]) -> None:
    call.refusal("JQ001", "job_log", id=1, **arguments)


@pytest.mark.parametrize(
    "arguments", [{"lines": -1}, {"lines": 100_001}, {"retention": "23 hours"}]
)
def test_settings_are_bounded(call: Calls, arguments: dict[str, object]) -> None:
    call.refusal("JQ001", "set_log", **arguments)


def test_settings_that_are_not_named_stay(call: Calls) -> None:
    call.rows("set_log", lines=5, retention="30 days")
    assert call.row("set_log") == {"retention": timedelta(days=30), "lines": 5}


def test_days_are_made_ahead_and_dropped_with_their_lines(call: Calls, noon: Clock) -> None:
    assert call.tick()["job_logs_partitions_made"] == 4
    job = call.running()
    log(call, job)
    where = "select tableoid::regclass::text ~ 'job_logs_20300102$' from forge.job_logs"
    assert call.one(where) is True

    noon.set("2030-01-09T23:59:00Z")
    call.tick()
    assert len(lines(call, job)) == 1
    noon.set("2030-01-10T00:00:00Z")
    assert call.tick()["job_logs_partitions_dropped"] == 1
    assert lines(call, job) == []


def test_a_line_of_a_day_without_partition_is_kept_in_the_default(call: Calls, noon: Clock) -> None:
    job = call.running()
    log(call, job)
    assert call.tick()["job_logs_partitions_made"] == 3
    assert len(lines(call, job)) == 1
    noon.advance(days=8)
    call.tick()
    assert lines(call, job) == []
