"""The way to the database: connections, a pool, and `call()`, the only place that composes SQL.

Everything Forge does is a function of the schema `forge`; Python carries arguments and rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from forge.documents import document, read_documents
from forge.errors import DatabaseUnavailable, InvalidArgument, NotInstalled, translate
from forge.models import Row, TickResult
from forge.sessions import keeps_session

R = TypeVar("R", bound=Row)
Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]


class _Absent:
    """The type of `ABSENT`: an argument that is not sent, so that SQL's own default holds."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final[Any] = _Absent()

# Keepalives find a half-open socket within about 25 seconds.
CONNECT_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def statement(function: str, names: tuple[str, ...], columns: tuple[str, ...] = ()) -> sql.Composed:
    """`select a, b from forge.function(name => %(name)s, ...)`; of scalars: `select *`.

    Columns by their names, as a later schema may add some: what was prepared with an asterisk
    fails from then on, in every worker and API that is connected at that time.
    """
    wanted = sql.SQL(", ").join(map(sql.Identifier, columns)) if columns else sql.SQL("*")
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
    )
    return sql.SQL("select {} from {}({})").format(
        wanted, sql.Identifier("forge", function), arguments
    )


def struct_row(row: type[R]) -> Callable[[AsyncCursor[Any]], Callable[[Sequence[Any]], R]]:
    """A row factory: columns become fields by their place."""

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], R]:
        return lambda values: row(*values)

    return factory


_compiled: dict[tuple[str, tuple[str, ...], type[Row] | None], str] = {}


def _prepare(
    function: str, arguments: dict[str, Any], row: type[Row] | None = None
) -> tuple[str, dict[str, Any]]:
    sent = {name: value for name, value in arguments.items() if value is not ABSENT}
    key = (function, tuple(sent), row)
    text = _compiled.get(key)
    if text is None:
        columns = row.__struct_fields__ if row else ()
        text = _compiled[key] = statement(function, tuple(sent), columns).as_string(None)
    return text, sent


async def call(conn: Connection, function: str, row: type[R], /, **arguments: Any) -> list[R]:
    """Calls `forge.<function>` with named arguments and returns its rows. Raises `ForgeError`."""
    text, sent = _prepare(function, arguments, row)
    try:
        async with conn.cursor(row_factory=struct_row(row)) as cursor:
            await cursor.execute(text, sent)
            return await cursor.fetchall()
    except psycopg.errors.UndefinedColumn as error:
        raise NotInstalled(
            "Forge in this database is another version",
            error.diag.message_primary,
            "run `forge migrate`",
        ) from error
    except psycopg.Error as error:
        raise _explain(error, sent) from error


async def call_values(conn: Connection, function: str, /, **arguments: Any) -> list[Any]:
    """As `call`, for a function that returns a set of scalars."""
    text, sent = _prepare(function, arguments)
    try:
        async with conn.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(text, sent)
            return await cursor.fetchall()
    except psycopg.Error as error:
        raise _explain(error, sent) from error


def _explain(error: psycopg.Error, sent: dict[str, Any]) -> Exception:
    """PostgreSQL says of a number that is too large for a parameter that there is no function."""
    large = [f"{name}={value}" for name, value in sent.items() if _is_no_integer(value)]
    if isinstance(error, psycopg.errors.UndefinedFunction) and large:
        return InvalidArgument("a number is too large", ", ".join(large), "use 32 bits")
    return translate(error)


def _is_no_integer(value: Any) -> bool:
    return isinstance(value, int) and not -(2**31) <= value < 2**31


async def call_value(conn: Connection, function: str, /, **arguments: Any) -> Any:
    """As `call`, for a function that returns one scalar."""
    values = await call_values(conn, function, **arguments)
    return values[0] if values else None


async def limit_statements(conn: Connection, limit: timedelta) -> None:
    """Ends the statements of the present transaction that take longer. Raises `ForgeError`."""
    milliseconds = str(max(1, int(limit.total_seconds() * 1000)))
    try:
        await conn.execute("select set_config('statement_timeout', %s, true)", (milliseconds,))
    except psycopg.Error as error:
        raise translate(error) from error


# What a function cannot do: it runs in a transaction. TRUNCATE would lock the tables for all.
VACUUM: Final = "vacuum (skip_locked, truncate false) forge.jobs, forge.tallies"


# Conditions are looked at only where something ends a look that takes too long; a timeout that is
# set inside a function comes too late for what runs already.
GUARD: Final = "set local statement_timeout = '10s'"


async def tick(conn: Connection) -> list[TickResult]:
    """`forge.tick`, and the vacuum or the timeout that it asks for. Raises `ForgeError`."""
    done = await call(conn, "tick", TickResult)
    if any(result.task == "conditions_unguarded" for result in done):
        try:
            async with conn.transaction():
                await conn.execute(GUARD)
                done += await call(conn, "tick", TickResult)
        except psycopg.Error as error:
            raise translate(error) from error
    if any(result.task == "vacuum" for result in done):
        try:
            await conn.execute(VACUUM)
        except psycopg.Error as error:
            raise translate(error) from error
    return done


async def maintain(conn: Connection, statement: str) -> None:
    """Runs a statement that a function has composed and cannot run itself. Raises `ForgeError`."""
    try:
        await conn.execute(statement.encode())
    except psycopg.Error as error:
        raise translate(error) from error


def jsonb(value: Any) -> Any:
    """A value as a jsonb argument. `None` is SQL null and `ABSENT` stays absent."""
    return value if value is None or value is ABSENT else document(value)


async def connect(dsn: str, *, application_name: str = "forge") -> Connection:
    """A connection of its own, in autocommit. Raises `DatabaseUnavailable`."""
    try:
        conn = await AsyncConnection.connect(
            dsn, autocommit=True, application_name=application_name, **CONNECT_OPTIONS
        )
        try:
            await configure(conn)
        except BaseException:  # a cancellation, too, would leave it open
            await conn.close()
            raise
    except psycopg.Error as error:
        raise translate(error) from error
    return conn


async def configure(conn: Connection) -> None:
    """What every connection of Forge's own needs before its first call."""
    read_documents(conn)
    if not await keeps_session(conn):
        # What is prepared or set would be there for others, and gone for the next statement.
        conn.prepare_threshold = None
        return
    # Claims need READ COMMITTED, and in autocommit only the session's default says so.
    cursor = await conn.execute("show default_transaction_isolation")
    row = await cursor.fetchone()
    if row is not None and row[0] != "read committed":
        await conn.execute(
            "set session characteristics as transaction isolation level read committed"
        )


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    patience: float = 10.0,
    application_name: str = "forge",
) -> AsyncIterator[Pool]:
    """A pool of autocommit connections, closed at the end. It connects in the background."""
    pool: Pool = AsyncConnectionPool(
        dsn,
        kwargs={"autocommit": True, "application_name": application_name, **CONNECT_OPTIONS},
        configure=configure,
        min_size=min_size,
        max_size=max_size,
        timeout=patience,
        open=False,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def borrow(pool: Pool) -> AsyncIterator[Connection]:
    """A connection from the pool. Raises `DatabaseUnavailable` where none can be had in time."""
    # Not pool.connection(), which commits at the end: a call commits itself, and one that is idle
    # would wait for nothing.
    try:
        conn = await pool.getconn()
    except PoolTimeout as error:
        raise DatabaseUnavailable(
            "the database cannot be reached",
            str(error),
            "check DATABASE_URL and that PostgreSQL is running",
        ) from error
    try:
        yield conn
    finally:
        await pool.putconn(conn)
