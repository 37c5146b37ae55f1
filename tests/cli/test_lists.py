"""`forge jobs`, `forge dlq` by filter; `forge retry`, `forge children`, `forge index-payloads`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Forge
from tests.database import Database

HAY = """
insert into forge.jobs (scheduled_at, created_at, priority, status, queue, type, payload)
select now(), now(), 0, 'PENDING', 'default', 'hay', '{}' from generate_series(1, 23000)
"""


def test_jobs_are_listed_and_counted_by_filter(forge: Forge, db: Database) -> None:
    wanted = db.value("""select forge.enqueue('a', '{"to": "x"}', tags => '{t}')""")
    db.rows("select forge.enqueue('b')")
    for options in (
        ("--payload", '{"to": "x"}'),
        ("--tag", "t", "--created-after", "2020-01-01T00:00:00+0000"),
    ):
        assert [row["id"] for row in forge("jobs", *options, "--json").json] == [wanted]
        assert forge("jobs", *options, "--count").out == "1\n"
        assert forge("jobs", *options, "--count", "--json").json == {"count": 1, "capped": False}
    assert forge("jobs", "--created-before", "2020-01-01T00:00:00+0000", "--count").out == "0\n"
    assert forge("jobs", "--payload", "{").code == 2
    assert forge("jobs", "--payload", "5").code == 1


def test_dead_jobs_are_listed_and_counted_by_filter(forge: Forge, dead: Callable[..., int]) -> None:
    wanted = dead("timeout")
    dead("other")
    options = ("--error", "TIMEOUT", "--died-before", "2999-01-01T00:00:00+0000")
    assert [row["id"] for row in forge("dlq", *options, "--json").json] == [wanted]
    assert forge("dlq", "list", *options, "--count").out == "1\n"
    assert forge("dlq", "--tag", "t", "--payload", '{"n": 1}', "--json").json == []


def test_a_search_that_stops_early_says_where_to_go_on(forge: Forge, db: Database) -> None:
    db.rows("select forge.enqueue('needle')")
    db.rows(HAY)
    first = forge("jobs", "--type", "needle", "--json")
    assert first.json == []
    assert "go on with --before" in first.err
    assert "or more" in forge("jobs", "--type", "needle", "--count").out


def test_many_are_run_now_or_again(forge: Forge, db: Database) -> None:
    later = db.value("select forge.enqueue('a', scheduled_at => '2040-01-01Z')")
    assert forge("retry", "--type", "a", "--dry-run").out == "1 jobs match\n"
    assert forge("retry", "--type", "a").out == "1 jobs due, 0 skipped\n"
    forge("job", later, "--cancel")
    assert forge("retry", "--status", "CANCELLED", "--json").json["changed"] == 1
    assert db.value("select status from forge.job(%s)", later) == "PENDING"
    assert forge("retry").code == 2
    assert forge("retry", "--status", "DEAD").code == 1


def test_the_children_of_a_job_are_listed(forge: Forge, db: Database) -> None:
    parent = db.value("select forge.enqueue('a')")
    child = db.value("select forge.enqueue('b', depends_on => array[%s::bigint])", parent)
    assert [row["id"] for row in forge("children", parent, "--json").json] == [child]
    assert "WAITING" in forge("children", parent).out


def test_payloads_are_indexed_where_it_is_wanted(forge: Forge, db: Database) -> None:
    def indexed() -> set[str]:
        rows = db.rows("select indexname as name from pg_indexes where indexname ~ '_payload_idx$'")
        return {row["name"] for row in rows} & {"job_payload_idx", "dead_job_payload_idx"}

    assert "create index concurrently" in forge("index-payloads", "dead_jobs", "--dry-run").out
    assert indexed() == set()
    forge("index-payloads", "dead_jobs", "jobs")
    assert indexed() == {"job_payload_idx", "dead_job_payload_idx"}
    assert forge("index-payloads", "dead_jobs", "jobs").out == "nothing to do\n"
    assert len(forge("index-payloads", "--none", "--json").json) == 2
    assert indexed() == set()
    forge("index-payloads")
    assert indexed() == {"dead_job_payload_idx"}


@pytest.mark.parametrize("args", [("index-payloads", "all"), ("index-payloads", "jobs", "--none")])
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge(*args).code == 2
