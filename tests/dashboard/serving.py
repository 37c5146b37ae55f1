"""Servers for a browser: the API in a thread, to stop and start again, and a plain file host."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forge.api import serve
from forge.settings import Settings

DASHBOARD = Path(__file__).parents[2] / "dashboard"
PATIENCE = 20


class Api:
    """The API of one database. Stopped and started again, it keeps its address."""

    def __init__(self, dsn: str, **settings: Any) -> None:
        self.url = ""
        self._dsn = dsn
        self._settings = settings
        self._port = 0

    def start(self) -> None:
        ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE), "the API did not start"
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the API did not stop"

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            self._failure = error
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()

        def answers(url: str) -> None:
            self.url, self._port = url, urlsplit(url).port or 0
            ready.set()

        settings = Settings(port=self._port, **self._settings)
        await serve(settings, self._dsn, stop=self._stop, ready=answers)


@contextmanager
def serving(dsn: str, **settings: Any) -> Iterator[Api]:
    api = Api(dsn, **settings)
    api.start()
    try:
        yield api
    finally:
        if api._thread.is_alive():
            api.stop()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def file_host() -> Iterator[str]:
    """The dashboard's files on a host that knows nothing of Forge: its address."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DASHBOARD)))
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{host.server_port}"
    finally:
        host.shutdown()
        thread.join()
        host.server_close()
