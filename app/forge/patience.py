"""Waits of a migrator for tables in use: short ones, again and again.

Whoever waits for a lock makes all who come after wait as well, so one long wait would stop the
queue; a short one is given up, everybody goes on, and it is tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from psycopg import Connection
from psycopg import errors as pg

from forge.bookkeeping import MigrationError

T = TypeVar("T")

PATIENCE: Final = 120.0
PAUSE: Final = 0.5

# forge._lock_space('tick') and 0: the lock of the one that ticks.
TICK_KEY: Final = (0x4A510003, 0)

_BUSY: Final = (pg.LockNotAvailable, pg.DeadlockDetected)


def patiently(what: str, work: Callable[[], T]) -> T:
    """Does what is one transaction, again while others hold what it needs, for two minutes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except Exception as error:
            busy = isinstance(error, _BUSY) or isinstance(error.__cause__, _BUSY)
            if not busy:
                raise
            if time.monotonic() > deadline:
                raise MigrationError(
                    "what a migration changes stayed in use",
                    f"{what}: {getattr(error, 'detail', None) or error}",
                    "end the transaction that holds it (`forge doctor` names long ones), and "
                    "migrate again: what was done stays done",
                ) from error
        time.sleep(PAUSE * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing


def take_tick(connection: Connection[tuple[object, ...]]) -> None:
    """Until the end of the transaction no tick begins: others find it taken and return at once.

    What a tick writes, a migration may have to rewrite, and a tick would wait for it.
    """
    if connection.execute("select pg_try_advisory_xact_lock(%s, %s)", TICK_KEY).fetchone() != (
        True,
    ):
        raise pg.LockNotAvailable("a tick is under way")
