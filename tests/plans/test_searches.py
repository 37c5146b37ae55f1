"""What lists and counts read: as much as they show, or so many jobs and no more."""

from __future__ import annotations

import pytest

from tests.plans.backlog import DUE_BELOW, Reader

LOOKS = 22_000  # of one search: 20,000, and the stretch in which it gets there
PLACES = ("jobs", "dead_jobs", "history_default")


def looked_at(reader: Reader) -> int:
    """Entries read of all the places where jobs are; none of them from end to end."""
    assert not reader.reads.whole_tables & set(PLACES)
    return sum(
        count
        for name, count in reader.reads.tuples.items()
        if name.startswith(("job_", "jobs_", "dead_job_", "dead_jobs_", "history"))
    )


@pytest.mark.parametrize("status", [None, "PENDING", "COMPLETED", "DEAD", "CANCELLED", "WAITING"])
@pytest.mark.parametrize("function", ["search_jobs", "count_jobs"])
def test_a_search_for_what_there_is_not_ends(
    reader: Reader, function: str, status: str | None
) -> None:
    reader.run(f"select * from forge.{function}(type => 'none', status => %(s)s)", s=status)

    assert looked_at(reader) <= 2 * LOOKS


@pytest.mark.parametrize("function", ["search_dead", "count_dead"])
@pytest.mark.parametrize("filter", ["queue => 'default'", "fingerprint => 'f'", "tag => 'x'"])
def test_a_search_among_the_dead_ends(reader: Reader, function: str, filter: str) -> None:
    reader.run(f"select * from forge.{function}({filter}, error_contains => 'none')")

    assert looked_at(reader) <= 2 * LOOKS


def test_a_page_of_dead_jobs_of_a_queue_reads_that_page(reader: Reader) -> None:
    (page,) = reader.run("select * from forge.search_dead(queue => 'default')")

    assert len(page["ids"]) == 50
    assert looked_at(reader) <= 2 * 100 + 10


def test_a_page_without_a_filter_reads_that_page(reader: Reader) -> None:
    (page,) = reader.run("select * from forge.search_jobs()")

    assert len(page["ids"]) == 50
    assert looked_at(reader) <= 100 + 20


def test_what_waits_in_a_queue_of_few_is_read_by_its_index(reader: Reader) -> None:
    reader.setup(
        "update forge.jobs set queue = 'few' where id in "
        "(select id from forge.jobs where queue = 'ahead' order by id limit 20)"
    )

    (page,) = reader.run("select * from forge.search_jobs(queue => 'few', status => 'PENDING')")

    assert len(page["ids"]) == 20
    assert page["next"] is None
    assert looked_at(reader) <= 4 * 20 + 50


def test_more_than_ten_thousand_that_run_are_walked_to(reader: Reader) -> None:
    """They lie below two hundred thousand that wait: the page says where to go on."""
    (page,) = reader.run("select * from forge.search_jobs(status => 'PROCESSING')")

    assert page["ids"] == []
    assert page["next"] is not None
    assert looked_at(reader) <= 10_001 + LOOKS


def test_a_queue_of_many_is_walked(reader: Reader) -> None:
    (page,) = reader.run("select * from forge.search_jobs(queue => 'ahead', status => 'PENDING')")

    assert len(page["ids"]) == 50
    assert looked_at(reader) <= 10_001 + LOOKS


def test_a_time_long_ago_is_gone_to_directly(reader: Reader) -> None:
    old = reader.setup(
        "update forge.jobs set created_at = created_at - interval '1 day' where id in "
        "(select id from forge.jobs order by id limit 30) returning id"
    )

    (page,) = reader.run(
        "select * from forge.search_jobs(created_before => forge.now() - interval '12 hours')"
    )

    assert page["ids"] == sorted((row["id"] for row in old), reverse=True)
    assert page["next"] is None
    assert looked_at(reader) <= 1000


def test_a_page_of_named_ids_reads_these(reader: Reader) -> None:
    wanted = [row["id"] for row in reader.setup("select id from forge.jobs order by id limit 100")]

    rows = reader.run("select id from forge.list_jobs(ids => %(ids)s, max_rows => 100)", ids=wanted)

    assert len(rows) == 100
    assert looked_at(reader) <= 100 * 10


@pytest.mark.parametrize(
    "call",
    [
        "retry_jobs(status => 'PENDING', type => 'none')",
        "retry_jobs(status => 'CANCELLED', type => 'none')",
        "cancel_jobs(type => 'none')",
        "edit_jobs(type => 'none', to_priority => 1)",
    ],
)
def test_a_batch_of_a_change_looks_at_ten_thousand(reader: Reader, call: str) -> None:
    (batch,) = reader.run(f"select * from forge.{call}")

    assert (batch["matched"], batch["more"]) == (0, True)
    assert looked_at(reader) <= 2 * 10_000 + 100


@pytest.mark.parametrize("call", ["retry_jobs", "cancel_jobs", "edit_jobs"])
def test_a_batch_of_named_jobs_reads_these(reader: Reader, call: str) -> None:
    ids = [
        row["id"] for row in reader.setup("select id from forge.jobs order by id desc limit 100")
    ]

    reader.run(f"select * from forge.{call}(ids => %(ids)s, dry_run => true)", ids=ids)

    assert looked_at(reader) <= 500


def test_the_children_of_a_job_are_found_by_an_index(reader: Reader) -> None:
    reader.setup(
        "insert into forge.dependencies (child, parent) "
        "select c, p from generate_series(1, 1000) as c, generate_series(1, 50) as p"
    )

    rows = reader.run("select * from forge.children(7, max_rows => 10)")

    assert len(rows) == 10
    assert "dependencies" not in reader.reads.whole_tables
    assert reader.reads.tuples["dependency_parent_idx"] <= 30


def test_the_few_that_are_due_below_are_walked_to(reader: Reader) -> None:
    """They are the newest: no page is searched for longer than it must be."""
    rows = reader.run("select id from forge.list_jobs(status => 'PENDING', max_rows => 500)")

    assert len(rows) == 500 < DUE_BELOW
    assert looked_at(reader) <= 6 * 800
