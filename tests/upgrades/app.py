"""What workers of the previous release run: it notes each run in a file, and fails now and then."""

from __future__ import annotations

import os

from forge import Forge, Job

forge = Forge()


@forge.handler("note")
async def note(job: Job) -> dict[str, int]:
    with open(os.environ["UPGRADE_NOTES"], "a") as file:  # noqa: ASYNC230 - one short line
        file.write(f"{job.id} {job.attempts}\n")
    if job.id % 7 == 0 and job.attempts == 1:
        raise RuntimeError("the first time")
    return {"attempt": job.attempts}
