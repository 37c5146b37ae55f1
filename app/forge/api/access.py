"""Who may do what: the one table of roles and rights. `guard` holds every route to it.

Least privilege: a producer enqueues and follows up a job whose id it knows, but lists nothing; a
worker has no use for the routes of people. Only an operator sees secrets in payloads, and a worker
those of the jobs that it runs and of their parents.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Right(StrEnum):
    """What a route asks for; `opt={"right": ...}` of the route says which, None means anyone."""

    SESSION = "session"
    READ = "read"
    READ_JOB = "read_job"
    READ_PARENTS = "read_parents"
    ENQUEUE = "enqueue"
    OPERATE = "operate"
    WORK = "work"


RIGHTS: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.SESSION, Right.READ, Right.READ_JOB, Right.READ_PARENTS}),
    "producer": frozenset({Right.SESSION, Right.READ_JOB, Right.READ_PARENTS, Right.ENQUEUE}),
    "worker": frozenset({Right.SESSION, Right.READ_PARENTS, Right.WORK}),
    "operator": frozenset(Right),
}


class Access(Struct, frozen=True, kw_only=True):
    """The caller: its role, and the token that it came with, by hash; None where none is needed."""

    role: str
    token_id: int | None = None
    name: str | None = None
    hash: bytes | None = None

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self.role]

    @property
    def sees_secrets(self) -> bool:
        return self.role in ("operator", "worker")
