"""What operators do: cancel, retry, edit, drop; and which jobs a filter means."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="cancel-without-the-row",
        file="50_operate",
        old="    where j.id = cancel.id and (cancel.queue is null or j.queue = cancel.queue)\n"
        "    for update;",
        new="    where j.id = cancel.id and (cancel.queue is null or j.queue = cancel.queue);",
        defence="the row lock of cancel",
        near=("concurrency/test_finishing", "concurrency/test_running"),
    ),
    Mutant(
        name="cancel-stops-what-runs",
        file="50_operate",
        old="    if job.status = 'PROCESSING' then",
        new="    if false then",
        defence="that a running job is asked to stop, and its worker ends it",
        near=("procedures/test_operate",),
    ),
    Mutant(
        name="retry-beside-the-holder-of-its-key",
        file="50_operate",
        old="    on conflict do nothing;\n    if not found then\n        return false;",
        new="    ;\n    if not found then\n        return false;",
        defence="that a job whose key is taken is not revived",
        near=("procedures/test_revive", "procedures/test_operate"),
    ),
    Mutant(
        name="retry-with-used-up-retries",
        file="50_operate",
        old="_revive.at, job.priority, 0, job.max_retries,",
        new="_revive.at, job.priority, job.attempts, job.max_retries,",
        defence="that a revived job starts with fresh retries",
        near=("procedures/test_revive", "procedures/test_operate"),
    ),
    Mutant(
        name="revive-in-the-order-of-ids",
        file="55_revival",
        old="        order by d.unique_scope, d.unique_key, d.id\n",
        new="        order by d.id\n",
        defence="that retry_dead takes keys in the order of enqueue_many",
        near=("concurrency/test_keys", "concurrency/test_reviving"),
    ),
    Mutant(
        name="revive-waits-for-rows",
        file="55_revival",
        old="            for update skip locked\n",
        new="            for update\n",
        defence="SKIP LOCKED in retry_dead and discard_dead",
        near=("concurrency/test_failing", "concurrency/test_reviving"),
    ),
    Mutant(
        name="edit-waits-for-keys",
        file="53_edit",
        old="set lock_timeout = '50ms'\n",
        new="",
        defence="that a move to another queue does not wait for a key",
        near=("concurrency/test_admission", "procedures/test_edit"),
    ),
    Mutant(
        name="edit-past-the-lanes",
        file="53_edit",
        old="else greatest(wanted.scheduled_at, _changed.at)",
        new="else wanted.scheduled_at",
        defence="that an edit puts no job where claims have gone past",
        near=("procedures/test_edit",),
    ),
    Mutant(
        name="drop-waits-for-rows",
        file="52_drop_queue",
        old="        for update skip locked\n    ));",
        new="        for update\n    ));",
        defence="SKIP LOCKED in drop_queue",
        near=("concurrency/test_finishing", "procedures/test_drop_queue"),
    ),
    Mutant(
        name="filter-of-any-payload",
        file="09_filters",
        old="        and (($1).payload_contains is null or $12 @> ($1).payload_contains);",
        new="        ;",
        defence="the filter by payload",
        near=("procedures/test_lists", "procedures/test_edit_many"),
    ),
)
