"""The end of one of many parents reads a few entries, however many there are, in any order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.plans.backlog import Reader, reading

PARENTS = 3000
FAN_IN = """
select forge.enqueue_batch(
    (
        select jsonb_agg('{"type": "parent", "queue": "parents"}'::jsonb)
        from generate_series(1, %(n)s)
    ),
    'callback'
)
"""
CLAIMS = "select id, lease from forge.dequeue('parents', 'w', 1000)"


@pytest.fixture
def flow(db: Database) -> Iterator[Reader]:
    """A session in which a job waits for many, with statistics of an empty table."""
    db.rows("analyze forge.open_dependencies")
    db.rows("alter table forge.open_dependencies set (autovacuum_enabled = off)")
    with reading(db) as reader:
        reader.setup(FAN_IN, n=PARENTS)
        yield reader


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_the_end_of_a_parent_reads_a_few_edges(flow: Reader, order: int) -> None:
    """Nothing that this transaction has closed can be cleaned up: the dead entries stay."""
    claims = [row for _ in range(3) for row in flow.setup(CLAIMS)][::order]
    reads = []
    for claim in claims[:-1:10]:
        flow.run("select forge.complete(%(id)s, %(lease)s)", **claim)
        reads.append(flow.reads.tuples.get("open_dependencies_pkey", 0))
        assert "open_dependencies" not in flow.reads.whole_tables
    assert max(reads) <= 70
    ends = {"ids": [c["id"] for c in claims], "leases": [c["lease"] for c in claims]}
    flow.run(
        "select count(*) from forge.complete_many(%(ids)s::bigint[], %(leases)s::uuid[])", **ends
    )
    assert flow.setup("select status from forge.jobs") == [{"status": "PENDING"}]


def test_who_nobody_waits_for_costs_one_probe(flow: Reader) -> None:
    flow.setup("select forge.enqueue('plain')")
    (claim,) = flow.setup("select id, lease from forge.dequeue()")
    flow.run("select forge.complete(%(id)s, %(lease)s)", **claim)
    assert flow.reads.scans["open_dependency_parent_idx"] == 1
    assert not {"open_dependencies_pkey", "dependencies_pkey"} & flow.reads.scans.keys()
    assert flow.reads.tuples.get("open_dependency_parent_idx", 0) == 0


@pytest.mark.parametrize("policy", ["wait", "cancel"])
def test_a_child_is_reached_by_its_id_among_all_that_wait(flow: Reader, policy: str) -> None:
    flow.setup("select count(forge.open_batch('waits')) from generate_series(1, 2000)")
    flow.setup("select forge.enqueue('parent', queue => 'one')")
    (claim,) = flow.setup("select id, lease from forge.dequeue('one')")
    flow.setup(
        "select forge.enqueue('child', depends_on => array[%(id)s], on_parent_failure => %(p)s)",
        id=claim["id"],
        p=policy,
    )
    end = (
        "complete(%(id)s, %(lease)s)"
        if policy == "wait"
        else "fail(%(id)s, %(lease)s, 'no', false)"
    )
    flow.run(f"select forge.{end}", **claim)
    assert "jobs" not in flow.reads.whole_tables
    assert flow.reads.jobs <= 30
