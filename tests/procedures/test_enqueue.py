"""10_enqueue: what a job is made of, and every argument that makes none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock, Database, connect
from tests.procedures.calls import Calls

LONGEST = "é" * 200


def test_a_job_is_what_its_arguments_say(call: Calls, noon: Clock) -> None:
    due = noon.now + timedelta(hours=1)
    job_id = call.enqueue(
        type="email",
        payload={"to": ["a@example.com", None, 1.5]},
        queue="mails",
        priority=7,
        scheduled_at=due,
        max_retries=3,
        unique_key="k",
        retry_base="1 second",
        retry_factor=3,
        retry_cap="1 minute",
        retry_jitter=0,
        tags=["a", "b"],
    )

    job = call.job(job_id)
    assert {name: value for name, value in job.items() if value is not None} == {
        "id": job_id,
        "queue": "mails",
        "type": "email",
        "payload": {"to": ["a@example.com", None, 1.5]},
        "priority": 7,
        "status": "PENDING",
        "attempts": 0,
        "max_retries": 3,
        "scheduled_at": due,
        "created_at": noon.now,
        "unique_key": "k",
        "tags": ["a", "b"],
        "errors": [],
        "revivals": 0,
    }


def test_only_the_type_is_needed(call: Calls, noon: Clock) -> None:
    job = call.job(call.value("enqueue", type="email"))

    assert (job["queue"], job["payload"], job["priority"]) == ("default", {}, 0)
    assert (job["max_retries"], job["scheduled_at"]) == (10, noon.now)


@pytest.mark.parametrize(
    "given",
    [
        {"priority": -32768},
        {"priority": 32767},
        {"max_retries": 0},
        {"max_retries": 100000},
        {"type": LONGEST, "queue": LONGEST},
        {"unique_key": "k" * 500},
        {"tags": []},
        {"tags": ["t" * 100] * 20},
        {"retry_base": "0", "retry_factor": 1, "retry_cap": "0", "retry_jitter": 0},
        {"retry_base": "365 days", "retry_factor": 100, "retry_cap": "365 days"},
        {"retry_jitter": 1},
        {"scheduled_at": "1970-01-01Z"},
        {"scheduled_at": "9999-12-31Z"},
    ],
    ids=str,
)
def test_the_last_good_value_is_taken(given: dict[str, object], call: Calls) -> None:
    row = call.select(
        "select j.*, (j.extra).* from forge.jobs as j where id = %s",
        call.enqueue(**given),  # type: ignore[arg-type]
    )[0]

    assert row["status"] == "PENDING"
    assert {k: row[k] for k in given if isinstance(given[k], int)} == {
        k: v for k, v in given.items() if isinstance(v, int)
    }


NAME = "use 1 to 200 characters without control characters"
KEY = "use 1 to 500 characters, at most 1800 bytes"
TAGS = "use at most 20 tags of 1 to 100 characters"
PRIORITY = "use -32768 to 32767"
FINITE = "use a finite time"
YEAR = "use 0 to 365 days"
WRONG: list[tuple[str, object, str, str]] = [
    *(
        (name, value, shown, NAME)
        for name in ("type", "queue")
        for value, shown in (
            (None, "null"),
            ("", ""),
            ("x" * 201, "x" * 200),
            ("a\nb", "a\nb"),
            ("\x01", "\x01"),
            ("a\x7f", "a\x7f"),
        )
    ),
    ("payload", None, "null", "pass a JSON value; '{}' where there is nothing to say"),
    ("priority", None, "null", PRIORITY),
    ("priority", 32768, "32768", PRIORITY),
    ("priority", -32769, "-32769", PRIORITY),
    ("scheduled_at", "infinity", "infinity", FINITE),
    ("scheduled_at", "-infinity", "-infinity", FINITE),
    ("unique_key", "", "", KEY),
    ("unique_key", "k" * 501, "k" * 200, KEY),
    ("unique_key", "\N{GRINNING FACE}" * 451, "\N{GRINNING FACE}" * 200, KEY),  # 1,804 bytes
    ("tags", ["t"] * 21, "{" + ",".join("t" * 21) + "}", TAGS),
    ("tags", [""], '{""}', TAGS),
    ("tags", ["t" * 101], "{" + "t" * 101 + "}", TAGS),
    ("tags", ["a", None], "{a,NULL}", TAGS),
    ("retry_base", "-1 second", "-00:00:01", YEAR),
    ("retry_base", "366 days", "366 days", YEAR),
    ("retry_cap", "-1 second", "-00:00:01", YEAR),
    ("retry_cap", "366 days", "366 days", YEAR),
    ("retry_factor", 0.99, "0.99", "use 1 to 100"),
    ("retry_factor", 100.5, "100.5", "use 1 to 100"),
    ("retry_factor", float("nan"), "NaN", "use 1 to 100"),
    ("retry_factor", float("inf"), "Infinity", "use 1 to 100"),
    ("retry_jitter", -0.1, "-0.1", "use 0 to 1"),
    ("retry_jitter", 1.1, "1.1", "use 0 to 1"),
    ("retry_jitter", float("nan"), "NaN", "use 0 to 1"),
    ("max_retries", -1, "-1", "use 0 to 100000"),
    ("max_retries", 100001, "100001", "use 0 to 100000"),
]


@pytest.mark.parametrize(("argument", "value", "shown", "hint"), WRONG)
def test_a_wrong_argument_is_named_with_its_value(
    argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    before = call.everything()

    diag = call.refusal("JQ001", "enqueue", **{"type": "email", argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert diag.message_detail == f"{argument}={shown}"
    assert diag.message_hint == hint
    assert call.everything() == before


@pytest.mark.parametrize(
    "argument",
    [
        "scheduled_at",
        "max_retries",
        "unique_key",
        "retry_base",
        "retry_factor",
        "retry_cap",
        "retry_jitter",
        "tags",
    ],
)
def test_null_is_the_default_where_that_is_null(argument: str, call: Calls, noon: Clock) -> None:
    given: dict[str, object] = {argument: None}
    plain, nulled = call.job(call.enqueue()), call.job(call.enqueue(**given))  # type: ignore[arg-type]

    assert {**nulled, "id": plain["id"]} == plain


@pytest.mark.parametrize("value", [None, True, 0, "text", [], [1, {}], {}], ids=repr)
def test_any_json_is_a_payload(value: object, call: Calls) -> None:
    assert call.job(call.enqueue(payload=Jsonb(value)))["payload"] == value


def test_an_enqueue_that_is_rolled_back_leaves_nothing(db: Database, call: Calls) -> None:
    before = call.everything()
    with connect(db.dsn) as session:
        other = Calls(session)
        job_id = other.enqueue(unique_key="k")
        assert other.status(job_id) == "PENDING"
        assert call.status(job_id) is None
        session.rollback()

    assert call.everything() == before
    assert call.enqueue(unique_key="k") != job_id
