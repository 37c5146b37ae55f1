"""The application: routes, guards, hooks and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Message, Scope

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
from forge.api.guard import Connection
from forge.api.headers import add_security_headers
from forge.api.observing import observe
from forge.api.requests import BODY_LIMIT, StrictRequest, check_query
from forge.api.services import Services
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


# What a route may ask for by these names.
PROVIDED = ("database", "counting", "hub", "keeper", "doorman", "handover", "waiting_room")


def create_app(settings: Settings, dsn: str) -> Litestar:
    """The API over the database at `dsn`. Off loopback it lets nobody in without a token."""
    app = make_routes()
    install(app, Services(settings, dsn))
    return app


def make_routes() -> Litestar:
    """The application without its services: registering the routes is what takes long."""
    app = Litestar(
        [
            *ROUTES,
            *docs.routes(ROUTES),
            *static.dashboard(dashboard_directory()),
        ],
        request_class=StrictRequest,
        request_max_body_size=BODY_LIMIT,
        guards=[_check_origin, _check_access, check_query],
        dependencies={
            **{name: _provided(name) for name in PROVIDED},
            "access": Provide(_provide_access, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.handle},
        before_send=[
            add_security_headers,
            rates.add_headers,
            _add_cors,
            options.make_allow(ROUTES),
            _count,
        ],
        compression_config=COMPRESSION,
        lifespan=[_working],
        state=State({"version": version("forge")}),
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = observe(app.asgi_handler)  # outside of routing: 404 and 405, too
    return app


def install(app: Litestar, services: Services) -> None:
    """What the application works with from its next start on."""
    app.state.services = services


def services_of(app: Litestar) -> Services:
    """What the application works with."""
    found: Services = app.state.services
    return found


@asynccontextmanager
async def _working(app: Litestar) -> AsyncIterator[None]:
    async with services_of(app).working():
        yield


async def _check_origin(connection: Connection, handler: BaseRouteHandler) -> None:
    await services_of(connection.app).check_origin(connection, handler)


async def _check_access(connection: Connection, handler: BaseRouteHandler) -> None:
    await services_of(connection.app).check_access(connection, handler)


async def _add_cors(message: Message, scope: Scope) -> None:
    await services_of(Litestar.from_scope(scope)).add_cors(message, scope)


async def _count(message: Message, scope: Scope) -> None:
    await services_of(Litestar.from_scope(scope)).counting.count(message, scope)


def _provided(name: str) -> Provide:
    def provide(request: Request[Any, Any, Any]) -> Any:
        return getattr(services_of(request.app), name)

    return Provide(provide, sync_to_thread=False)


def _provide_access(request: Request[Any, Any, Any]) -> access.Access:
    found: access.Access = request.state.access
    return found
