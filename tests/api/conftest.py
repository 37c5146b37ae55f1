"""Fixtures: `api`, a client of the application over the test's database; `make_api`, others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from forge.settings import Settings
from tests.api.applications import create_app, registered_once
from tests.api.serving import listen_url
from tests.database import Database

__all__ = ["registered_once"]

Client = TestClient[Litestar]

# Sixteen characters and more, as the settings ask.
TOKENS = {f"the-{role}-token-1234": role for role in ("viewer", "producer", "worker", "operator")}


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer the-{role}-token-1234"}


@pytest.fixture
def make_api(db: Database) -> Iterator[Callable[..., Client]]:
    """A client of an application with these settings."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Client:
            dsn = settings.pop("dsn", db.dsn)
            settings.setdefault("listen_url", listen_url())
            client = TestClient(
                create_app(Settings(**settings), dsn),
                base_url="http://127.0.0.1:8080",
                backend="asyncio",
                raise_server_exceptions=False,
            )
            return stack.enter_context(client)

        yield make


@pytest.fixture
def api(make_api: Callable[..., Client]) -> Client:
    """A client of the application as it is on loopback: no tokens."""
    return make_api()
