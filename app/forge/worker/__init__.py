"""The worker: claims jobs, runs their handlers, tells SQL what came of it.

loop       the life of a worker              lane       one queue: claims and acknowledges
slots      where the jobs of a queue run     slot       one place: timeouts, handlers that hang
execute    one job: calls its handler        verdict    what its error means
threads    for plain functions               processes  for those that need one: child, frames
reports    what handlers say, on its way     outbox     failures on their way to SQL
heart      beats and ticks, in a thread      listener   liveness lock, doorbells, NOTIFY
abandoned  handlers that were left behind    link       a connection that comes back
"""

from forge.worker.context import JobContext, current_job, job_context
from forge.worker.loop import Worker
from forge.worker.options import Options
from forge.worker.registry import Registry

__all__ = ["JobContext", "Options", "Registry", "Worker", "current_job", "job_context"]
