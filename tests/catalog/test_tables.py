"""What the tables do without: triggers, foreign keys, rules; and what is theirs alone."""

from __future__ import annotations

from tests.database import Conn

LIVE_COLUMNS_OF_ARCHIVES = """
select a.attname as name from pg_attribute as a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
"""
IN_ORDER = LIVE_COLUMNS_OF_ARCHIVES + "order by a.attnum"


def test_no_table_has_a_trigger_or_a_rule(tx: Conn) -> None:
    # Whatever happens to a row is written where it is changed.
    triggers = tx.execute(
        "select t.tgname from pg_trigger as t join pg_class as c on c.oid = t.tgrelid"
        " where c.relnamespace = 'forge'::regnamespace"
    ).fetchall()
    rules = tx.execute(
        "select r.rulename from pg_rewrite as r join pg_class as c on c.oid = r.ev_class"
        " where c.relnamespace = 'forge'::regnamespace and c.relkind <> 'v'"
    ).fetchall()

    assert (triggers, rules) == ([], [])


def test_no_table_has_a_foreign_key_or_an_identity_column(tx: Conn) -> None:
    keys = tx.execute(
        "select conname from pg_constraint"
        " where connamespace = 'forge'::regnamespace and contype = 'f'"
    ).fetchall()
    identities = tx.execute(
        "select a.attname from pg_attribute as a join pg_class as c on c.oid = a.attrelid"
        " where c.relnamespace = 'forge'::regnamespace and a.attidentity <> ''"
    ).fetchall()

    assert (keys, identities) == ([], [])


def test_a_job_takes_all_that_it_is_to_where_it_ends(tx: Conn) -> None:
    columns = {
        table: {r["name"] for r in tx.execute(LIVE_COLUMNS_OF_ARCHIVES.encode(), (table,))}
        for table in ("forge.jobs", "forge.history", "forge.dead_jobs")
    }
    of_an_end = {"finished_at", "result", "fingerprint"}
    of_a_run = {"lease_expires_at", "progress", "progress_note", "aside"}

    assert columns["forge.jobs"] - of_a_run == columns["forge.history"] - of_an_end


def test_rows_move_between_the_archives_as_they_are(tx: Conn) -> None:
    history, dead = (
        [r["name"] for r in tx.execute(IN_ORDER.encode(), (table,))]
        for table in ("forge.history", "forge.dead_jobs")
    )
    assert history == dead
