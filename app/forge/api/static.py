"""The dashboard's files. Only what was there at the start is served, so no path leads elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


def files_by_path(directory: Path) -> dict[str, Path]:
    """URL paths and their files; `/` is index.html."""
    found = {
        f"/{file.relative_to(directory).as_posix()}": file
        for file in sorted(directory.rglob("*"))
        if file.is_file() and file.suffix in MEDIA_TYPES
    }
    if "/index.html" in found:
        found["/"] = found["/index.html"]
    return found


def dashboard(directory: Path) -> list[HTTPRouteHandler]:
    """The route of the dashboard's files; none where there are none."""
    files = files_by_path(directory)
    if not files:
        return []

    @route(
        sorted(files),
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        opt={"right": None},
        include_in_schema=False,
    )
    async def serve_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        file = files[request.scope["path"].rstrip("/") or "/"]
        content = await asyncio.to_thread(file.read_bytes)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        # no-cache: kept, but asked about each time, so that an upgrade shows at once
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(content, media_type=MEDIA_TYPES[file.suffix], headers=headers)

    return [serve_file]
