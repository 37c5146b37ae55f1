"""One line of JSON for each request. Nothing that a client sends can break a line or forge one.

The query is left out, as filters hold what payloads hold; so are all headers but the request's id.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from litestar.types import HTTPScope

logger = logging.getLogger("forge.access")

LONGEST_PATH = 500


def configure(level: str) -> None:
    """Writes the lines to stderr, as they are."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())


def write(scope: HTTPScope, status: int, seconds: float, sent: int) -> None:
    """Logs a request that has ended."""
    level = _level(scope["path"], status)
    if not logger.isEnabledFor(level):
        return
    state = scope["state"]
    access = state.get("access")
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": logging.getLevelName(level).lower(),
        "request_id": state["request_id"],
        "method": scope["method"],
        # as it came over the wire, where it is printable ASCII
        "path": scope["raw_path"].partition(b"?")[0].decode("latin-1")[:LONGEST_PATH],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "bytes": sent,
        "role": access.role if access else None,
        "token": access.name if access else None,
        "address": scope["client"][0][:64] if scope["client"] else None,
    }
    logger.log(level, "%s", json.dumps(line))  # it escapes all that is not plain ASCII


def _level(path: str, status: int) -> int:
    if status >= 500:
        return logging.ERROR
    if status >= 400:
        return logging.WARNING
    return logging.DEBUG if path.startswith("/health/") else logging.INFO
