"""Who may call what, as one table; and that a role can do that much and no more."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.catalog.functions import functions
from tests.database import Conn


def names(text: str) -> set[str]:
    return set(text.split())


READING = names(
    """
    errors transitions version migrations now stats throughput latency warnings prometheus
    job list_jobs list_dead list_queues
    list_schedules next_runs
    job_log list_limits list_workers overview doctor explain
    fingerprint dead_groups list_retry_rules list_revivals
    list_admissions list_payload_checks
    list_sql_handlers list_changes
    parents list_conditions worker_jobs list_types show_settings queue_page
    authenticate needs_token
    children search_jobs count_jobs search_dead count_dead
    """
)
GRANTED = {
    "forge_viewer": READING,
    "forge_producer": names(
        """
        enqueue enqueue_many errors version on_change off_change list_changes
        _check_change _triggers_of _on_change
        open_batch close_batch enqueue_batch run_when _answer
        authenticate needs_token
        """
    ),
    "forge_worker": names(
        """
        dequeue exchange complete complete_many fail heartbeat release snooze progress
        log report register_worker unregister_worker park unpark tick errors transitions version
        run run_claimed list_sql_handlers parents
        authenticate needs_token
        """
    ),
    "forge_operator": READING
    | names(
        """
        cancel retry retry_dead discard pause resume set_queue set_limits set_type set_retention
        set_log drop_queue tick enqueue enqueue_many
        schedule unschedule pause_schedule resume_schedule run_schedule
        set_retry_rules discard_dead cancel_revival
        edit edit_jobs cancel_jobs retry_jobs index_payloads set_admission set_schema
        register_sql_handler unregister_sql_handler
        _open_sql_handler _keep_sql_handler on_change off_change _check_change
        _triggers_of _on_change
        open_batch close_batch enqueue_batch run_when _answer drain_worker resume_worker
        create_token revoke_token list_tokens
        """
    ),
}
# What runs with the owner's rights, and so could do anything.
OWNERS_ALONE = {"set_check"}
# Nobody is a member of these: whose code they run gets no more rights than this.
ALONE = {
    "forge_trigger": names(
        "_on_change _enqueue_changes _enqueue_rows _changes_from _changes_query"
    ),
    "forge_runner": {"_call_handler"},
}
ROLES = sorted(GRANTED)


def act_as(tx: Conn, role: str) -> None:
    tx.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))


def refused(tx: Conn, statement: str) -> bool:
    try:
        with tx.transaction():
            tx.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("role", [*ROLES, *ALONE])
def test_a_role_may_call_its_functions_and_no_others(tx: Conn, role: str) -> None:
    may = {
        f.name
        for f in functions(tx)
        if tx.execute(
            "select has_function_privilege(%s, %s::oid, 'execute') as may", (role, f.oid)
        ).fetchone()
        == {"may": True}
    }
    assert may == (GRANTED | ALONE)[role]


def test_every_public_function_is_granted_to_a_role(tx: Conn) -> None:
    public = {f.name for f in functions(tx) if f.public}
    granted = set().union(*GRANTED.values())
    assert public - OWNERS_ALONE == {name for name in granted if not name.startswith("_")}


def test_what_others_wrote_belongs_to_roles_without_members(tx: Conn) -> None:
    owners = tx.execute(
        """
        select p.proname as name, r.rolname as owner from pg_proc as p
        join pg_roles as r on r.oid = p.proowner
        where p.pronamespace = 'forge'::regnamespace
            and p.proowner <> (select nspowner from pg_namespace where nspname = 'forge')
        """
    ).fetchall()
    members = tx.execute(
        "select member::regrole::text as name from pg_auth_members"
        " where roleid in ('forge_trigger'::regrole, 'forge_runner'::regrole)"
        " and member <> (select nspowner from pg_namespace where nspname = 'forge')"
    ).fetchall()

    assert {row["name"]: row["owner"] for row in owners} == {
        "_on_change": "forge_trigger",
        "_call_handler": "forge_runner",
    }
    assert members == []


def test_nothing_is_granted_to_the_public(tx: Conn) -> None:
    open_to_all = tx.execute(
        """
        select p.proname
        from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        where p.pronamespace = 'forge'::regnamespace and a.grantee = 0
        """
    ).fetchall()
    assert open_to_all == []


@pytest.mark.parametrize("role", [*ROLES, *ALONE])
def test_no_role_reads_or_writes_a_table_or_counts_up_a_sequence(tx: Conn, role: str) -> None:
    rights = tx.execute(
        """
        select c.relname from pg_class as c
        where c.relnamespace = 'forge'::regnamespace and (
            (c.relkind in ('r', 'p', 'v')
                and has_table_privilege(%(role)s, c.oid, %(table)s))
            or (c.relkind = 'S' and has_sequence_privilege(%(role)s, c.oid, %(sequence)s))
        )
        """,
        {
            "role": role,
            "table": "select, insert, update, delete, truncate",
            "sequence": "usage, select, update",
        },
    ).fetchall()
    assert rights == []


def test_a_producer_enqueues_and_can_neither_claim_nor_read(tx: Conn) -> None:
    act_as(tx, "forge_producer")

    tx.execute("select forge.enqueue('email', unique_key => 'k')")
    tx.execute("""select forge.enqueue_many('[{"type": "email"}]')""")

    for statement in (
        "select forge.dequeue()",
        "select forge.job(1)",
        "select forge.cancel(1)",
        "select from forge.jobs",
        "select from forge.all_jobs",
        "select forge._choose('default', 1, null, now())",
    ):
        assert refused(tx, statement), statement


def test_a_worker_runs_jobs_and_can_neither_enqueue_nor_cancel(tx: Conn) -> None:
    tx.execute("select forge.enqueue('email'), forge.enqueue('email')")
    act_as(tx, "forge_worker")

    done, failed = tx.execute("select * from forge.dequeue(max_jobs => 2)").fetchall()
    tx.execute("select forge.complete(%s, %s)", (done["id"], done["lease"]))
    tx.execute("select forge.fail(%s, %s, 'boom')", (failed["id"], failed["lease"]))
    tx.execute("select forge.tick()")

    for statement in (
        "select forge.enqueue('email')",
        "select forge.cancel(1)",
        "select forge.list_jobs()",
        "delete from forge.history",
    ):
        assert refused(tx, statement), statement


def test_an_operator_steers_and_can_neither_claim_nor_write_a_table(tx: Conn) -> None:
    act_as(tx, "forge_operator")

    row = tx.execute("select forge.enqueue('email') as id").fetchone()
    assert row is not None
    tx.execute("select forge.cancel(%s)", (row["id"],))
    tx.execute("select forge.retry(%s)", (row["id"],))
    tx.execute("select forge.pause('default'), forge.resume('default'), forge.stats()")

    for statement in ("select forge.dequeue()", "update forge.settings set max_retries = 1"):
        assert refused(tx, statement), statement


def test_a_viewer_reads_and_changes_nothing(tx: Conn) -> None:
    act_as(tx, "forge_viewer")

    tx.execute("select forge.stats(), forge.list_jobs(), forge.throughput(), forge.doctor()")

    for statement in (
        "select forge.enqueue('email')",
        "select forge.retry(1)",
        "select forge.tick()",
        "select from forge.dead_jobs",
    ):
        assert refused(tx, statement), statement
