"""What comes in: unique keys, sizes, full queues."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="payload-of-any-size",
        file="10_enqueue",
        old="    perform forge._check_size('payload', job.payload);\n",
        new="",
        defence="the size limit of payloads in enqueue",
        near=("procedures/test_enqueue_sizes", "procedures/test_enqueue"),
    ),
    Mutant(
        name="unique-spent-at-once",
        file="12_unique",
        old="        v_id := forge._spent_by(job, at);",
        new="        v_id := null;",
        defence="unique_for: a key stays taken after its job",
        near=("procedures/test_unique",),
    ),
    Mutant(
        name="unique-spent-for-ever",
        file="12_unique",
        old="            and s.until > _spent_by.at\n",
        new="",
        defence="that a spent key is free again after unique_for",
        near=("procedures/test_unique",),
    ),
    Mutant(
        name="unique-in-its-queue-only",
        file="12_unique",
        old="select case when $2 = 'global' then '' else $1 end;",
        new="select $1;",
        defence="unique_scope => global",
        near=("procedures/test_unique",),
    ),
    Mutant(
        name="unique-overwrites-what-runs",
        file="12_unique",
        old="    elsif v_holder.status = 'PROCESSING' then\n",
        new="    elsif false then\n",
        defence="that what is said of a running job's key is not lost in it",
        near=("procedures/test_unique",),
    ),
    Mutant(
        name="unique-without-the-row",
        file="12_unique",
        old="        where j.id = holder and j.unique_key = job.unique_key\n        for update;",
        new="        where j.id = holder and j.unique_key = job.unique_key;",
        defence="the row lock of replace and merge",
        near=("concurrency/test_unique", "concurrency/test_unique_brawl"),
    ),
    Mutant(
        name="unique-waits-with-rows-in-hand",
        file="12_unique",
        old="order by j.id for update nowait;",
        new="order by j.id for update;",
        defence="that enqueue_many waits for no row while it has another",
        near=("concurrency/test_unique", "concurrency/test_unique_brawl"),
    ),
    Mutant(
        name="unique-in-the-order-of-the-caller",
        file="11_enqueue_many",
        old="order by forge._scope(j.queue, j.unique_scope), j.unique_key, j.ordinality",
        new="order by j.ordinality",
        defence="that enqueue_many takes keys in one order",
        near=("concurrency/test_keys", "concurrency/test_unique", "concurrency/test_unique_brawl"),
    ),
    Mutant(
        name="full-queue-takes-all",
        file="13_admission",
        old="- v_admission.mark <= v_admission.max_depth then",
        new="- v_admission.mark <= v_admission.max_depth * 2 then",
        defence="max_depth",
        near=("procedures/test_admission",),
    ),
    Mutant(
        name="full-queue-waits-for-rows",
        file="13_admission",
        old="for update skip locked;",
        new="for update;",
        times=2,
        defence="SKIP LOCKED in drop_oldest",
        near=("concurrency/test_admission",),
    ),
    Mutant(
        name="full-queue-pushes-out-others",
        file="13_admission",
        old="    if job.concurrency_key is not null then\n"
        "        v_job := forge._lock_oldest_of_key",
        new="    if false then\n        v_job := forge._lock_oldest_of_key",
        defence="that a job makes room among those of its own key",
        near=("procedures/test_admission",),
    ),
)
