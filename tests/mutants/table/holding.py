"""While a job runs: who holds it, for how long, and how it is given back."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="heartbeat-with-any-lease",
        file="40_lease",
        old="            where l.id = h.id and l.lease = h.lease\n",
        new="            where l.id = h.id and l.lease is not null\n",
        defence="the lease in heartbeat",
        near=("procedures/test_lease", "procedures/test_fence"),
    ),
    Mutant(
        name="heartbeat-without-the-rows",
        file="40_lease",
        old="            for no key update\n",
        new="",
        defence="the row locks of heartbeat, taken in the order of ids",
        near=("concurrency/test_running", "procedures/test_lease"),
    ),
    Mutant(
        name="heartbeat-in-any-order",
        file="40_lease",
        old="            order by u.id\n",
        new="",
        defence="that heartbeat takes rows in the order of ids",
        near=("concurrency/test_running", "procedures/test_lease"),
    ),
    Mutant(
        name="heartbeat-shortens-leases",
        file="40_lease",
        old="set lease_expires_at = greatest(\n            j.lease_expires_at, "
        "forge._lease_end(v_expires, j.attempted_at, (j.extra).timeout)\n        )",
        new="set lease_expires_at = forge._lease_end(v_expires, j.attempted_at, (j.extra).timeout)",
        defence="that a heartbeat never shortens a lease",
        near=("procedures/test_lease",),
    ),
    Mutant(
        name="heartbeat-past-the-timeout",
        file="40_lease",
        old="forge._lease_end(v_expires, j.attempted_at, (j.extra).timeout)",
        new="v_expires",
        defence="that a heartbeat extends no lease beyond the timeout",
        near=("procedures/test_timeout", "procedures/test_lease"),
    ),
    Mutant(
        name="heartbeat-answers-by-id",
        file="40_lease",
        old="left join beaten as b on b.id = i.id and b.lease = i.lease",
        new="left join beaten as b on b.id = i.id",
        defence="that who names an old lease and the new one hears that the old one is lost",
        near=("procedures/test_lease", "procedures/test_fence"),
    ),
    Mutant(
        name="progress-with-any-lease",
        file="40_lease",
        old="        and j.lease = progress.lease\n",
        new="",
        defence="the lease in progress",
        near=("procedures/test_fence", "procedures/test_lease"),
    ),
    Mutant(
        name="release-with-any-lease",
        file="40_lease",
        old="        and j.lease = _give_back.lease\n",
        new="        and j.status = 'PROCESSING'\n",
        defence="the lease in release and snooze",
        near=("procedures/test_fence", "procedures/test_lease"),
    ),
    Mutant(
        name="release-keeps-the-attempt",
        file="40_lease",
        old="            attempts = j.attempts - 1,\n",
        new="",
        defence="that release and snooze give the attempt back",
        near=("procedures/test_lease",),
    ),
    Mutant(
        name="release-without-the-row",
        file="40_lease",
        old="    for update;\n    if not found then\n"
        "        perform forge._refuse_lease(_give_back.id",
        new="    ;\n    if not found then\n        perform forge._refuse_lease(_give_back.id",
        defence="the row lock of release and snooze",
        near=("concurrency/test_finishing", "concurrency/test_running"),
    ),
    Mutant(
        name="release-forgets-the-cancellation",
        file="40_lease",
        old="    if v_job.cancel_requested_at is not null then",
        new="    if false then",
        defence="that what is released after a cancellation is cancelled",
        near=("procedures/test_lease", "procedures/test_operate"),
    ),
    Mutant(
        name="log-with-any-lease",
        file="42_log",
        old="where j.id = log.id and j.lease = log.lease and",
        new="where j.id = log.id and",
        defence="the lease in log",
        near=("procedures/test_log", "procedures/test_fence"),
    ),
    Mutant(
        name="log-without-end",
        file="42_log",
        old="    where v_last + e.number <= v_most + 1\n",
        new="",
        defence="the limit of lines in one call",
        near=("procedures/test_log",),
    ),
    Mutant(
        name="timeout-without-a-second-look",
        file="43_timeout",
        old="        if v_job.status = 'PROCESSING' and _time_out_types.at > forge._lease_end(\n"
        "            'infinity', v_job.attempted_at, forge._timeout_of(v_job)\n"
        "        )\n        then",
        new="        if true then",
        defence="that what is timed out is looked at again under its lock",
        near=("concurrency/test_running", "procedures/test_timeout"),
    ),
    Mutant(
        name="bell-that-nobody-hears",
        file="03_locks",
        old="    if forge._is_bell_hung(_ring.queue) then",
        new="    if false then",
        defence="that whoever makes a job due wakes who sleeps",
        near=("procedures/test_notifications", "concurrency/test_doorbell"),
    ),
    Mutant(
        name="park-without-a-look",
        file="41_workers",
        old=" or forge._due(q.queue, forge.now());",
        new=";",
        defence="that who goes to sleep looks once more after hanging up the bell",
        near=("procedures/test_workers", "concurrency/test_doorbell"),
    ),
    Mutant(
        name="park-while-someone-enqueues",
        file="41_workers",
        old="where forge._doorbell_key(q.queue) = any(v_loose) or ",
        new="where ",
        defence="that nobody falls asleep while an enqueue is under way",
        near=("concurrency/test_doorbell",),
    ),
)
