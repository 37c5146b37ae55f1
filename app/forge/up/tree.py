"""The process tree: what is started in which order, and stopped in the opposite one."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from forge.listening import bind, check_exposure, is_exposed, open_to_everybody
from forge.migrate import migrate
from forge.sessions import to_migrate
from forge.settings import Settings
from forge.up.children import Child, ChildFailed
from forge.up.database import Server, running
from forge.up.health import answers
from forge.up.plan import Plan
from forge.up.reporter import report_environment
from forge.up.stopping import Stopping

API_PATIENCE: Final = 8.0  # seconds for requests under way; the API itself allows them 5
MARGIN: Final = 10.0  # seconds that a worker gets besides its grace period

Say = Callable[[str], None]


class Tree:
    """Runs what a plan says; `welcome` is called once all of it does."""

    def __init__(self, plan: Plan, welcome: Callable[[Server, socket.socket], None]) -> None:
        self._plan = plan
        self._welcome = welcome
        self._stopping = Stopping()
        self._tasks: list[asyncio.Task[Any]] = []

    async def run(self, say: Say) -> int:
        """Runs until a signal; the exit status. Raises `ForgeError` when a part does not run."""
        settings, asked = self._plan.settings, self._stopping.asked
        if is_exposed(settings) and not (settings.database_url or settings.home.exists()):
            raise open_to_everybody(settings, "there is no database yet")
        self._stopping.listen()
        async with AsyncExitStack() as stack:
            listener = stack.enter_context(await claim_port(settings))
            say("starting the database")
            server = await stack.enter_async_context(running(settings))
            say("migrating")
            await asyncio.to_thread(lambda: migrate(to_migrate(settings, server.dsn)))
            await check_exposure(settings, server.dsn)
            if not asked.is_set():
                say("starting the API and the workers")
                await stack.enter_async_context(self._everything(server, listener))
                await self._until(answers(listener))
            if not asked.is_set():
                self._welcome(server, listener)
                await self._until(asked.wait())
            say("stopping; running jobs may finish, a second signal gives them back at once")
        return self._stopping.status

    @asynccontextmanager
    async def _everything(self, server: Server, listener: socket.socket) -> AsyncIterator[None]:
        environment = {"DATABASE_URL": server.dsn}
        async with AsyncExitStack() as stack:
            # Only we hold the writing end, so its end tells the children that we are gone.
            lifeline, ours = os.pipe()
            stack.callback(os.close, ours)
            stack.callback(os.close, lifeline)
            stack.callback(self._cancel_tasks)

            fds = (lifeline, listener.fileno())
            api = Child("API", ["api", str(fds[1])], environment, fds)
            stack.push_async_callback(api.stop, API_PATIENCE)
            self._start(api.keep())
            self._start(server.keep())

            if server.embedded is not None:
                home = self._plan.settings.home
                environment |= await asyncio.to_thread(report_environment, server.dsn, home)
            if self._plan.demo:
                environment |= await stack.enter_async_context(self._demo(server.dsn))
            command = self._plan.worker_command
            workers = [
                Child("worker", command, environment, (lifeline,))
                for _ in range(self._plan.workers)
            ]
            stack.push_async_callback(self._end, workers)
            for worker in workers:
                self._start(worker.keep())
            yield

    @asynccontextmanager
    async def _demo(self, dsn: str) -> AsyncIterator[dict[str, str]]:
        """Whom the demo's jobs meet, and who enqueues them; the settings for the workers."""
        from forge.client import Forge
        from forge.demo.jobs import demo_jobs
        from forge.demo.producer import produce
        from forge.demo.run import backdrop

        plan = self._plan
        async with backdrop(dsn, plan.settings.home / "demo-reports") as scene, Forge(dsn) as forge:
            jobs = demo_jobs(int(time.time()), scene.receiver_url)
            self._start(produce(forge, jobs, self._stopping.asked, rate=plan.rate))
            yield scene.env

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _until(self, work: Coroutine[Any, Any, Any]) -> None:
        """Waits for the work or a signal. Raises what a part of the tree died of."""
        mine = {asyncio.create_task(work), asyncio.create_task(self._stopping.asked.wait())}
        try:
            pending = {*mine, *self._tasks}
            while not any(task.done() for task in mine):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in mine:
                task.cancel()

    async def _end(self, workers: list[Child]) -> None:
        for worker in workers:
            worker.ask()
        hurry = asyncio.create_task(self._hurry(workers))
        await asyncio.gather(*(worker.stop(self._plan.grace + MARGIN) for worker in workers))
        hurry.cancel()

    async def _hurry(self, workers: list[Child]) -> None:
        await self._stopping.hurried.wait()
        for worker in workers:
            worker.ask()


async def claim_port(settings: Settings) -> socket.socket:
    """The API's socket, before anything starts. Raises `ChildFailed` where another has the port."""
    # The API of a `forge up` that was killed notices its parent's end within moments.
    deadline = time.monotonic() + 2
    while True:
        try:
            return bind(settings.host, settings.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise ChildFailed(
                    f"cannot listen on {settings.host}:{settings.port}",
                    error.strerror or str(error),
                    "stop what has the port, or choose another --port",
                ) from error
        await asyncio.sleep(0.1)
