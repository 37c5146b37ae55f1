"""`Forge`: the way into the queue from Python.

Every method calls one function of the schema `forge`, so the manual is there (`\\df+ forge.*`);
`calls/` holds them by role. What Python adds is here: handlers, transactions, the worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from forge.calls.admission import AdmissionCalls
from forge.calls.changes import ChangeCalls
from forge.calls.editing import EditingCalls
from forge.calls.failures import FailureCalls
from forge.calls.flows import FlowCalls
from forge.calls.limits import LimitCalls
from forge.calls.lists import ListCalls
from forge.calls.operate import OperateCalls
from forge.calls.operator import OperatorCalls
from forge.calls.producer import ProducerCalls
from forge.calls.schedules import ScheduleCalls
from forge.calls.sql_handlers import SqlHandlerCalls
from forge.calls.tokens import TokenCalls
from forge.calls.viewer import ViewerCalls
from forge.calls.worker import WorkerCalls
from forge.db import Connection
from forge.settings import Settings
from forge.worker.context import current
from forge.worker.options import DEFAULT_CONCURRENCY, Options
from forge.worker.registry import Registry

if TYPE_CHECKING:
    from forge.worker.loop import Worker

H = TypeVar("H", bound=Callable[..., Any])


class Forge(
    ProducerCalls,
    FlowCalls,
    WorkerCalls,
    OperatorCalls,
    OperateCalls,
    ScheduleCalls,
    FailureCalls,
    EditingCalls,
    AdmissionCalls,
    SqlHandlerCalls,
    ChangeCalls,
    LimitCalls,
    TokenCalls,
    ListCalls,
    ViewerCalls,
):
    """A queue in a database: `dsn`, or what the settings say. Connects at the first call."""

    def __init__(self, dsn: str | None = None, settings: Settings | None = None) -> None:
        super().__init__()
        self._dsn = dsn
        self._settings = settings
        self.registry = Registry()

    @property
    def settings(self) -> Settings:
        """From the environment unless they were given."""
        if self._settings is None:
            self._settings = Settings.from_env()
        return self._settings

    @property
    def dsn(self) -> str:
        """The database: as given, else DATABASE_URL, else the embedded server."""
        if self._dsn is None:
            from forge.embedded import resolve_dsn  # brings along what starts servers

            self._dsn = resolve_dsn(self.settings)
        return self._dsn

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def handler(
        self,
        type: str,
        *,
        queue: str | None = None,
        process: bool = False,
        memory_limit: int | str | None = None,
    ) -> Callable[[H], H]:
        """Makes a function the handler of a type: `async def`, or `def`, which runs in a thread.

        It takes a `Job`; what it returns is the job's result. What it raises fails the attempt;
        `PermanentError`, `RetryLater` and `Snooze` say more. `queue` is where `enqueue` of this
        `Forge` puts jobs of the type unless told otherwise, and what its worker pulls from.

        `process`: it runs in a process of its own, which is killed when it does not stop in time,
        and may take the whole process with it when it crashes. The function has to be at the top
        of a module. `memory_limit`: such as "512MB"; more fails the attempt. On Linux.
        """

        def register(function: H) -> H:
            self.registry.register(
                type, function, queue, process=process, memory_limit=memory_limit
            )
            return function

        return register

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction, for `connection=`: a handler's own writes and `complete` commit as one."""
        try:
            async with self.connection() as conn, conn.transaction():
                yield conn
        except BaseException:
            context = current.get(None)
            if context is not None:
                context.acknowledged = False  # if it was, that is undone
            raise

    async def run_worker(
        self,
        queues: Mapping[str, int] | None = None,
        *,
        stop: asyncio.Event | None = None,
        hurry: asyncio.Event | None = None,
        **options: Any,
    ) -> None:
        """Runs jobs until `stop` is set, or with `drain=True` until none is due.

        `queues` maps names to concurrency; by default those that the handlers name, 5 jobs each.
        Other options as in `forge.worker.Options`. `hurry` cuts the grace period short.
        """
        await self.worker(queues, **options).run(stop or asyncio.Event(), hurry)

    def worker(self, queues: Mapping[str, int] | None = None, **options: Any) -> Worker:
        """The worker that `run_worker` runs."""
        from forge.worker.loop import Worker

        if queues is None:
            queues = dict.fromkeys(self.registry.queues(), DEFAULT_CONCURRENCY)
        options.setdefault("listen_dsn", self.settings.listen_url)
        return Worker(self.dsn, self.registry, Options(queues=queues, **options))
