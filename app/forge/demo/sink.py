"""A mail server on loopback that accepts mails, counts them and throws them away.

Forty lines rather than a library, so that the demo needs nothing that is not installed anyway.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter

_ADDRESS = re.compile(rb"(?:FROM|TO):\s*<([^>]*)>", re.IGNORECASE)


class Sink:
    """Refuses `nobody@…` for good and every third mail to `busy@…` for now; takes the rest."""

    def __init__(self) -> None:
        self.mails = 0
        self.refused = 0
        self._busy: Counter[bytes] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass  # the client is gone, or sends a line without an end
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = b"220 forge demo"
        while reply:
            writer.write(reply + b"\r\n")
            await writer.drain()
            line = await reader.readline()
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                while (await reader.readline()) not in (b".\r\n", b""):
                    pass
                self.mails += 1
                reply = b"250 taken"
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            elif not line:
                return
            else:
                reply = self._answer(verb, line)

    def _answer(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"EHLO":
            return b"250-forge demo\r\n250 SMTPUTF8"
        if verb in (b"HELO", b"MAIL", b"RSET", b"NOOP"):
            return b"250 OK"
        address = _ADDRESS.search(line)
        if verb != b"RCPT" or address is None:
            return b"502 not known here"
        to = address[1]
        self._busy[to] += to.startswith(b"busy@")
        if to.startswith(b"nobody@"):
            self.refused += 1
            return b"550 no such mailbox"
        if self._busy[to] % 3 == 1:
            self.refused += 1
            return b"451 mailbox busy, come again"
        return b"250 OK"
