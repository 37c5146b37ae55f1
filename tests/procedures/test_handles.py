"""16_handles: jobs of one enqueue_many that depend on each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls
from tests.procedures.flows import complete, left_to_the_tick, open_edges, parents

Job = Mapping[str, object]


def ids(call: Calls, *jobs: Job) -> list[int]:
    return [row["id"] for row in call.enqueue_many(*jobs)]


def test_jobs_of_a_call_depend_on_each_other_and_on_others(call: Calls) -> None:
    (other,) = parents(call, 1)
    plain, join, left, right = ids(
        call,
        {"type": "plain"},
        {"type": "join", "depends_on": ["left", other, "right"], "on_parent_failure": "run"},
        {"type": "left", "handle": "left"},
        {"type": "right", "handle": "right", "depends_on": ["left"], "priority": 5},
    )
    assert open_edges(call) == sorted([(join, left), (join, right), (join, other), (right, left)])
    assert [call.status(i) for i in (plain, join, left, right)] == [
        "PENDING", "WAITING", "PENDING", "WAITING",
    ]  # fmt: skip
    assert call.job(join)["on_parent_failure"] == "run"
    # nobody can end a job of this call unseen, but the other one
    assert left_to_the_tick(call) == [(join, "look")]


def test_a_flow_of_handles_alone_leaves_nothing_to_the_tick(call: Calls) -> None:
    ids(call, {"type": "a", "handle": "a"}, {"type": "b", "depends_on": ["a"]})
    assert left_to_the_tick(call) == []


def test_a_handle_is_known_in_its_call_only(call: Calls) -> None:
    ids(call, {"type": "a", "handle": "a"})
    diag = call.refusal("JQ001", "enqueue_many", jobs='[{"type": "b", "depends_on": ["a"]}]')
    assert diag.message_detail == 'depends_on="a"'


def test_a_number_in_quotes_is_a_handle(call: Calls) -> None:
    seven, child = ids(call, {"type": "a", "handle": "7"}, {"type": "b", "depends_on": ["7"]})
    assert open_edges(call) == [(child, seven)]


def test_a_wide_flow_runs_through(call: Calls) -> None:
    made = ids(
        call,
        {"type": "start", "handle": "start", "queue": "parents"},
        *({"type": "m", "handle": f"m{n}", "depends_on": ["start"], "queue": "parents"}
          for n in range(20)),
        {"type": "end", "depends_on": [f"m{n}" for n in range(20)], "queue": "parents"},
    )  # fmt: skip
    for job_id in made:
        complete(call, job_id)
    assert {call.status(job_id) for job_id in made} == {"COMPLETED"}


@pytest.mark.parametrize(
    "jobs",
    [
        [{"type": "a", "handle": "a", "depends_on": ["a"]}],
        [
            {"type": "a", "handle": "a", "depends_on": ["b"]},
            {"type": "b", "handle": "b", "depends_on": ["a"]},
        ],
        [
            {"type": "x", "handle": "x"},
            {"type": "a", "handle": "a", "depends_on": ["c", "x"]},
            {"type": "b", "handle": "b", "depends_on": ["a"]},
            {"type": "c", "handle": "c", "depends_on": ["b"]},
            {"type": "y", "depends_on": ["c"]},
        ],
    ],
    ids=len,
)
def test_a_circle_is_refused(call: Calls, jobs: list[Job]) -> None:
    before = call.everything()
    refuse_circle(call, jobs)
    assert call.everything() == before


def refuse_circle(call: Calls, jobs: list[Job]) -> None:
    diag = call.refusal("JQ001", "enqueue_many", jobs=Jsonb(jobs))
    assert diag.message_primary == "depends_on is not valid"
    assert diag.message_hint == "a job cannot wait for itself, nor for one that waits for it"


def test_a_circle_that_a_taken_key_closes_is_refused(call: Calls) -> None:
    # the second is the first, by its key: it would wait for the third, which waits for it
    refuse_circle(
        call,
        [
            {"type": "a", "unique_key": "k", "depends_on": ["c"]},
            {"type": "a", "unique_key": "k", "handle": "b"},
            {"type": "c", "handle": "c", "depends_on": ["b"]},
        ],
    )


def test_jobs_that_name_later_ones_are_no_circle(call: Calls) -> None:
    depth = 300
    made = ids(
        call,
        *({"type": "t", "handle": f"h{n}", "depends_on": [f"h{n + 1}"]} for n in range(depth)),
        {"type": "t", "handle": f"h{depth}"},
    )
    assert open_edges(call) == list(pairwise(made))


def test_a_job_whose_key_is_taken_is_a_parent_and_keeps_its_own(call: Calls) -> None:
    holder = call.enqueue("a", unique_key="k")
    found, child = call.enqueue_many(
        {"type": "a", "unique_key": "k", "handle": "a", "depends_on": ["b"]},
        {"type": "b", "handle": "b", "depends_on": ["a"]},
    )
    assert (found["id"], found["created"]) == (holder, False)
    assert open_edges(call) == [(child["id"], holder)]
    assert left_to_the_tick(call) == [(child["id"], "look")]


@pytest.mark.parametrize(
    ("job", "argument"),
    [
        ({"handle": ""}, "handle"),
        ({"handle": "x\n"}, "handle"),
        ({"handle": "b"}, "handle"),
        ({"handle": 1}, "jobs"),
        ({"depends_on": "a"}, "jobs"),
        ({"depends_on": [1.5]}, "depends_on"),
        ({"depends_on": [0]}, "depends_on"),
        ({"depends_on": [-3]}, "depends_on"),
        ({"depends_on": [10**30]}, "depends_on"),
        ({"depends_on": [None]}, "depends_on"),
        ({"depends_on": [["b"]]}, "depends_on"),
        ({"depends_on": ["nobody"]}, "depends_on"),
        ({"depends_on": ["b"], "on_parent_failure": "explode"}, "on_parent_failure"),
        ({"batch": "b"}, "jobs"),
        ({"batch": 1.5}, "batch"),
    ],
    ids=repr,
)
def test_what_makes_no_flow_is_refused(call: Calls, job: Job, argument: str) -> None:
    jobs = Jsonb([{"type": "a", **job}, {"type": "b", "handle": "b"}])
    diag = call.refusal("JQ001", "enqueue_many", jobs=jobs)
    assert diag.message_primary == f"{argument} is not valid"


def test_an_unknown_id_is_refused(call: Calls) -> None:
    jobs = f'[{{"type": "a", "depends_on": [{2**59}]}}]'
    assert call.refusal("JQ003", "enqueue_many", jobs=jobs).message_detail == f"id={2**59}"


def test_other_options_still_hold_in_a_flow(call: Calls) -> None:
    _, child = ids(
        call,
        {"type": "a", "handle": "a"},
        {"type": "b", "depends_on": ["a"], "tags": ["x"], "max_retries": 3, "timeout": "1 minute"},
    )
    row = call.job(child)
    assert (row["tags"], row["max_retries"], row["status"]) == (["x"], 3, "WAITING")
