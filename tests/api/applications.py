"""Applications, one after another with other services: their routes take long to register."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from litestar import Litestar

from forge.api.app import install, make_routes
from forge.api.services import Services
from forge.settings import Settings

_free: list[Litestar] = []


@contextmanager
def one(settings: Settings, dsn: str) -> Iterator[Litestar]:
    """One that nobody else uses meanwhile, over the database at `dsn`."""
    app = _free.pop() if _free else make_routes()
    install(app, Services(settings, dsn))
    yield app
    _free.append(app)  # unless it failed, when its state is not known
