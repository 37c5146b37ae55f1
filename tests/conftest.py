"""Fixtures: one server a run, a template database, and per test `tx`, `db` or `blank_db`.

tx        a connection in a transaction that is rolled back: the default
db        a database of the test's own, for what must commit, notify or race: `db.dsn`,
          `db.connect()`, `db.rows(…)`, `db.value(…)`
module_db the same for a module
blank_db  the same without Forge in it
clock     sets forge.now() for the test's `db`, else for its `tx`
"""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from forge import settings
from forge.migrate import migrate
from tests import pgbouncer
from tests import server as servers
from tests.database import (
    SQL,
    Clock,
    Conn,
    Database,
    administrators,
    connect,
    made_once,
    start_ids_anywhere,
)

RUN = "FORGE_TEST_RUN"
SERVER = "FORGE_TEST_SERVER"
NO_SERVER = "FORGE_TEST_NO_SERVER"

TESTS = Path(__file__).parent
# Few tests that take long: the other processes of a run would wait for one that began last.
LONG = {"bench", "chaos", "model", "plans", "soak", "up", "upgrades"}

# Fixtures that stand for a server: the run's, or one of a test's own.
CONNECTING = {"server", "own"}

_stop_server: Callable[[], None] | None = None


def pytest_configure() -> None:
    """Nothing of the developer's own settings reaches a test, nor a test the developer's data."""
    for variable in settings.variables():
        os.environ.pop(variable, None)
    os.environ["FORGE_HOME"] = "/nonexistent/forge-tests"


def pytest_collection() -> None:
    """Collecting makes many objects that all stay: looking for garbage among them takes seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in LONG)
    if pgbouncer.ASKED in os.environ:
        _choose_connecting(config, items)


def _choose_connecting(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Through a pooler run what connects, unless a test says why it cannot hold there."""
    chosen: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        connects = bool(CONNECTING & set(getattr(item, "fixturenames", ())))
        (chosen if connects else left).append(item)
        if (mark := item.get_closest_marker("unpooled")) is not None:
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))
    items[:] = chosen
    config.hook.pytest_deselected(items=left)


@pytest.hookimpl(tryfirst=True)  # before xdist starts its workers, which inherit the environment
def pytest_sessionstart(session: pytest.Session) -> None:
    global _stop_server
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    os.environ[RUN] = secrets.token_hex(4)
    try:
        os.environ[SERVER], _stop_server = servers.start()
        if os.environ.get(pgbouncer.ASKED):
            _stop_server = _put_pooler_before(os.environ[SERVER], _stop_server)
    except servers.NoServer as error:
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(str(error)) from error
        os.environ[NO_SERVER] = str(error)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput") or _stop_server is None:
        return
    with connect(os.environ[SERVER], autocommit=True) as connection:
        names = connection.execute(
            "select datname from pg_database where datname like %s", (f"forge_{_run()}_%",)
        ).fetchall()
        for row in names:
            Database(os.environ[SERVER], row["datname"]).drop()
    administrators(os.environ[SERVER]).close()
    _stop_server()


def _put_pooler_before(server: str, stop_server: Callable[[], None]) -> Callable[[], None]:
    try:
        pooler = pgbouncer.PgBouncer(server)
    except BaseException:
        stop_server()
        raise
    os.environ[pgbouncer.AT] = str(pooler.directory)

    def stop() -> None:
        pooler.remove()
        stop_server()

    return stop


def _run() -> str:
    return os.environ[RUN]


def _new_name() -> str:
    return f"forge_{_run()}_{secrets.token_hex(5)}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What `@pytest.mark.anyio` runs async tests on."""
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The DSN of the run's server, as a login that may create databases."""
    if NO_SERVER in os.environ:
        pytest.skip(os.environ[NO_SERVER])
    yield os.environ[SERVER]
    administrators(os.environ[SERVER]).close()


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """A database with Forge and the test clock, made once a run and copied for each test."""
    return made_once(server, f"forge_{_run()}_template", "template0", _install)


def _install(database: Database) -> None:
    migrate(database.direct)
    with psycopg.connect(database.direct) as connection:
        connection.execute((SQL / "clock.sql").read_bytes())


def _fresh(server: str, template: str, *, installed: bool) -> Iterator[Database]:
    database = Database(server, _new_name())
    database.create(template)
    try:
        if installed:
            with database.idle.one() as connection:
                start_ids_anywhere(connection)
        with pytest.MonkeyPatch.context() as environment:
            if database.pooler:
                environment.setenv("FORGE_LISTEN_URL", database.direct)
            yield database
        violations = database.violations(installed=installed)
        assert not violations, f"the test left behind: {violations}"
    finally:
        database.drop()


@pytest.fixture
def db(server: str, template: str) -> Iterator[Database]:
    """A database of the test's own with Forge in it."""
    yield from _fresh(server, template, installed=True)


@pytest.fixture(scope="module")
def module_db(server: str, template: str) -> Iterator[Database]:
    """As `db`, for all tests of a module together: what they do to it adds up."""
    yield from _fresh(server, template, installed=True)


@pytest.fixture
def blank_db(server: str) -> Iterator[Database]:
    """An empty database of the test's own."""
    yield from _fresh(server, "template0", installed=False)


@pytest.fixture(scope="session")
def shared_db(server: str, template: str) -> Iterator[Database]:
    """One database a worker process, in which nothing is ever committed."""
    database = Database(server, _new_name())
    database.create(template)
    yield database
    database.drop()


@pytest.fixture
def tx(shared_db: Database) -> Iterator[Conn]:
    """A connection in a transaction that is rolled back, rows as dicts."""
    with shared_db.idle.one() as connection:
        connection.autocommit = False
        start_ids_anywhere(connection)
        yield connection
        connection.rollback()
        held = connection.execute(
            "select classid, objid from pg_locks where locktype = 'advisory' "
            "and pid = pg_backend_pid()"
        ).fetchall()
        assert not held, f"the test left session locks: {held}"
        connection.rollback()
        connection.autocommit = True


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Clock:
    """The time that the test's database goes by."""
    if "db" in request.fixturenames:
        database: Database = request.getfixturevalue("db")
        return Clock(database.connect())
    connection: Conn = request.getfixturevalue("tx")
    return Clock(connection)
