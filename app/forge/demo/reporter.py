"""A login for the demo's reports: the embedded server's own is a superuser, whom they refuse."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

_log = logging.getLogger(__name__)
_ROLE = "forge_demo_reports"


@asynccontextmanager
async def report_login(dsn: str) -> AsyncIterator[str | None]:
    """A DSN for reports while the demo runs; None where there is none that is safe.

    A login that is no superuser serves as it is. Otherwise a role is made that may see what
    forge_viewer sees, under a random password, and dropped at the end.
    """
    admin = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    async with admin:
        superuser = admin.info.parameter_status("is_superuser") == "on"
        if superuser:
            login = await _make_role(admin, dsn)
    if not superuser:
        yield dsn
        return
    try:
        yield login
    finally:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as admin:
            await _drop_role(admin)


async def _make_role(admin: psycopg.AsyncConnection, dsn: str) -> str | None:
    password = secrets.token_urlsafe(24)
    await _drop_role(admin)  # one that a killed demo left
    await admin.execute(
        sql.SQL("create role {} login connection limit 20 password {}").format(
            sql.Identifier(_ROLE), sql.Literal(password)
        )
    )
    found = await admin.execute("select from pg_roles where rolname = 'forge_viewer'")
    if found.rowcount:  # whoever migrated may not have been allowed to make roles
        await admin.execute(sql.SQL("grant forge_viewer to {}").format(sql.Identifier(_ROLE)))
    login = make_conninfo(dsn, user=_ROLE, password=password)
    try:
        async with await psycopg.AsyncConnection.connect(login):
            return login
    except psycopg.OperationalError as error:  # pg_hba.conf may know socket owners only
        _log.warning("the demo runs without reports: %s", error)
        return None


async def _drop_role(admin: psycopg.AsyncConnection) -> None:
    await admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(_ROLE)))
