"""Jobs that wait for others, and batches."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="flow-both-say-the-other",
        file="32_flows",
        old="return case when found then 'perhaps' else 'no' end;",
        new="return case when found then 'yes' else 'no' end;",
        defence="that of two last parents that end at once one frees the child",
        near=("concurrency/test_flow_races",),
    ),
    Mutant(
        name="flow-before-the-other-has-ended",
        file="32_flows",
        old="return case when found then 'perhaps' else 'no' end;",
        new="return 'no';",
        defence="that a child waits for an end that may still be undone",
        near=("concurrency/test_flow_races",),
    ),
    Mutant(
        name="flow-waits-for-rows",
        file="32_flows",
        old="        for no key update skip locked\n",
        new="        for no key update\n",
        defence="that who ends a job waits for no child",
        near=("concurrency/test_flow_races",),
    ),
    Mutant(
        name="flow-forgets-locked-children",
        file="32_flows",
        old="    if cardinality(v_ids) < cardinality(_free.children) then",
        new="    if false then",
        defence="that a child whose row is locked is left to the tick",
        near=("concurrency/test_flow_races",),
    ),
    Mutant(
        name="flow-forgets-locked-children-that-are-cancelled",
        file="32_flows",
        old="    if cardinality(v_ids) < cardinality(_cancel_waiting.children) then",
        new="    if false then",
        defence="that a child that is to be cancelled and whose row is locked is left to the tick",
        near=("concurrency/test_flow_races",),
    ),
    Mutant(
        name="flow-ends-with-its-first-level",
        file="32_flows",
        old="v_front := case when v_cancel is not null then "
        "forge._cancel_waiting(v_cancel, _spread.at) end;",
        new="perform forge._cancel_waiting(v_cancel, _spread.at); v_front := null;",
        defence="that a cancellation goes all the way down a flow",
        near=("procedures/test_flows",),
    ),
    Mutant(
        name="flow-believes-an-old-look",
        file="67_ripe",
        old="        if v_edge.changing and not v_edge.past then",
        new="        if false then",
        defence="that the tick looks again at parents that are just ending",
        near=("concurrency/test_flow_races", "procedures/test_ripe"),
    ),
    Mutant(
        name="flow-past-too-soon",
        file="67_ripe",
        old="return (_is_past.horizon between '1' and pg_snapshot_xmin(pg_current_snapshot()))"
        " is true;",
        new="return true;",
        defence="that the tick waits for those who began before",
        near=("concurrency/test_flow_races", "procedures/test_ripe"),
    ),
    Mutant(
        name="batch-without-a-gate",
        file="33_batches",
        old="    if not pg_try_advisory_xact_lock_shared("
        "forge._lock_space('batch'), forge._claim_key(_join_batch.batch))\n    then",
        new="    if false then",
        defence="the gate of a batch, held by who adds to it",
        near=("concurrency/test_flow_races", "procedures/test_batches"),
    ),
    Mutant(
        name="batch-closed-over-others",
        file="33_batches",
        old="        and pg_try_advisory_xact_lock("
        "forge._lock_space('batch'), forge._claim_key(_close_batch.batch))\n",
        new="",
        defence="the gate of a batch, taken by who closes it",
        near=("concurrency/test_flow_races", "procedures/test_batches"),
    ),
    Mutant(
        name="batch-that-waits-for-itself",
        file="33_batches",
        old="    if v_comes_round then",
        new="    if false then",
        defence="that no job waits for its own batch",
        near=("procedures/test_batches",),
    ),
    Mutant(
        name="batch-tied-from-both-sides",
        file="33_batches",
        old="    if v_meets_batch and not pg_try_advisory_xact_lock("
        "forge._lock_space('batch'), 0) then",
        new="    if false then",
        defence="that two batches cannot be tied to each other at once",
        near=("concurrency/test_flow_races",),
    ),
)
