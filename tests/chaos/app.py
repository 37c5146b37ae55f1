"""The Forge of the chaos run's workers: its handler is quick, slow, fails or ends its process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from forge import Forge, Job
from tests.chaos.journal import DONE, Journal

forge = Forge()
journal = Journal(Path(os.environ["CHAOS_JOURNAL"]), f"handlers-{os.getpid()}")


@forge.handler("chaos", queue="real")
async def chaos(job: Job) -> str:
    """Does what the job's lot says."""
    run = journal.ask("run", {"id": job.id, "lease": str(job.lease)})
    lot = job.payload["how"]
    if lot > 0.98 and job.attempts == 1:
        os._exit(3)
    if lot > 0.9:
        raise RuntimeError("as its lot says")
    await asyncio.sleep(0.5 if lot > 0.7 else 0.005)
    journal.answer(run, DONE)
    return str(job.lease)
