"""What the parts of one worker share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forge.sessions import Ear
from forge.worker.abandoned import Abandoned
from forge.worker.held import Held
from forge.worker.link import Link, Outage
from forge.worker.options import Options
from forge.worker.outbox import Outbox
from forge.worker.processes import Processes
from forge.worker.registry import Handler, Registry
from forge.worker.reports import Reports
from forge.worker.sql_jobs import SqlJobs
from forge.worker.threads import Threads


@dataclass
class Crew:
    dsn: str
    options: Options
    registry: Registry
    held: Held = field(default_factory=Held)
    outage: Outage = field(default_factory=Outage)
    threads: Threads = field(default_factory=Threads)

    def __post_init__(self) -> None:
        self.reports_link = self.link("reports")
        self.reports = Reports(self.reports_link)
        self.processes = Processes(self.options.concurrency)
        self.abandoned = Abandoned(self.options.max_abandoned)
        self.outbox_link = self.link("outbox")
        self.outbox = Outbox(self.outbox_link, self.held)
        self.sql = SqlJobs(self.dsn, self.registry, self.options.concurrency)
        self.ear = Ear(self.dsn, self.options.listen_dsn)
        self.hears = self.options.listen  # until the listener finds that it cannot

    def link(self, part: str, dsn: str | None = None) -> Link:
        return Link(dsn or self.dsn, f"forge worker {part}", self.outage)

    def claim(self) -> dict[str, Any]:
        """The arguments by which this worker claims."""
        return {
            "worker": self.options.name,
            "lease": self.options.lease_interval,
        }

    def types(self) -> list[str]:
        """All that this worker can run."""
        return [*self.registry, *self.sql.all_types()]

    def handler(self, type: str) -> Handler:
        """What runs a job that was claimed."""
        return self.registry.get(type, self.sql.handler)
