"""Forge over HTTP, each call with the least of roles that may make it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.api.conftest import Client, bearer
from tests.conformance.driver import Refused, Row, plain

# function: role, method, path
ROUTES = {
    "enqueue": ("producer", "POST", "/jobs"),
    "job": ("viewer", "GET", "/jobs/{id}"),
    "list_workers": ("viewer", "GET", "/workers"),
    "cancel": ("operator", "POST", "/jobs/{id}/cancel"),
    "retry": ("operator", "POST", "/jobs/{id}/retry"),
    "discard": ("operator", "DELETE", "/dlq/{id}"),
    "register_worker": ("worker", "POST", "/worker/register"),
    "unregister_worker": ("worker", "POST", "/worker/unregister"),
    "parents": ("worker", "GET", "/jobs/{id}/parents"),
    "job_log": ("viewer", "GET", "/jobs/{id}/log"),
}
SCALARS = {
    "complete": "changed",
    "progress": "changed",
    "log": "changed",
    "register_worker": "changed",
    "unregister_worker": "changed",
    "enqueue": "id",
}


class ByHttp:
    """Implements `Driver`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lost: list[int] = []

    def call(self, function: str, **arguments: Any) -> list[Row]:
        role, method, path = ROUTES.get(function, ("worker", "POST", f"/worker/{function}"))
        body = _body(function, arguments)
        if "{id}" in path:
            path = path.format(id=body.pop("id"))
        sent = body or None
        answer = self._client.request(method, path, headers=bearer(role), json=sent)
        found = answer.json() if answer.content else {}
        if answer.status_code == 404 and function == "job":
            return []
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            raise Refused(found["code"], found["detail"] or "")
        self._lost = found.get("lost", [])
        if function in SCALARS:
            return [{"value": found[SCALARS[function]]}]
        return [_row(item) for item in found.get("items", [found])]

    def lost(self) -> list[int]:
        return self._lost


def _body(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    arguments.pop("liveness", None)  # over HTTP there is no session that could hold a lock
    for name, value in arguments.items():
        seconds = isinstance(value, timedelta) or name == "extend"
        body[f"{name}_seconds" if seconds else name] = _value(value)
    if function == "heartbeat":
        body["jobs"] = _held(body)
    elif function == "exchange":
        body["finished"] = _held(body)
        for job, result in zip(body["finished"], body.pop("results", []), strict=False):
            job["result"] = result
    return body


def _held(body: dict[str, Any]) -> list[dict[str, Any]]:
    pairs = zip(body.pop("ids", []), body.pop("leases", []), strict=True)
    return [{"id": id, "lease": lease} for id, lease in pairs]


def _value(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else value


def _row(item: dict[str, Any]) -> Row:
    return plain({name.removesuffix("_seconds"): value for name, value in item.items()})
