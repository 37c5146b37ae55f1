"""The worker: claims jobs, runs their handlers, tells SQL what came of it.

loop       the life of a worker              lane       one queue: claims and acknowledges
slots      where jobs run                    execute    one job: calls its handler
outbox     failures on their way to SQL      heart      beats and ticks, in a thread of its own
listener   liveness lock, doorbells, NOTIFY  link       a connection that comes back
"""

from forge.worker.context import JobContext, current_job, job_context
from forge.worker.loop import Worker
from forge.worker.options import Options
from forge.worker.registry import Registry

__all__ = ["JobContext", "Options", "Registry", "Worker", "current_job", "job_context"]
