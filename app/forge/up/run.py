"""What `forge up` does, from an empty directory to everything running, and back."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import click
import httpx

from forge.client import Forge
from forge.demo.jobs import demo_jobs
from forge.demo.producer import produce
from forge.demo.reporter import report_login
from forge.demo.run import backdrop
from forge.embedded import Embedded, is_available
from forge.errors import SettingsError
from forge.migrate import migrate
from forge.settings import Settings
from forge.up.children import Child, ChildFailed

QUEUES: Final = ("default", "emails", "webhooks", "reports")
READY_WITHIN: Final = 30.0
SEED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for on the command line."""

    settings: Settings
    port: int
    workers: int = 1
    demo: bool = False
    rate: float = 4.0


async def run(plan: Plan, stop: asyncio.Event, ready: Callable[[str, str], None]) -> None:
    """Starts everything, calls `ready` with the address and the DSN, and ends it after `stop`."""
    refuse_taken_port(plan.settings.host, plan.port)
    async with AsyncExitStack() as stack:
        dsn = await _database(plan.settings, stack)
        await asyncio.to_thread(migrate, dsn)
        environment, receiver = await stack.enter_async_context(_jobs_world(plan, dsn))
        api = Child("API", "api", "--port", str(plan.port), env={"DATABASE_URL": dsn})
        workers = [
            Child("worker", *_worker_command(), env={**environment, "DATABASE_URL": dsn})
            for _ in range(plan.workers)
        ]
        children = [*workers, api]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child.keep()) for child in children]
            tasks.append(group.create_task(_announce(plan, dsn, ready)))
            if receiver is not None:
                tasks.append(group.create_task(_demo(plan, dsn, receiver, stop)))
            try:
                await stop.wait()
            finally:
                # Workers first, as they finish their jobs; whoever watches sees them do so.
                await asyncio.gather(*(worker.stop() for worker in workers))
                await api.stop()
                for task in tasks:
                    task.cancel()


def refuse_taken_port(host: str, port: int) -> None:
    """Says that the port is taken before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {host}:{port}: {error.strerror or error}; "
                "choose another --port, or stop what listens there"
            ) from error


async def _database(settings: Settings, stack: AsyncExitStack) -> str:
    if settings.database_url:
        return settings.database_url
    if not is_available():
        raise SettingsError(
            "DATABASE_URL", "", "a PostgreSQL; or pip install 'forge[embedded]' to bring one along"
        )
    server = Embedded(settings.home)
    await asyncio.to_thread(server.start)
    stack.push_async_callback(asyncio.to_thread, server.stop)
    return server.dsn


@asynccontextmanager
async def _jobs_world(plan: Plan, dsn: str) -> AsyncIterator[tuple[Mapping[str, str], str | None]]:
    """What the workers' handlers meet: their environment, and where the demo's webhooks go."""
    reports = plan.settings.home / "reports"
    if plan.demo:
        async with backdrop(dsn, reports, seed=SEED) as scene:
            yield scene.env, scene.receiver_url
    elif os.environ.get("FORGE_REPORT_DIR") or plan.settings.database_url:
        yield {}, None  # whoever brings a database says which reports may be made from it
    else:
        async with report_login(dsn) as login:
            known = {"FORGE_REPORT_DIR": str(reports), "FORGE_REPORT_URL": login or ""}
            yield known if login else {}, None


def _worker_command() -> list[str]:
    command = ["worker", "--builtin"]
    for queue in QUEUES:
        command += ["--queue", queue]
    return command


async def _announce(plan: Plan, dsn: str, ready: Callable[[str, str], None]) -> None:
    host = plan.settings.host
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    address = f"http://{shown}:{plan.port}"
    try:
        async with asyncio.timeout(READY_WITHIN), httpx.AsyncClient() as client:
            while True:
                with suppress(httpx.TransportError):
                    answer = await client.get(f"{address}/health/ready")
                    if answer.status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ChildFailed(
            "the API is not ready",
            f"{address} after {READY_WITHIN:.0f} s",
            "see its messages above",
        ) from None
    ready(address, dsn)


async def _demo(plan: Plan, dsn: str, receiver: str, stop: asyncio.Event) -> None:
    async with Forge(dsn) as forge:
        await produce(forge, demo_jobs(SEED, receiver), stop, rate=plan.rate)
