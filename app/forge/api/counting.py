"""What this server counts of itself: the requests it has answered."""

from __future__ import annotations

from litestar.types import Message, Scope
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

# What a client asks for that is no route of ours must not make a line of its own.
NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counting:
    """One registry an application, so that two in one process do not add up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "forge_api_requests_total",
            "Requests that this server has answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._viewers = Gauge(
            "forge_api_viewers",
            "Event streams that are open at this server.",
            registry=self._registry,
        )

    async def count(self, message: Message, scope: Scope) -> None:
        """A `before_send` hook."""
        if message["type"] == "http.response.start":
            sent = str(scope.get("method", ""))
            method = sent if sent in _METHODS else "(other)"
            route = scope.get("path_template") or NO_ROUTE
            self._requests.labels(method, route, str(message["status"])).inc()

    def text(self, viewers: int) -> bytes:
        """The lines of this server."""
        self._viewers.set(viewers)
        return b"".join(
            line
            for line in generate_latest(self._registry).splitlines(keepends=True)
            if b"_created" not in line  # for a format that the rest of the answer is not in
        )
