"""A producer's login that wants more: payloads, claims, rights, other people's roles."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database import Conn, Database

SECRET = "hunter2-in-a-payload"
REFUSED = psycopg.errors.InsufficientPrivilege
OF_ENQUEUE = (
    " where nspname = 'forge' and pronamespace = pg_namespace.oid"
    " and proname in ('enqueue', 'version')"
)


def owner_of(database: Database) -> str:
    name: str = database.value(
        "select nspowner::regrole::text from pg_namespace where nspname = 'forge'"
    )
    return name


@pytest.fixture(scope="module", autouse=True)
def _secrets(module_db: Database) -> Iterator[None]:
    """Jobs of others: one live, one in hand, one dead, one finished."""
    for unique_key in ("live", "held", "dead", "done"):
        module_db.rows(
            "select forge.enqueue('t', %s, %s, unique_key => %s)",
            Jsonb({"secret": SECRET}),
            unique_key,
            unique_key,
        )
    module_db.rows("select forge.dequeue('held', 'w')")
    module_db.rows("select forge.fail(id, lease, 'no', false) from forge.dequeue('dead', 'w')")
    module_db.rows("select forge.complete(id, lease) from forge.dequeue('done', 'w')")
    yield
    module_db.rows("select forge.complete(id, lease) from forge.jobs where queue = 'held'")


@pytest.mark.parametrize(
    "statement",
    [
        "select payload from forge.jobs",
        "select payload from forge.all_jobs",
        "select payload from forge.dead_jobs",
        "select payload from forge.history",
        "table forge.history_default",
        "copy forge.jobs to stdout",
        "select * from forge.job(1)",
        "select * from forge.list_jobs()",
        "select * from forge.search_jobs('{}')",
        "select * from forge.list_dead()",
        "select * from forge.overview()",
        "select * from forge.parents(1)",
        "select * from forge.job_log(1)",
        "select * from forge.dequeue('live', 'w')",
        "select * from forge.exchange(queue => 'live', worker => 'w')",
        "select forge.run()",
        "select forge.complete(1, gen_random_uuid())",
        "select forge.cancel(1)",
        "select forge.retry(1)",
        "select forge.discard(1)",
        "select forge.drop_queue('live')",
        "select forge.tick()",
        "select forge.set_check('t', 'pg_catalog.pg_sleep')",
        "select forge.create_token('operator', 'mine')",
        "select forge.list_tokens()",
        "select hash from forge.tokens",
        "select forge._choose('live', 1, null, now())",
        "select forge._look(current_user, 'true', '', false)",
        "select nextval('forge.job_id_seq')",
        "select setval('forge.job_id_seq', 1)",
    ],
)
def test_it_neither_reads_nor_claims_nor_steers(intruder: Conn, statement: str) -> None:
    with pytest.raises(REFUSED):
        intruder.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "grant forge_operator to current_user",
        "grant forge_worker to current_user",
        "grant forge_trigger to current_user",
        "grant forge_runner to current_user",
        "grant execute on function forge.doctor() to current_user",
        "grant execute on all functions in schema forge to public",
        "grant select on forge.jobs to current_user",
        "alter function forge.version() security invoker",
        "alter function forge.errors() reset search_path",
        "alter function forge.errors() owner to current_user",
        "alter role current_user superuser",
        "alter role forge_producer createrole",
        "create role another in role forge_operator",
        "create function forge.mine() returns int language sql return 1",
        "create or replace function forge.version() returns text language sql return 'x'",
        "create table forge.mine (a int)",
        "alter table forge.jobs disable trigger all",
        "alter schema forge rename to gone",
        "comment on schema forge is 'mine'",
        "drop function forge.doctor()",
        "set role forge_operator",
        "set role forge_trigger",
        "set role {owner}",
        "set session authorization {owner}",
        "set local session_replication_role = replica",
    ],
)
def test_it_cannot_give_itself_more(intruder: Conn, module_db: Database, statement: str) -> None:
    with pytest.raises(REFUSED), intruder.transaction():
        intruder.execute(statement.format(owner=owner_of(module_db)).encode())


def test_what_it_hands_out_of_its_own_goes_nowhere(intruder: Conn, module_db: Database) -> None:
    """PostgreSQL only warns of rights that are not one's to grant."""
    before = module_db.rows("select nspacl, proacl from pg_namespace, pg_proc" + OF_ENQUEUE)
    for statement in (
        "grant usage, create on schema forge to current_user",
        "grant execute on function forge.version() to public",
        "grant execute on function forge.version() to current_user with grant option",
        "revoke execute on function forge.version() from forge_viewer",
    ):
        try:
            intruder.execute(statement.encode())
        except psycopg.Error:
            continue
    assert module_db.rows("select nspacl, proacl from pg_namespace, pg_proc" + OF_ENQUEUE) == before


def test_a_taken_key_tells_the_id_and_nothing_else(intruder: Conn, module_db: Database) -> None:
    live = module_db.value("select id from forge.jobs where queue = 'live'")
    rows = intruder.execute(
        "select forge.enqueue('t', '{\"a\": 1}', 'live', unique_key => 'live') as id"
    ).fetchall()
    assert rows == [{"id": live}]
    assert module_db.value("select payload from forge.jobs where id = %s", live) == {
        "secret": SECRET
    }


@pytest.mark.parametrize(
    "condition",
    [
        "exists (select from forge.jobs where payload ->> 'secret' like 'h%')",
        "exists (select from forge.list_jobs())",
        "false) or exists (select from forge.all_jobs",
        "true); select payload from forge.jobs; select (true",
    ],
)
def test_a_condition_is_not_taken_for_what_its_asker_may_not_read(
    intruder: Conn, condition: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        intruder.execute("select forge.run_when('t', %s)", (condition,))
    assert caught.value.sqlstate == "JQ001"


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        ("perform payload from forge.jobs", "permission denied"),
        ("perform forge.list_jobs()", "permission denied"),
        ("perform pg_read_file('/etc/passwd')", "permission denied"),
        ("set role {owner}", "within security-definer function"),
        ("set session authorization {owner}", "within security-definer function"),
        ("perform set_config('role', '{owner}', true)", "within security-definer function"),
        ("execute 'reset role'", "within security-definer function"),
        ("grant forge_operator to {user}", "read-only"),
        ("alter role {user} superuser", "read-only"),
        ("set transaction read write", "read-only"),
    ],
)
def test_what_the_tick_looks_at_has_no_rights_but_the_askers(
    intruder: Conn, module_db: Database, attempt: str, told: str
) -> None:
    """The tick is the owner's, and often a superuser's: the best place to be run by."""
    attempt = attempt.format(owner=owner_of(module_db), user=intruder.info.user)
    function = f"{intruder.info.user}.look"
    intruder.execute(
        f"create or replace function {function}() returns boolean language plpgsql"
        f" as $$ begin {attempt}; return true; end $$".encode()
    )
    (job,) = intruder.execute("select forge.run_when('t', %s) as id", (f"{function}()",)).fetchall()
    with module_db.connect() as ticking:
        ticking.execute("select forge.tick()")
        (looked,) = ticking.execute(
            "select c.error from forge.conditions as c where c.id = %(id)s", job
        ).fetchall()
        assert told in looked["error"]
        assert ticking.execute("select current_user = session_user as same").fetchone() == {
            "same": True
        }
        ticking.execute("select forge.cancel(%(id)s)", job)


def test_a_condition_is_not_asked_in_the_name_of_another(
    intruder: Conn, module_db: Database
) -> None:
    for asker in (owner_of(module_db), "forge_operator", "forge_trigger"):
        with pytest.raises(psycopg.errors.CheckViolation):
            intruder.execute("select forge.run_when('t', 'true', asker => %s)", (asker,))


def test_a_trigger_of_its_own_making_runs_without_rights(
    intruder: Conn, module_db: Database
) -> None:
    """A producer may make triggers of `_on_change` by hand, with whatever it likes in them."""
    intruder.execute(f"set search_path = {intruder.info.user}".encode())
    intruder.execute("create table bait (a int)")
    intruder.execute(
        """
        create trigger mine after insert on bait referencing new table as new_rows
        for each statement execute function forge._on_change('{"name": "mine", "each": "row",
            "on_error": "raise", "path": "pg_temp", "job": {"type": "t", "queue": "stolen"},
            "when_condition": "(select count(*) from forge.jobs) >= 0"}')
        """
    )
    intruder.execute(f"grant usage on schema {intruder.info.user} to public".encode())
    with pytest.raises(psycopg.Error, match="permission denied"):
        module_db.rows(f"insert into {intruder.info.user}.bait values (1)")
