"""77_payload_index: statements that index payloads, and searches that use them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.database import Database
from tests.procedures.calls import Calls

INDEXES = """
select c.relname as name from pg_index as i join pg_class as c on c.oid = i.indexrelid
where c.relname ~ '^(job|history|dead_job)_payload_idx$' and i.indisvalid order by c.relname
"""


def build(call: Calls, tables: Sequence[str]) -> list[str]:
    """Run what is to be run, as psql's gexec does."""
    statements = [row["index_payloads"] for row in call.rows("index_payloads", tables=list(tables))]
    for statement in statements:
        call.select(statement)
    return statements


def indexes(call: Calls) -> list[str]:
    return [row["name"] for row in call.select(INDEXES)]


def test_indexes_are_made_and_dropped_as_they_are_wanted(db: Database, call: Calls) -> None:
    call.rows("tick")

    build(call, ["jobs", "history", "dead_jobs"])
    assert indexes(call) == ["dead_job_payload_idx", "history_payload_idx", "job_payload_idx"]
    assert build(call, ["dead_jobs", "jobs", "history"]) == []

    build(call, ["history"])
    assert indexes(call) == ["history_payload_idx"]
    build(call, [])
    assert indexes(call) == []
    assert build(call, []) == []


def test_a_day_that_begins_later_is_indexed_by_itself(db: Database, call: Calls) -> None:
    build(call, ["history"])
    call.rows("tick")

    assert call.one("select count(*) > 1 from pg_partition_tree('forge.history') where isleaf")
    assert build(call, ["history"]) == []


def test_a_day_that_begins_while_others_are_indexed_is_told_of(db: Database, call: Calls) -> None:
    first, *rest = (
        row["index_payloads"] for row in call.rows("index_payloads", tables=["history"])
    )
    call.select("create table forge.history_19700101 (like forge.history)")
    call.select(first)
    call.select(
        "alter table forge.history attach partition forge.history_19700101 "
        "for values from ('1970-01-01Z') to ('1970-01-02Z')"
    )
    for statement in rest:
        call.select(statement)

    build(call, ["history"])

    assert indexes(call) == ["history_payload_idx"]
    assert build(call, ["history"]) == []


def test_a_build_that_broke_off_is_begun_anew(db: Database, call: Calls) -> None:
    build(call, ["jobs"])
    call.select(
        "update pg_index set indisvalid = false where indexrelid = 'forge.job_payload_idx'::regclass"
    )

    statements = build(call, ["jobs"])

    assert [statement.split(" concurrently")[0] for statement in statements] == [
        "drop index",
        "create index",
    ]
    assert indexes(call) == ["job_payload_idx"]


@pytest.mark.parametrize("tables", [["all"], None, [None]])
def test_tables_that_are_none_are_refused(call: Calls, tables: object) -> None:
    call.refusal("JQ001", "index_payloads", tables=tables)


FILL = """
insert into forge.jobs (scheduled_at, created_at, priority, status, queue, type, payload)
select forge.now(), forge.now(), 0, 'PENDING', 'hay', 'hay', jsonb_build_object('n', i, 'all', 1)
from generate_series(1, 23000) as i
"""


def test_a_rare_payload_is_found_at_once_where_it_is_indexed(db: Database, call: Calls) -> None:
    needles = [call.enqueue(payload={"to": "a", "n": 0}), call.enqueue(payload={"to": "b", "n": 0})]
    call.select(FILL)
    dead = call.dead(queue="q", payload={"to": "a"})
    filter = {"payload_contains": {"n": 0}, "status": "PENDING"}
    assert call.row("search_jobs", **filter)["next"] is not None

    build(call, ["jobs", "dead_jobs"])

    assert call.row("search_jobs", **filter)["ids"] == needles[::-1]
    assert call.row("search_jobs", max_rows=1, before=needles[1], **filter)["ids"] == needles[:1]
    assert call.row("count_jobs", **filter) == {"count": 2, "capped": False}
    assert call.row("search_jobs", **{**filter, "payload_contains": {"n": 0, "to": "a"}})[
        "ids"
    ] == [needles[0]]
    assert call.row("search_dead", payload={"to": "a"})["ids"] == [dead]
    # The history, where such jobs may be as well, has no index.
    assert call.row("search_jobs", payload_contains={"n": 0})["next"] is not None


def test_a_payload_that_most_have_is_walked_to(db: Database, call: Calls) -> None:
    needle = call.enqueue(type="needle", payload={"all": 1})
    call.select(FILL)
    build(call, ["jobs"])

    page = call.row("search_jobs", payload_contains={"all": 1}, type="needle", status="PENDING")

    assert page["ids"] == []
    assert page["next"] > needle
