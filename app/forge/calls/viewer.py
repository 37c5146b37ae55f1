"""What a viewer may call: read."""

from __future__ import annotations

from datetime import timedelta

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.models import (
    AppliedMigration,
    ErrorCode,
    Finding,
    JobView,
    LatencyRow,
    LogLine,
    OverviewRow,
    QueueRow,
    Reason,
    StatsRow,
    ThroughputRow,
    Transition,
    WorkerRow,
)


class ViewerCalls(Caller):
    async def job(self, id: int, *, queue: str | None = None) -> JobView | None:
        """One job, wherever it is in its life.

        None where no job has this id. SQL: forge.job
        """
        rows = await self._many(JobView, "job", **given(id=id, queue=queue))
        return rows[0] if rows else None

    async def explain(self, id: int, *, queue: str | None = None) -> list[Reason]:
        """Why a job does not run, or what it does, in words and codes.

        Raises `JobNotFound`. SQL: forge.explain
        """
        return await self._many(Reason, "explain", **given(id=id, queue=queue))

    async def job_log(
        self, id: int, *, after: int | None = None, max_rows: int | None = None
    ) -> list[LogLine]:
        """The log of a job, oldest line first: while it runs, and as long as lines are kept after that.

        `after` is the id of the last line that the caller has. SQL: forge.job_log
        """  # noqa: E501
        arguments = given(id=id, after=after, max_rows=max_rows)
        return await self._many(LogLine, "job_log", **arguments)

    async def stats(self, queue: str | None = None) -> list[StatsRow]:
        """The numbers of each queue.

        SQL: forge.stats
        """
        return await self._many(StatsRow, "stats", **given(queue=queue))

    async def throughput(
        self,
        queue: str | None = None,
        *,
        since: timedelta | None = None,
        bucket: timedelta | None = None,
        by_queue: bool | None = None,
    ) -> list[ThroughputRow]:
        """What happened in each span of time, by the samples of the tick.

        SQL: forge.throughput
        """
        arguments = given(queue=queue, since=since, bucket=bucket, by_queue=by_queue)
        return await self._many(ThroughputRow, "throughput", **arguments)

    async def latency(
        self,
        queue: str | None = None,
        *,
        since: timedelta | None = None,
        bucket: timedelta | None = None,
        by_queue: bool | None = None,
    ) -> list[LatencyRow]:
        """How long completed jobs waited and ran, in percentiles, in each span of time.

        SQL: forge.latency
        """
        arguments = given(queue=queue, since=since, bucket=bucket, by_queue=by_queue)
        return await self._many(LatencyRow, "latency", **arguments)

    async def list_queues(self) -> list[QueueRow]:
        """The queues that have settings or were seen by a tick.

        SQL: forge.list_queues
        """
        return await self._many(QueueRow, "list_queues")

    async def list_workers(self) -> list[WorkerRow]:
        """The registered workers.

        SQL: forge.list_workers
        """
        return await self._many(WorkerRow, "list_workers")

    async def overview(
        self, max_rows: int | None = None, *, topics: list[str] | None = None
    ) -> list[OverviewRow]:
        """What a dashboard shows, in one call and as JSON: numbers, workers, queues, jobs, warnings, schedules.

        SQL: forge.overview
        """  # noqa: E501
        arguments = given(max_rows=max_rows, topics=topics)
        return await self._many(OverviewRow, "overview", **arguments)

    async def warnings(self) -> list[Finding]:
        """What an operator should read now: queues without workers, paused ones, failing schedules, long transactions.

        SQL: forge.warnings
        """  # noqa: E501
        return await self._many(Finding, "warnings")

    async def prometheus(self) -> list[str]:
        """The numbers of all queues in the text format of Prometheus.

        SQL: forge.prometheus
        """
        return await self._values("prometheus")

    async def doctor(self) -> list[Finding]:
        """Looks for what is wrong with the queues, and with the server under them.

        SQL: forge.doctor
        """
        return await self._many(Finding, "doctor")

    async def errors(self) -> list[ErrorCode]:
        """Every error code of Forge.

        SQL: forge.errors
        """
        return await self._many(ErrorCode, "errors")

    async def transitions(self) -> list[Transition]:
        """Every legal change of a job's status, and the function that makes it.

        SQL: forge.transitions
        """
        return await self._many(Transition, "transitions")

    async def version(self) -> str:
        """The version of the installed functions.

        SQL: forge.version
        """
        text: str = await self._value("version")
        return text

    async def migrations(self) -> list[AppliedMigration]:
        """The migrations of the tables that this database has had.

        SQL: forge.migrations
        """
        return await self._many(AppliedMigration, "migrations")
