"""The application: routes, guards, hooks and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from forge.api import (
    access,
    admission,
    claims,
    dlq,
    docs,
    editing,
    events,
    flows,
    in_sql,
    jobs,
    limits,
    lists,
    logs,
    metrics,
    options,
    origin,
    problems,
    queues,
    rates,
    reference,
    retries,
    schedules,
    static,
    system,
    tokens,
    types,
    work,
    workers,
)
from forge.api.counting import Counting
from forge.api.database import Database
from forge.api.doorman import Doorman
from forge.api.guard import Guard
from forge.api.handover import Handover
from forge.api.headers import add_security_headers
from forge.api.hub import Hub
from forge.api.keeper import Keeper
from forge.api.observing import observe
from forge.api.requests import BODY_LIMIT, StrictRequest, check_query
from forge.api.sampler import sample
from forge.api.waiting import WaitingRoom
from forge.sessions import Ear
from forge.settings import Settings
from forge.sqlfiles import dashboard_directory

ROUTES: list[HTTPRouteHandler] = [
    jobs.enqueue,
    jobs.enqueue_batch,
    lists.list_jobs,
    lists.count_jobs,
    jobs.get_job,
    jobs.explain_job,
    logs.get_log,
    jobs.cancel_job,
    jobs.retry_job,
    editing.edit_job,
    editing.edit_jobs,
    editing.cancel_jobs,
    editing.retry_jobs,
    flows.list_parents,
    flows.list_children,
    flows.open_batch,
    flows.close_batch,
    flows.list_conditions,
    system.stats,
    system.stats_history,
    system.stats_latency,
    system.list_warnings,
    metrics.metrics,
    lists.list_dead_jobs,
    lists.count_dead_jobs,
    dlq.retry_dead_job,
    dlq.discard_dead_job,
    dlq.retry_dead_jobs,
    dlq.discard_dead_jobs,
    dlq.list_dead_groups,
    dlq.list_revivals,
    dlq.cancel_revival,
    retries.list_retry_rules,
    retries.set_retry_rules,
    queues.list_queues,
    queues.get_queue,
    queues.change_queue,
    queues.drop_queue,
    admission.list_admissions,
    admission.set_admission,
    admission.remove_admission,
    admission.list_schemas,
    admission.set_schema,
    admission.remove_schema,
    workers.list_workers,
    workers.get_worker,
    workers.drain_worker,
    workers.resume_worker,
    types.list_types,
    types.change_type,
    types.get_settings,
    types.change_settings,
    reference.doctor,
    reference.list_errors,
    reference.list_transitions,
    reference.list_migrations,
    *schedules.ROUTES,
    in_sql.list_sql_handlers,
    in_sql.list_changes,
    limits.list_limits,
    limits.change_limits,
    *tokens.ROUTES,
    claims.dequeue,
    claims.exchange,
    *work.ROUTES,
    events.events,
    system.session,
    system.live,
    system.ready,
]

# The fastest level takes off nearly as much as the slowest, and the event loop waits meanwhile.
COMPRESSION = CompressionConfig(
    backend="gzip", gzip_compress_level=1, minimum_size=1024, exclude_opt_key="no_compression"
)


def create_app(settings: Settings, dsn: str) -> Litestar:
    """The API over the database at `dsn`. Off loopback it lets nobody in without a token."""
    database = Database(dsn)
    keeper = Keeper(settings, database)
    ear = Ear(dsn, settings.listen_url)
    hub = Hub(partial(sample, database, ear, keeper.learn))
    doorman = Doorman(keeper, hub.wake)
    handover = Handover(database)
    waiting_room = WaitingRoom(ear)
    counting = Counting()

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with database.opened(), doorman.working():
            try:
                yield
            finally:
                await hub.closed()
                await waiting_room.closed()
                await handover.settled()

    def end_waits() -> None:
        hub.close()
        waiting_room.close()

    def provide_access(request: Request[Any, Any, Any]) -> access.Access:
        found: access.Access = request.state.access
        return found

    app = Litestar(
        [
            *ROUTES,
            *docs.routes(ROUTES),
            *static.dashboard(dashboard_directory()),
        ],
        request_class=StrictRequest,
        request_max_body_size=BODY_LIMIT,
        guards=[origin.make_guard(settings, keeper), Guard(settings, keeper), check_query],
        dependencies={
            "database": Provide(lambda: database, sync_to_thread=False),
            "counting": Provide(lambda: counting, sync_to_thread=False),
            "hub": Provide(lambda: hub, sync_to_thread=False),
            "keeper": Provide(lambda: keeper, sync_to_thread=False),
            "doorman": Provide(lambda: doorman, sync_to_thread=False),
            "handover": Provide(lambda: handover, sync_to_thread=False),
            "waiting_room": Provide(lambda: waiting_room, sync_to_thread=False),
            "access": Provide(provide_access, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.handle},
        before_send=[
            add_security_headers,
            rates.add_headers,
            origin.make_cors(settings),
            options.make_allow(ROUTES),
            counting.count,
        ],
        compression_config=COMPRESSION,
        lifespan=[lifespan],
        state=State(
            {"settings": settings, "hub": hub, "end_waits": end_waits, "version": version("forge")}
        ),
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = observe(app.asgi_handler)  # outside of routing: 404 and 405, too
    return app
