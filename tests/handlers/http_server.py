"""A real HTTP server on loopback that answers with the bytes that the test gives."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpServer:
    """`answer` is what goes out, in full; then the connection closes, unless `hangs`."""

    answer: bytes
    hangs: bool = False
    port: int = 0
    server_name: str | None = None  # what TLS was asked for
    requests: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v for k, v in (text.split(": ", 1) for text in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append(Request(line, headers, body))
            writer.write(self.answer)
            await writer.drain()
            if self.hangs:
                await reader.read()  # until the other side goes away
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had enough
        finally:
            writer.close()


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """`answer("429 Too Many Requests", retry_after="7")`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def http_server(
    reply: bytes | None = None, *, hangs: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpServer]:
    http = HttpServer(answer("200 OK", b"thanks") if reply is None else reply, hangs)
    if tls is not None:

        def note(_: object, name: str, __: object) -> None:
            http.server_name = name

        tls.sni_callback = note
    server = await asyncio.start_server(http.serve, "127.0.0.1", 0, ssl=tls)
    http.port = server.sockets[0].getsockname()[1]
    try:
        yield http
    finally:
        server.close()
