"""What the tests say to Forge, by whichever driver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.driver import Driver, Refused, Row


class Forge:
    """`forge.claim(max_jobs=2)`: the functions of a worker, and what tests need around them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def rows(self, function: str, **arguments: Any) -> list[Row]:
        return self._driver.call(function, **arguments)

    def row(self, function: str, **arguments: Any) -> Row:
        (row,) = self.rows(function, **arguments)
        return row

    def value(self, function: str, **arguments: Any) -> Any:
        return self.row(function, **arguments)["value"]

    def refused(self, code: str, function: str, **arguments: Any) -> Refused:
        with pytest.raises(Refused) as caught:
            self.rows(function, **arguments)
        assert caught.value.code == code, caught.value
        return caught.value

    def enqueue(self, **arguments: Any) -> int:
        job_id: int = self.value("enqueue", **{"type": "email", **arguments})
        return job_id

    def claim(self, **arguments: Any) -> list[Row]:
        return self.rows("dequeue", **{"worker": "w", **arguments})

    def running(self, **arguments: Any) -> Row:
        """A claimed job."""
        job_id = self.enqueue(**{"queue": "running", **arguments})
        (job,) = self.claim(queue=arguments.get("queue", "running"))
        assert job["id"] == job_id
        return job

    def complete(self, job: Row, **arguments: Any) -> bool:
        done: bool = self.value("complete", **fence(job), **arguments)
        return done

    def fail(self, job: Row, **arguments: Any) -> Row:
        return self.row("fail", **fence(job), **{"error": "boom", **arguments})

    def beat(self, *jobs: Row, **arguments: Any) -> dict[int, str]:
        """What a heartbeat is told, by id."""
        held = {"ids": [job["id"] for job in jobs], "leases": [job["lease"] for job in jobs]}
        rows = self.rows("heartbeat", **{"worker": "w", **held, **arguments})
        return {row["id"]: row["reason"] for row in rows}

    def exchange(self, *jobs: Row, **arguments: Any) -> tuple[list[Row], list[int]]:
        """The jobs that were claimed, and the ids of those whose lease was lost."""
        held = {"ids": [job["id"] for job in jobs], "leases": [job["lease"] for job in jobs]}
        rows = self.rows("exchange", **{**held, "worker": "w", **arguments})
        return rows, self._driver.lost()

    def job(self, job_id: int) -> Row:
        return self.row("job", id=job_id)

    def status(self, job_id: int) -> str:
        status: str = self.job(job_id)["status"]
        return status


def fence(job: Row) -> dict[str, Any]:
    return {"id": job["id"], "lease": job["lease"]}


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)
