"""`report`: writes the rows of one read-only SQL query to a file.

Who may enqueue a `report` can read whatever the role of FORGE_REPORT_URL can read, and call
whatever it can call. READ ONLY stops writes to tables; it does not stop functions that act outside
of them (pg_terminate_backend, pg_read_file, dblink …). So reports are off until FORGE_REPORT_DIR is
set, refuse a superuser, and want a role of their own:

    create role reporter login password '…';
    grant select on sales, customers to reporter;

This is the one place in Python, beside db.py, that sends SQL: the query is the payload.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import psycopg
from msgspec import Meta, field
from psycopg.types.json import Jsonb
from psycopg.types.string import TextLoader

from forge.errors import PermanentError
from forge.handlers.config import ReportConfig
from forge.handlers.payload import Payload, read
from forge.handlers.report_file import ReportFile, file_name
from forge.handlers.report_format import FORMATS, Column
from forge.models import Job

_BATCH = 500  # rows a round trip: what is held in memory

# The settings are the transaction's (the last argument), as a pooler may hand the session on.
_PREPARE = """
select current_setting('is_superuser') = 'on',
    set_config('statement_timeout', %(timeout)s, true),
    set_config('datestyle', 'ISO', true),
    set_config('intervalstyle', 'iso_8601', true)
"""


class ReportFailed(Exception):
    """No report this time: a timeout or a lost connection. Another attempt may succeed."""


class ReportPayload(Payload, frozen=True):
    """`query` has its values as $1, $2 …, which `params` gives in that order."""

    query: Annotated[str, Meta(min_length=1)]
    format: Literal["csv", "json", "html"] = "csv"
    params: list[Any] = field(default_factory=list)
    filename: str | None = None


class ReportHandler:
    """Payload: see `ReportPayload`. Result: path, rows, bytes.

    Two jobs that name the same file replace each other's, whole: a reader never sees half of one.
    """

    def __init__(self, config: ReportConfig, directory: Path, url: str) -> None:
        self.config = config
        self.directory = directory
        self.url = url

    async def __call__(self, job: Job) -> dict[str, Any]:
        payload = read(job, ReportPayload)
        name = file_name(
            f"report-{job.id}" if payload.filename is None else payload.filename, payload.format
        )
        limit = self.config.timeout
        try:
            async with asyncio.timeout(limit):
                file = await asyncio.to_thread(
                    ReportFile, self.directory, name, job, self.config.max_bytes
                )
                try:
                    rows = await self._write(payload, name, file)
                    return await asyncio.to_thread(file.publish) | {"rows": rows}
                finally:
                    await asyncio.to_thread(file.close)
        except (TimeoutError, psycopg.errors.QueryCanceled):
            raise ReportFailed(f"the report took over {limit:g} s") from None
        except psycopg.OperationalError as error:
            raise ReportFailed(f"the database did not answer: {_said(error)}") from error
        except psycopg.Error as error:
            raise PermanentError(f"the query cannot be run: {_said(error)}") from error

    async def _write(self, payload: ReportPayload, name: str, file: ReportFile) -> int:
        rows = 0
        async with self._cursor() as cursor:
            params = [Jsonb(p) if isinstance(p, dict) else p for p in payload.params]
            try:
                # As bytes: to psycopg's types a query is a literal, and this one is data.
                await cursor.execute(payload.query.encode(), params)
            except psycopg.errors.ProtocolViolation as error:
                # Too many or too few parameters, if it did not cost the connection.
                if cursor.connection.broken:
                    raise
                raise PermanentError(f"the query cannot be run: {_said(error)}") from error
            columns = [Column(c.name, c.type_code) for c in cursor.description or ()]
            render = FORMATS[payload.format](columns, name)
            await asyncio.to_thread(file.write, render.start())
            while batch := await cursor.fetchmany(_BATCH):
                rows += len(batch)
                if rows > self.config.max_rows:
                    raise PermanentError(
                        f"the query returns over {self.config.max_rows} rows"
                        " (FORGE_REPORT_MAX_ROWS)"
                    )
                await asyncio.to_thread(lambda part: file.write(render.rows(part)), batch)
            await asyncio.to_thread(file.write, render.end())
        return rows

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[psycopg.AsyncRawServerCursor[tuple[Any, ...]]]:
        """A server-side cursor in a READ ONLY transaction, which gives every value as text.

        Its DECLARE goes by the extended protocol, which takes one statement and no more, and
        PostgreSQL refuses a cursor over anything but a query. Text, as the server can say it where
        Python cannot: the timestamp `infinity`, the year 20000, a numeric's trailing zeros.
        """
        connection = await psycopg.AsyncConnection.connect(
            self.url, client_encoding="utf8", application_name="forge report"
        )
        async with connection:
            await connection.set_read_only(True)
            timeout = f"{max(1, int(self.config.timeout * 1000))}ms"
            found = await (await connection.execute(_PREPARE, {"timeout": timeout})).fetchone()
            if found is not None and found[0] and not self.config.allow_superuser:
                raise PermanentError(
                    "reports do not run as a superuser: point FORGE_REPORT_URL at a role that may"
                    " read just what reports may show, or set FORGE_REPORT_ALLOW_SUPERUSER=true"
                )
            for kind in psycopg.adapters.types:
                connection.adapters.register_loader(kind.oid, TextLoader)
                if kind.array_oid:
                    connection.adapters.register_loader(kind.array_oid, TextLoader)
            async with psycopg.AsyncRawServerCursor(connection, "forge_report") as cursor:
                yield cursor


def _said(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip()
