"""What a handler's error means, in words that can cross from one process to another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from forge.errors import PermanentError, RetryLater, Snooze
from forge.worker.clean import clean_text, error_text, error_traceback, error_type


class Failure(Struct, frozen=True, kw_only=True, tag=True):
    """The arguments of `forge.fail`."""

    error: str
    error_type: str
    traceback: str | None = None
    retryable: bool = True
    retry_in: timedelta | None = None


class Delay(Struct, frozen=True, kw_only=True, tag=True):
    """The arguments of `forge.snooze`."""

    delay: timedelta
    note: str | None = None


Verdict = Failure | Delay
FUNCTIONS = {Failure: "fail", Delay: "snooze"}


class JudgedError(Exception):
    """An error that was judged where it was raised: in another process, or by the worker."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def judge(error: BaseException) -> Verdict:
    """What SQL is to be told of an error."""
    if isinstance(error, JudgedError):
        return error.verdict
    if isinstance(error, Snooze):
        note = None if error.note is None else clean_text(error.note, 500)
        return Delay(delay=error.delay, note=note)
    return Failure(
        error=error_text(error),
        error_type=error_type(error),
        traceback=error_traceback(error),
        retryable=not isinstance(error, PermanentError),
        retry_in=error.delay if isinstance(error, RetryLater) else None,
    )


def arguments(verdict: Verdict) -> dict[str, Any]:
    """By the names that the function of SQL has for them; what is not there is left out."""
    named = structs.asdict(verdict)
    return {name: value for name, value in named.items() if value is not None}
