"""A webhook receiver on loopback: checks signatures, takes its time, and fails at times.

What it answers is drawn from the seed, the path and how often that path was asked for, so that two
runs fail alike.
"""

from __future__ import annotations

import asyncio
import hmac
import random
from collections import Counter

from forge.handlers.signing import parse_secrets, signature

_PLAIN = {200: "OK", 401: "Unauthorized", 410: "Gone", 429: "Too Many Requests"}
_PLAIN |= {500: "Internal Server Error", 503: "Service Unavailable"}


class Receiver:
    """`/gone…` is 410 and `/broken…` is 500 for ever; other paths fail one time in five."""

    def __init__(self, secret: str, seed: int, *, slowest: float = 0.6) -> None:
        self.answers: Counter[int] = Counter()
        self._keys = parse_secrets(secret)
        self._seed = seed
        self._slowest = slowest
        self._visits: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            path = first.split(" ")[1]
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, pause = self._decide(path, headers, body)
            await asyncio.sleep(pause)
            self.answers[status] += 1
            text = f"{_PLAIN[status]}, says the demo receiver\n"
            retry = "Retry-After: 3\r\n" if status in (429, 503) else ""
            writer.write(
                f"HTTP/1.1 {status} {_PLAIN[status]}\r\nContent-Length: {len(text)}\r\n{retry}"
                f"Connection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
        except (ConnectionError, ValueError, IndexError):
            pass  # the client is gone, or does not speak HTTP
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _decide(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, float]:
        """The status, and the seconds that it takes to say so."""
        self._visits[path] += 1
        draw = random.Random(f"{self._seed} {path} {self._visits[path]}")  # noqa: S311 - a demo
        pause = draw.uniform(0, self._slowest)
        if not self._signed(headers, body):
            return 401, pause
        if path.startswith("/gone"):
            return 410, pause
        if path.startswith("/broken"):
            return 500, pause
        return draw.choices((200, 500, 503, 429), (80, 12, 5, 3))[0], pause

    def _signed(self, headers: dict[str, str], body: bytes) -> bool:
        stamp = headers.get("webhook-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit()):
            return False
        expected = signature(self._keys, headers.get("webhook-id", ""), int(stamp), body)
        return hmac.compare_digest(expected, headers.get("webhook-signature", ""))
