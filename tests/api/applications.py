"""Applications, one after another with other services: their routes take long to register."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest
from litestar import Litestar

from forge.api.app import install, make_routes
from forge.api.services import Services
from forge.settings import Settings

_free: list[Litestar] = []


class _Returning(Services):
    """Gives the application back when it has ended well; else its state is not known."""

    def __init__(self, app: Litestar, settings: Settings, dsn: str) -> None:
        super().__init__(settings, dsn)
        self._app = app

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with super().working():
            yield
        _free.append(self._app)


def create_app(settings: Settings, dsn: str) -> Litestar:
    """As `forge.api.create_app`, for one start and stop."""
    try:
        app = _free.pop()
    except IndexError:
        app = make_routes()
    install(app, _Returning(app, settings, dsn))
    return app


@pytest.fixture(scope="session", autouse=True)
def registered_once() -> Iterator[None]:
    """Servers in this process share applications, too."""
    with patch("forge.api.server.create_app", create_app):
        yield
