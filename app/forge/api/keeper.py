"""Who is behind a token: those of FORGE_TOKENS, and those in the database, looked up by hash.

What the database said holds for a few seconds, so that a request costs no second statement and
a revocation still works within five. A database that does not answer lets nobody in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from forge import db
from forge.api.access import Access
from forge.api.database import Database
from forge.listening import is_loopback
from forge.models import Token
from forge.settings import Settings

T = TypeVar("T")

# With the time between two looks at the open streams (`doorman`), less than 5 seconds.
FRESH_SECONDS = 2.5
MOST_KNOWN = 1000
# What create_token makes; nothing else is worth a question.
_OURS = re.compile(r"forge_[0-9a-f]{64}")


class Keeper:
    """Knows tokens. `clock` tells seconds."""

    def __init__(
        self, settings: Settings, database: Database, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._fixed = {hash_of(token): role for token, role in settings.tokens.items()}
        # Off loopback nobody is let in without a token, whatever the database says.
        self._needed = bool(settings.tokens) or not is_loopback(settings.host)
        self._not_needed_at = -FRESH_SECONDS
        self._known: OrderedDict[bytes, tuple[Access, float]] = OrderedDict()
        self._asked: dict[object, asyncio.Task[Any]] = {}

    async def needs_token(self) -> bool:
        """Whether callers need a token: from the first one on, and for ever."""
        if not self._needed and self._clock() - self._not_needed_at >= FRESH_SECONDS:
            at = self._clock()
            self.learn(await self._once("needs_token", self._ask_whether), at)
        return self._needed

    def learn(self, needed: bool, at: float | None = None) -> None:
        """Takes note of an answer, to a question that was asked at `at`."""
        self._needed = self._needed or needed
        self._not_needed_at = self._clock() if at is None else at

    async def who(self, token: str) -> Access | None:
        """The bearer of a token; None where nobody knows it, or no longer."""
        hash = hash_of(token)
        role = None
        for fixed, its_role in self._fixed.items():  # all of them, so that time tells nothing
            if hmac.compare_digest(fixed, hash):
                role = its_role
        if role is not None:
            return Access(role=role, hash=hash)
        return await self._look_up(hash) if _OURS.fullmatch(token) else None

    async def still_welcome(self, access: Access) -> bool:
        """Whether who was let in some time ago would be let in now."""
        if access.hash is None:
            return not await self.needs_token()
        return access.hash in self._fixed or await self._look_up(access.hash) is not None

    async def _look_up(self, hash: bytes) -> Access | None:
        known = self._known.get(hash)
        if known is not None and self._clock() - known[1] < FRESH_SECONDS:
            return known[0]
        at = self._clock()
        rows = await self._once(hash, lambda: self._ask_whose(hash))
        if not rows:
            self._known.pop(hash, None)
            return None
        access = Access(role=rows[0].role, token_id=rows[0].id, name=rows[0].name, hash=hash)
        self._known[hash] = (access, at)
        self._known.move_to_end(hash)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return access

    async def _once(self, what: object, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Asks, unless somebody is asking the same: however many come, it is one statement."""
        asked = self._asked.get(what)
        if asked is None:
            asked = self._asked[what] = asyncio.create_task(ask())
            asked.add_done_callback(lambda done: self._answered(what, done))
        answer: T = await asyncio.shield(asked)
        return answer

    def _answered(self, what: object, done: asyncio.Task[Any]) -> None:
        del self._asked[what]
        if not done.cancelled():
            done.exception()  # seen, though all who asked may have gone away

    async def _ask_whether(self) -> bool:
        async with self._database.connection() as conn:
            needed: bool = await db.call_value(conn, "needs_token")
        return needed

    async def _ask_whose(self, hash: bytes) -> list[Token]:
        async with self._database.connection() as conn:
            return await db.call(conn, "authenticate", Token, hash=hash)


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
