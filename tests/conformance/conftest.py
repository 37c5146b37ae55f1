"""Each test runs once for every driver: the same rules in whatever language a worker is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from forge.settings import Settings
from tests.api.applications import create_app
from tests.api.conftest import TOKENS
from tests.api.serving import listen_url
from tests.conformance.by_http import ByHttp
from tests.conformance.by_psql import ByPsql
from tests.conformance.by_psycopg import ByPsycopg
from tests.conformance.forge import Forge
from tests.database import Clock, Database


@pytest.fixture(params=["psycopg", "psql", "http"])
def forge(request: pytest.FixtureRequest, db: Database) -> Iterator[Forge]:
    if request.param == "psycopg":
        yield Forge(ByPsycopg(db))
    elif request.param == "psql":
        yield Forge(ByPsql(db))
    else:
        app = create_app(Settings(tokens=TOKENS, listen_url=listen_url()), db.dsn)
        with TestClient(app, base_url="http://127.0.0.1:8080", backend="asyncio") as client:
            yield Forge(ByHttp(client))


@pytest.fixture
def noon(clock: Clock) -> Clock:
    """A clock that stands still."""
    clock.set("2030-06-01 12:00:00+00")
    return clock
