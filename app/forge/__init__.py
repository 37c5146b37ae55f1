"""Forge: a PostgreSQL job queue whose logic is SQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forge.client import Forge
    from forge.errors import ForgeError, PermanentError, RetryLater, Snooze
    from forge.models import Job, JobView
    from forge.worker.context import JobContext, current_job, job_context

# Imported when first asked for: the driver costs a tenth of a second, which `forge --help` need
# not pay.
_HOMES = {
    "Forge": "forge.client",
    "ForgeError": "forge.errors",
    "Job": "forge.models",
    "JobContext": "forge.worker.context",
    "JobView": "forge.models",
    "PermanentError": "forge.errors",
    "RetryLater": "forge.errors",
    "Snooze": "forge.errors",
    "current_job": "forge.worker.context",
    "job_context": "forge.worker.context",
}

__all__ = [
    "Forge",
    "ForgeError",
    "Job",
    "JobContext",
    "JobView",
    "PermanentError",
    "RetryLater",
    "Snooze",
    "current_job",
    "job_context",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
