"""The application: routes, guards, hooks and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from forge.api import (
    access,
    admission,
    dlq,
    docs,
    editing,
    events,
    flows,
    in_sql,
    jobs,
    limits,
    logs,
    origin,
    problems,
    queues,
    reference,
    retries,
    schedules,
    static,
    system,
    types,
    workers,
)
from forge.api.database import Database
from forge.api.headers import add_security_headers
from forge.api.hub import Hub
from forge.api.requests import BODY_LIMIT, StrictRequest, check_query
from forge.api.sampler import sample
from forge.listening import check_exposure
from forge.settings import Settings
from forge.sqlfiles import dashboard_directory

ROUTES: list[HTTPRouteHandler] = [
    jobs.enqueue,
    jobs.enqueue_batch,
    jobs.list_jobs,
    jobs.get_job,
    jobs.explain_job,
    logs.get_log,
    jobs.cancel_job,
    jobs.retry_job,
    editing.edit_job,
    editing.edit_jobs,
    editing.cancel_jobs,
    flows.list_parents,
    flows.open_batch,
    flows.close_batch,
    flows.list_conditions,
    system.stats,
    system.stats_history,
    dlq.list_dead_jobs,
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
    events.events,
    system.session,
    system.live,
    system.ready,
]


def create_app(settings: Settings, dsn: str) -> Litestar:
    """The API over the database at `dsn`. Raises `SettingsError` when it would be open to all."""
    check_exposure(settings)
    database = Database(dsn)
    hub = Hub(partial(sample, database, settings.listen_url or dsn))

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with database.opened():
            try:
                yield
            finally:
                await hub.closed()

    def provide_access(request: Request[Any, Any, Any]) -> access.Access:
        found: access.Access = request.state.access
        return found

    return Litestar(
        [*ROUTES, *docs.routes(ROUTES), *static.dashboard(dashboard_directory())],
        request_class=StrictRequest,
        request_max_body_size=BODY_LIMIT,
        guards=[origin.make_guard(settings), access.make_guard(settings.tokens), check_query],
        dependencies={
            "database": Provide(lambda: database, sync_to_thread=False),
            "hub": Provide(lambda: hub, sync_to_thread=False),
            "access": Provide(provide_access, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.handle},
        before_send=[add_security_headers, origin.make_cors(settings)],
        lifespan=[lifespan],
        state=State({"settings": settings, "hub": hub, "version": version("forge")}),
        openapi_config=None,
        logging_config=None,
    )
