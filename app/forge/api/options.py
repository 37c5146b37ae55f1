"""OPTIONS of every path names all its methods. Litestar's own answer has those of one handler."""

from __future__ import annotations

import re
from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.types import Message, Scope


def make_allow(handlers: list[HTTPRouteHandler]) -> Any:
    """The hook that puts the Allow header of OPTIONS right."""
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            template = re.sub(r":\w+}", "}", path)  # as the scope has it
            methods.setdefault(template, {"OPTIONS"}).update(handler.http_methods)
    allowed = {path: ", ".join(sorted(found)).encode() for path, found in methods.items()}

    async def name_all(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or scope.get("method") != "OPTIONS":
            return
        allow = allowed.get(scope.get("path_template", ""))
        if allow is not None:
            others = [item for item in message["headers"] if item[0] != b"allow"]
            message["headers"] = [*others, (b"allow", allow)]

    return name_all
