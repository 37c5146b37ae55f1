"""What the tests of the built-in handlers share: jobs, and a database to report on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from forge.handlers.config import ReportConfig
from forge.handlers.report import ReportHandler
from forge.models import Job
from tests.database import Database

MakeJob = Callable[..., Job]
Report = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
def make_job() -> MakeJob:
    """A claimed job with defaults: `make_job({"to": …}, attempts=2)`."""
    born = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    default = Job(
        id=4711,
        queue="default",
        type="any",
        payload={},
        priority=0,
        attempts=1,
        max_retries=10,
        scheduled_at=born,
        created_at=born,
        attempted_at=born,
        lease=UUID(int=1),
        lease_expires_at=born,
        timeout=None,
        tags=None,
    )

    def make(payload: Any, **changes: Any) -> Job:
        return msgspec.structs.replace(default, payload=payload, **changes)

    return make


@pytest.fixture
def reporter(blank_db: Database) -> Iterator[str]:
    """The DSN of a login that may read the table `sales` and nothing more."""
    name, password = f"reporter_{secrets.token_hex(5)}", secrets.token_hex(8)
    role = sql.Identifier(name)
    with blank_db.connect() as admin:
        admin.execute("create table sales (item text, amount numeric(10, 2))")
        admin.execute("insert into sales values ('tea', 1.50), ('cake', 20.00)")
        admin.execute("create table secrets (word text)")
        admin.execute(
            sql.SQL("create role {} login password {}").format(role, sql.Literal(password))
        )
        admin.execute(sql.SQL("grant select, insert on sales to {}").format(role))
    yield make_conninfo(blank_db.dsn, user=name, password=password)
    with blank_db.connect() as admin:
        admin.execute(sql.SQL("drop owned by {}").format(role))
        admin.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture
def report(reporter: str, make_job: MakeJob, tmp_path: Path) -> Report:
    """Runs `report("select 1", format="json")`; names in capitals change the configuration."""

    async def run(query: str, **options: Any) -> dict[str, Any]:
        config = {k.lower(): options.pop(k) for k in list(options) if k.isupper()}
        handler = ReportHandler(ReportConfig(**config), tmp_path, reporter)
        return await handler(make_job({"query": query} | options))

    return run


def leftovers(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]
