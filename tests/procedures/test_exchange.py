"""20_claim: exchange completes and claims in one call."""

from __future__ import annotations

from psycopg.errors import Diagnostic
from psycopg.types.json import Jsonb

from tests.procedures.calls import NO_LEASE, Calls


def test_exchange_completes_and_claims(call: Calls) -> None:
    mine, following = call.running(queue="a"), call.enqueue(queue="b")

    (claimed,) = call.rows(
        "exchange",
        ids=[mine["id"]],
        leases=[mine["lease"]],
        results=[Jsonb({"sent": True})],
        queue="b",
    )

    assert claimed["id"] == following
    done = call.job(mine["id"])
    assert (done["status"], done["result"]) == ("COMPLETED", {"sent": True})


def test_exchange_warns_of_lost_leases_and_does_the_rest(call: Calls) -> None:
    notices: list[tuple[str | None, ...]] = []

    def notice(diag: Diagnostic) -> None:
        notices.append((diag.severity, diag.sqlstate, diag.message_primary))
        notices.append((diag.message_detail, diag.message_hint))

    call.connection.add_notice_handler(notice)
    good, lost, other = call.running(), call.running(), call.running()
    following = call.enqueue()

    (claimed,) = call.rows(
        "exchange",
        ids=[other["id"], good["id"], lost["id"]],
        leases=[NO_LEASE, good["lease"], NO_LEASE],
    )

    assert claimed["id"] == following
    assert [call.status(j["id"]) for j in (good, lost, other)] == [
        "COMPLETED",
        "PROCESSING",
        "PROCESSING",
    ]
    assert notices == [
        ("WARNING", "JQ002", "the lease is not the current one of a running job"),
        (
            f"ids={lost['id']},{other['id']}",
            "somebody else owns these jobs, or they have ended; drop what you did for them",
        ),
    ]
