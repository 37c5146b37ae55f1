"""Reads a job's payload into a struct. What does not fit will not fit next time either."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from forge.errors import PermanentError
from forge.models import Job

T = TypeVar("T", bound=msgspec.Struct)


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the built-in handlers' payloads: a misspelt field is an error, never ignored."""


def read(job: Job, kind: type[T]) -> T:
    """The payload as `kind`, or a `PermanentError` that says which field is wrong and how."""
    try:
        return msgspec.convert(job.payload, kind)
    except msgspec.ValidationError as error:
        raise PermanentError(f"bad payload: {error}") from None


def stable_id(job: Job) -> str:
    """Names this job in the outside world: the same on every attempt, in no other installation.

    Ids start at 1 in every new database; with the time of creation the name stays unlike those of
    the database before it, which mail servers and webhook receivers may remember.
    """
    return f"{job.id}-{int(job.created_at.timestamp() * 1_000_000):x}"


def text_for_jsonb(data: Any) -> str:
    """Bytes or text from outside as text that jsonb can hold (it has no NUL)."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
