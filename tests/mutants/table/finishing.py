"""The end of an attempt: fences, retries and what is kept."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="complete-with-any-lease",
        file="30_complete",
        old="        and j.lease = _complete_one.lease\n",
        new="        and j.status = 'PROCESSING'\n",
        defence="the lease in complete",
        near=("procedures/test_fence", "procedures/test_complete"),
    ),
    Mutant(
        name="complete-with-the-lease-of-another",
        file="30_complete",
        old="when (j.id, j.lease) in (\n"
        "                    select u.id, u.lease from unnest(_complete.ids, _complete.leases)"
        " as u (id, lease)\n                )\n",
        new="when j.lease = any(_complete.leases)\n",
        defence="that in complete_many each lease is good for its own job only",
        near=("procedures/test_fence", "procedures/test_complete"),
    ),
    Mutant(
        name="complete-says-it-was-done-to-anybody",
        file="30_complete",
        old="where h.id = complete.id and h.lease = complete.lease and h.status = 'COMPLETED';",
        new="where h.id = complete.id and h.status = 'COMPLETED';",
        defence="that only the lease that completed a job may say so again",
        near=("procedures/test_fence", "procedures/test_complete"),
    ),
    Mutant(
        name="complete-of-another-queue",
        file="30_complete",
        old="        and (_complete_one.queue is null or j.queue = _complete_one.queue)\n",
        new="",
        defence="the queue in complete",
        near=("procedures/test_complete", "procedures/test_fence"),
    ),
    Mutant(
        name="complete-keeps-unwanted-results",
        file="30_complete",
        old="case when q.keep_result is not false then _keep.result end",
        new="_keep.result",
        defence="keep_result => false",
        near=("procedures/test_complete", "procedures/test_settings"),
    ),
    Mutant(
        name="complete-holds-on-to-places",
        file="30_complete",
        old="    if v_job.aside or (v_job.extra).unique_for is not null then",
        new="    if (v_job.extra).unique_for is not null then",
        defence="that a completion lets go of its place in a limit",
        near=("procedures/test_limits", "procedures/test_turns"),
    ),
    Mutant(
        name="complete-tells-no-children",
        file="30_complete",
        old="        perform forge._spread_awaited(array[v_job.id], 'COMPLETED', v_now);",
        new="        null;",
        defence="that a completion frees those that wait for it",
        near=("procedures/test_flows",),
    ),
    Mutant(
        name="fail-with-any-lease",
        file="31_fail",
        old="        and j.lease = fail.lease\n",
        new="",
        defence="the lease in fail",
        near=("procedures/test_fence", "procedures/test_fail"),
    ),
    Mutant(
        name="fail-without-the-row",
        file="31_fail",
        old="        and (fail.queue is null or j.queue = fail.queue)\n    for update;",
        new="        and (fail.queue is null or j.queue = fail.queue);",
        defence="the row lock of fail",
        near=("concurrency/test_failing", "concurrency/test_finishing"),
    ),
    Mutant(
        name="fail-keeps-whole-errors",
        file="31_fail",
        old="left(coalesce(_settle.error, ''), v_most)",
        new="coalesce(_settle.error, '')",
        defence="that errors are cut",
        near=("procedures/test_fail",),
    ),
    Mutant(
        name="fail-for-ever",
        file="07_retry_rules",
        old="job.attempts - v_apart > v_row.max_retries then 'DEAD'",
        new="job.attempts - v_apart > v_row.max_retries + 1 then 'DEAD'",
        defence="max_retries, by one",
        near=("procedures/test_fail",),
    ),
    Mutant(
        name="fail-retries-what-is-permanent",
        file="07_retry_rules",
        old="    elsif not _verdict.retryable then",
        new="    elsif false then",
        defence="retryable => false",
        near=("procedures/test_fail",),
    ),
    Mutant(
        name="fail-retries-what-was-cancelled",
        file="07_retry_rules",
        old="    if job.cancel_requested_at is not null then\n        v_row.status := 'CANCELLED';",
        new="    if false then\n        v_row.status := 'CANCELLED';",
        defence="that a job whose cancellation was asked for is not retried",
        near=("procedures/test_fail", "procedures/test_operate"),
    ),
    Mutant(
        name="backoff-without-a-cap",
        file="05_policy",
        old="when ln(v_base) + v_power * ln(_retry_delay.factor) >= ln(v_cap) then v_cap",
        new="when v_power > 60 then v_cap",
        defence="the cap of the backoff",
        near=("procedures/test_policy", "procedures/test_fail"),
    ),
    Mutant(
        name="backoff-that-overflows",
        file="05_policy",
        old="when ln(v_base) + v_power * ln(_retry_delay.factor) >= ln(v_cap) then v_cap\n"
        "        else v_base * power(_retry_delay.factor, v_power)",
        new="else least(v_base * power(_retry_delay.factor, v_power), v_cap)",
        defence="that the power is taken only where it cannot overflow",
        near=("procedures/test_policy", "procedures/test_fail"),
    ),
)
