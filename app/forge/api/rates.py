"""How often somebody may do something: a bucket for each, in bounded memory.

Not Litestar's own middleware: it keeps every time of every caller for ever, writes the list of
all of them anew at each request, and knows the caller's address only, not the token.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from litestar.types import Message, Scope
from msgspec import Struct

from forge.environment import NO_LIMIT, Rate
from forge.listening import is_loopback
from forge.settings import Settings

ELSEWHERE = Rate(6000, 60)
# Wrong tokens from one address; who mistypes has enough, who guesses has not.
FAILURES = Rate(30, 60)
MOST_CALLERS = 10_000


class Standing(Struct, frozen=True):
    """What is left to somebody: requests now, and seconds until all are there again."""

    allowed: bool
    rate: Rate
    remaining: int
    reset: int
    retry_after: int


class Buckets:
    """A bucket for each key, full at first, that refills evenly. `clock` tells seconds."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._each = rate.seconds / rate.requests
        self._clock = clock
        # When each bucket is full again; that is all there is to know of it.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> Standing:
        """Takes one out, if there is one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._each
        allowed = full_at - now <= self._rate.seconds + 1e-6
        if allowed:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
            if len(self._full_at) > MOST_CALLERS:
                self._full_at.popitem(last=False)
        return self._standing(full_at - now, allowed)

    def is_empty(self, key: Hashable) -> Standing | None:
        """How things stand where there is nothing left to take."""
        now = self._clock()
        full_in = self._full_at.get(key, now) - now + self._each
        return None if full_in <= self._rate.seconds + 1e-6 else self._standing(full_in, False)

    def _standing(self, full_in: float, allowed: bool) -> Standing:
        missing = full_in if allowed else full_in - self._each
        return Standing(
            allowed,
            self._rate,
            max(0, int((self._rate.seconds - missing) / self._each + 1e-6)) if allowed else 0,
            math.ceil(missing),
            0 if allowed else max(1, math.ceil(full_in - self._rate.seconds)),
        )


def asked_for(settings: Settings) -> Rate | None:
    """The limit of requests; None where there is none."""
    if settings.rate_limit is None:
        return None if is_loopback(settings.host) else ELSEWHERE
    return None if settings.rate_limit == NO_LIMIT else settings.rate_limit


@lru_cache(maxsize=1024)
def neighbourhood(address: str) -> str:
    """Whom an address stands for: a household has a whole /64 of IPv6 to come from."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


def headers_of(standing: Standing) -> dict[str, str]:
    """How things stand, in the fields of the IETF's draft that most clients know."""
    return {
        "RateLimit-Limit": str(standing.rate.requests),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset),
        "RateLimit-Policy": f"{standing.rate.requests};w={standing.rate.seconds}",
    }


async def add_headers(message: Message, scope: Scope) -> None:
    """The hook that tells each caller how things stand."""
    if message["type"] == "http.response.start":
        standing = scope["state"].get("standing")
        if standing is not None:
            message["headers"] = [
                *message["headers"],
                *((k.lower().encode(), v.encode()) for k, v in headers_of(standing).items()),
            ]
