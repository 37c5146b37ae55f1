"""11_enqueue_many: one job that is none takes all the others down."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls

OBJECT = "use an object with the parameters of enqueue as keys, times with a zone"
TYPES = "use values of the types of enqueue's parameters"


@pytest.mark.parametrize(
    ("jobs", "detail"),
    [
        (None, "null"),
        ("null", "null"),
        ("{}", "{}"),
        ('"x"', '"x"'),
        ("3", "3"),
    ],
)
def test_what_is_no_array_is_refused(jobs: str | None, detail: str, call: Calls) -> None:
    diag = call.refusal("JQ001", "enqueue_many", jobs=jobs)

    assert diag.message_primary == "jobs is not valid"
    assert diag.message_detail == f"jobs={detail}"
    assert diag.message_hint == "pass an array of objects"


@pytest.mark.parametrize(
    "wrong",
    [
        1,
        None,
        "email",
        ["email"],
        {"type": "t", "delay": 5},
        {"Type": "t"},
        *(
            {"type": "t", "scheduled_at": at}
            for at in (
                "2030-01-02T03:04:05",
                "2030-01-02 03:04",
                "2030-01-02",
                "20300102",
                "now",
                "tomorrow",
                "infinity",
                "-infinity",
                "",
                5,
            )
        ),
    ],
    ids=str,
)
def test_a_job_that_is_none_is_named_by_its_place(wrong: object, call: Calls) -> None:
    jobs = Jsonb([{"type": "t"}, wrong, {"type": ""}])

    diag = call.refusal("JQ001", "enqueue_many", jobs=jobs)

    assert diag.message_primary == "jobs[1] is not valid"
    assert (diag.message_detail or "").startswith("jobs[1]=")
    assert diag.message_hint == OBJECT


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": "high"},
        {"priority": 1.5},
        {"priority": True},
        {"max_retries": 3_000_000_000},
        {"retry_base": "soon"},
        {"retry_factor": [2]},
        {"tags": "word"},
        {"tags": "{x}"},
        {"type": 5},
        {"type": {"a": 1}},
        {"queue": True},
        {"unique_key": 7},
        {"retry_base": 5},
        {"retry_cap": 5},
        {"tags": {"a": 1}},
        {"scheduled_at": "2030-13-45T00:00:00Z"},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_is_refused(wrong: dict[str, object], call: Calls) -> None:
    diag = call.refusal("JQ001", "enqueue_many", jobs=Jsonb([{"type": "t", **wrong}]))

    assert diag.message_primary == "jobs is not valid"
    assert diag.message_hint == TYPES


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"type": None}, "type"),
        ({"type": ""}, "type"),
        ({"type": "t" * 201}, "type"),
        ({"queue": "a\tb"}, "queue"),
        ({"queue": ""}, "queue"),
        ({"priority": 32768}, "priority"),
        ({"priority": -32769}, "priority"),
        ({"unique_key": ""}, "unique_key"),
        ({"unique_key": "k" * 501}, "unique_key"),
        ({"tags": ["t"] * 21}, "tags"),
        ({"tags": ["a", None]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 100001}, "max_retries"),
        ({"retry_base": "-1 second"}, "retry_base"),
        ({"retry_factor": 0.5}, "retry_factor"),
        ({"retry_factor": "NaN"}, "retry_factor"),
        ({"retry_cap": "366 days"}, "retry_cap"),
        ({"retry_jitter": 2}, "retry_jitter"),
    ],
    ids=str,
)
def test_what_enqueue_would_refuse_takes_all_down(
    wrong: dict[str, object], argument: str, call: Calls
) -> None:
    before = call.everything()
    jobs = Jsonb([{"type": "t"}, {"type": "t", **wrong}, {"type": "t"}])

    diag = call.refusal("JQ001", "enqueue_many", jobs=jobs)

    assert diag.message_primary == f"{argument} is not valid"
    assert call.everything() == before


def test_a_payload_too_large_takes_all_down(call: Calls) -> None:
    before = call.everything()

    for payload in ("x" * (1024 * 1024 - 1), [10**131071] * 9):
        jobs = Jsonb([{"type": "t"}, {"type": "t", "payload": payload}], dumps=_dumps)
        assert call.refusal("JQ005", "enqueue_many", jobs=jobs).message_primary == (
            "payload is too large"
        )

    assert call.everything() == before


def _dumps(value: object) -> str:
    """JSON with powers of ten in short, as Python writes no number of 131,072 digits."""
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f'"{k}":{_dumps(v)}' for k, v in value.items()) + "}"
    return "1e131071" if isinstance(value, int) else f'"{value}"'
