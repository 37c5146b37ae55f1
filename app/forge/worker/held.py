"""The jobs whose lease this worker holds: claimed and waiting, running, or not yet acknowledged."""

from __future__ import annotations

import asyncio

from forge.models import Job
from forge.worker.context import LEASE_LOST, JobContext, holders


class Held(dict[int, JobContext]):
    """By id. Written in the event loop's thread, read in the heart's as well."""

    def __init__(self) -> None:
        super().__init__()
        holders[id(self)] = self
        self.emptied = asyncio.Event()
        self.emptied.set()

    def take(self, job: Job) -> JobContext:
        older = self.get(job.id)
        if older is not None:  # claimed anew here, so the lease it runs under was lost
            older.stop(LEASE_LOST)
        context = self[job.id] = JobContext(job)
        self.emptied.clear()
        return context

    def drop(self, context: JobContext) -> None:
        """Forgets a job, unless this worker has claimed it anew meanwhile."""
        if self.get(context.job.id) is context:
            del self[context.job.id]
            if not self:
                self.emptied.set()

    def has(self, context: JobContext) -> bool:
        return self.get(context.job.id) is context

    def snapshot(self) -> list[JobContext]:
        return list(self.values())  # one step of the interpreter, so safe from another thread


def leases(contexts: list[JobContext]) -> tuple[str, str]:
    """Ids and leases as two arrays in PostgreSQL's own notation.

    The driver would write lists element by element. One claim has one lease, so neighbours share
    its text.
    """
    ids, fences = [], []
    last, text = None, ""
    for context in contexts:
        lease = context.job.lease
        if lease != last:
            last, text = lease, str(lease)
        ids.append(str(context.job.id))
        fences.append(text)
    return f"{{{','.join(ids)}}}", f"{{{','.join(fences)}}}"
