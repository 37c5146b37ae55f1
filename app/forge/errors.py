"""Errors: the SQLSTATE class JQ that `forge.errors()` lists, and what a handler may raise.

A test holds `BY_CODE` against `forge.errors()`: SQL is the only place where these codes are made.
"""

from __future__ import annotations

import re
from datetime import timedelta

import psycopg
from psycopg import errors as pg


class ForgeError(Exception):
    """An error with a code of Forge's own: what is wrong, the values, and what to do."""

    code = "JQ000"
    name = "error"
    http_status = 500

    def __init__(self, message: str, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.code} {self.message}"
        if self.detail:
            text += f": {self.detail}"
        return f"{text} ({self.hint})" if self.hint else text


class InvalidArgument(ForgeError):
    """An argument is missing, of the wrong type or out of range."""

    code, name, http_status = "JQ001", "invalid_argument", 422


class LeaseLost(ForgeError):
    """The lease is not the job's current one: somebody else owns the job, or it has ended."""

    code, name, http_status = "JQ002", "lease_lost", 409


class JobNotFound(ForgeError):
    """No job has this id."""

    code, name, http_status = "JQ003", "job_not_found", 404


class WrongStatus(ForgeError):
    """The job's status does not allow this."""

    code, name, http_status = "JQ004", "wrong_status", 409


class PayloadTooLarge(ForgeError):
    """A payload, result or batch is over its limit."""

    code, name, http_status = "JQ005", "payload_too_large", 413


class WrongIsolation(ForgeError):
    """The caller's transaction is not READ COMMITTED, under which claims would break."""

    code, name, http_status = "JQ006", "wrong_isolation", 409


class ScheduleNotFound(ForgeError):
    """No schedule has this name."""

    code, name, http_status = "JQ007", "schedule_not_found", 404


class UniqueConflict(ForgeError):
    """A live job holds the unique key; `detail` has its id."""

    code, name, http_status = "JQ012", "unique_conflict", 409


class QueueFull(ForgeError):
    """The queue has as many jobs as it admits."""

    code, name, http_status = "JQ013", "queue_full", 429

    @property
    def retry_after(self) -> int:
        """When to try again, in seconds."""
        found = re.search(r"retry_after=(\d+)", self.detail or "")
        return int(found[1]) if found else 1


class PayloadInvalid(ForgeError):
    """The payload does not keep to what is set for its type; `detail` has the path and the rule."""

    code, name, http_status = "JQ014", "payload_invalid", 422


class DatabaseUnavailable(ForgeError):
    """The database cannot be reached, or the connection to it was lost."""

    code, name, http_status = "JQ100", "database_unavailable", 503


class SettingsError(ForgeError):
    """A setting from the environment cannot be used."""

    code, name, http_status = "JQ101", "invalid_setting", 500


class NotInstalled(ForgeError):
    """The schema `forge` is missing from the database, or older than this program."""

    code, name, http_status = "JQ102", "not_installed", 503


class TryAgain(ForgeError):
    """The database gave up: a deadlock, a conflict or a time limit. Nothing was changed."""

    code, name, http_status = "JQ103", "try_again", 503


BY_CODE: dict[str, type[ForgeError]] = {
    error.code: error
    for error in (
        InvalidArgument,
        LeaseLost,
        JobNotFound,
        WrongStatus,
        PayloadTooLarge,
        WrongIsolation,
        ScheduleNotFound,
        UniqueConflict,
        QueueFull,
        PayloadInvalid,
    )
}

# What PostgreSQL says of a value that no text or jsonb can hold (a NUL, a lone surrogate, a date
# in no format): the caller's mistake, never ours.
_BAD_VALUES = (
    psycopg.DataError,
    pg.UntranslatableCharacter,
    pg.CharacterNotInRepertoire,
)

_GIVEN_UP = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.QueryCanceled,
)


def translate(error: psycopg.Error) -> Exception:
    """The `ForgeError` for a database error; what has no code of ours comes back as it is."""
    diag = error.diag
    known = BY_CODE.get(error.sqlstate or "")
    if known is not None:
        return known(diag.message_primary or str(error), diag.message_detail, diag.message_hint)
    if isinstance(error, _BAD_VALUES):
        return InvalidArgument(
            "a value cannot be stored",
            diag.message_primary or str(error),
            "remove NUL characters and check the types of the arguments",
        )
    if isinstance(error, (pg.InvalidSchemaName, pg.UndefinedFunction)):
        return NotInstalled(
            "Forge is not installed in this database, or is another version",
            diag.message_primary,
            "run `forge migrate`",
        )
    if isinstance(error, _GIVEN_UP):
        return TryAgain(
            "the database gave the call up", diag.message_primary, "nothing was changed; try again"
        )
    if isinstance(error, psycopg.OperationalError):
        return DatabaseUnavailable(
            "the database cannot be reached",
            (diag.message_primary or str(error)).strip(),
            "check DATABASE_URL and that PostgreSQL is running",
        )
    return error


class PermanentError(Exception):
    """Raise it in a handler: this job will never succeed; it goes to the dead-letter queue now."""


class RetryLater(Exception):
    """Raise it in a handler: this attempt failed; the next one starts after `delay`."""

    def __init__(self, message: str, delay: timedelta) -> None:
        super().__init__(message)
        self.delay = delay


class Snooze(Exception):
    """Raise it in a handler: not now. The job is put back for `delay`; no attempt is counted.

    `note` is shown as the job's progress note meanwhile: what it waits for.
    """

    def __init__(self, delay: timedelta, note: str | None = None) -> None:
        super().__init__(f"snoozed for {delay}")
        self.delay = delay
        self.note = note
