"""What a client of the chaos run enqueues: jobs with keys, priorities, parents, batches."""

from __future__ import annotations

import random
from typing import Any

QUEUES = ("plain", "limited", "fifo", "flow", "timed")
KEYS = [f"k{number}" for number in range(4)]
# What goes wrong in handlers of the workers: see app.py.
ENDLESS = ("chaos.block", "chaos.hang")
BAD = {"chaos.block": 3, "chaos.hang": 1, "chaos.leak": 6, "chaos.exit": 6}
# What an attempt of these fails of.
ERRORS = {"chaos.block": "Timeout", "chaos.leak": "MemoryLimit", "chaos.exit": "ProcessDied"}
Job = dict[str, Any]


class Orders:
    """`mine` are the ids that the client was told of."""

    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.dice = dice
        self.mine: list[int] = []
        self._made = 0

    def some(self) -> list[Job]:
        """For one call: alone, many, or a flow."""
        kind = self.dice.random()
        if kind < 0.25:
            return self.flow()
        return [self.job() for _ in range(self.dice.choice([1, 1, 1, 5, 20]))]

    def job(self, queue: str | None = None) -> Job:
        queue = queue or self.dice.choice(["plain", "limited", "fifo", "real"])
        job = self._plain(queue)
        if queue == "fifo" or (queue == "limited" and self.dice.random() < 0.5):
            job["concurrency_key"] = self.dice.choice(KEYS)
        if queue == "plain" and self.dice.random() < 0.3:
            job["unique_key"] = f"u{self.dice.randrange(20)}"
        if queue == "limited" and self.dice.random() < 0.3:
            # A key of few, so that there is something to replace.
            job["unique_key"] = f"r{self.dice.randrange(3)}"
            job["on_conflict"] = "replace"
            job.pop("concurrency_key", None)
        if queue == "real" and self.dice.random() < 0.1:
            self._spoil(job, *self.dice.choices(list(BAD), list(BAD.values())))
        return job

    def bad(self) -> list[Job]:
        """One of each that an attempt fails of."""
        jobs = [self._plain("real") for _ in ERRORS]
        for job, type in zip(jobs, ERRORS, strict=True):
            self._spoil(job, type)
        return jobs

    def _spoil(self, job: Job, type: str) -> None:
        job["type"] = type
        if type in ENDLESS:
            # Once, as it keeps a worker for a while.
            job |= {"timeout": "1 second", "max_retries": 0}

    def flow(self) -> list[Job]:
        """Parents and children of one call, by handles; and of jobs that were there before."""
        jobs = [self._plain("flow") for _ in range(self.dice.choice([1, 2, 4]))]
        for place, job in enumerate(jobs):
            job["handle"] = job["payload"]["nonce"]
            parents: list[int | str] = [
                before["handle"] for before in jobs[:place] if self.dice.random() < 0.6
            ]
            if self.mine and self.dice.random() < 0.5:
                parents.append(self.dice.choice(self.mine[-30:]))
            if parents:
                job["depends_on"] = parents
                job["on_parent_failure"] = self.dice.choice(["wait", "run", "cancel"])
        return jobs

    def batch(self) -> tuple[Job, list[Job]]:
        """A callback, and the jobs of its batch."""
        return self._plain("flow"), [self._plain("flow") for _ in range(self.dice.choice([1, 5]))]

    def _plain(self, queue: str) -> Job:
        self._made += 1
        return {
            "type": "chaos",
            "payload": {"nonce": f"{self.name}:{self._made}", "how": self.dice.random()},
            "queue": queue,
            "priority": self.dice.choice([0, 0, 0, 5, -5]),
        }


def noted(jobs: list[Job]) -> dict[str, Any]:
    """What a journal keeps of an enqueue: all but what the nonce stands for."""
    return {
        "nonces": [job["payload"]["nonce"] for job in jobs],
        "jobs": {
            job["payload"]["nonce"]: {
                name: job[name]
                for name in ("unique_key", "on_conflict", "depends_on", "on_parent_failure")
                if name in job
            }
            for job in jobs
        },
    }
