"""The OpenAPI document, derived from the handlers and put right where the derivation is loose."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from forge.api.access import RIGHTS, Right
from forge.api.requests import DEPENDENCIES

_DESCRIPTION = (
    "A PostgreSQL job queue. Times are ISO 8601 with a zone; durations are numbers of seconds; "
    "ids are integers of 64 bits, handed out from 1. Errors are RFC 9457 problem documents with a "
    "code. Bound to loopback the API needs no token."
)

# Their structs forbid unknown fields, which Litestar's derivation does not tell.
_STRICT = (
    "NewSchedule",
    "NewJob",
    "NewJobs",
    "NewRetryRule",
    "NewRetryRules",
    "DeadFilter",
    "DeadRetry",
    "QueueSettings",
    "JobChange",
    "JobsChange",
    "JobsFilter",
    "AdmissionSettings",
    "SchemaBody",
    "LimitSettings",
    "NewBatch",
    "TypeSettings",
    "CommonSettings",
)


def document(routes: list[HTTPRouteHandler]) -> dict[str, Any]:
    """The document as plain values.

    It is taken from an application of its own, because Litestar serves a document only together
    with pages that load their scripts from other sites.
    """
    app = Litestar(
        routes,
        # stand-ins, so that what is injected is not taken for parameters
        dependencies={name: Provide(lambda: None, sync_to_thread=False) for name in DEPENDENCIES},
        openapi_config=OpenAPIConfig(
            title="Forge",
            version=version("forge"),
            description=_DESCRIPTION,
            operation_id_creator=lambda handler, *_: str(handler.fn.__name__),
        ),
        logging_config=None,
    )
    found: dict[str, Any] = app.openapi_schema.to_schema()
    handlers = {handler.fn.__name__: handler for handler in routes}
    for path, item in found["paths"].items():
        for operation in item.values():
            _correct(path, operation, handlers[operation["operationId"]])
    for name in _STRICT:
        found["components"]["schemas"][name]["additionalProperties"] = False
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return found


def _correct(path: str, operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    operation["tags"] = [path.split("/")[1]]
    operation["summary"], _, rest = (handler.fn.__doc__ or "").strip().partition("\n")
    operation["description"] = " ".join(rest.split())
    right: Right | None = handler.opt["right"]
    if right is None:
        operation["security"] = []
    else:
        operation["security"] = [{"token": []}]
        roles = ", ".join(role for role in RIGHTS if right in RIGHTS[role])
        operation["description"] += f" Roles: {roles}."
    operation["description"] = operation["description"].strip()
    # Litestar's own idea of what an invalid request is answered with.
    if "application/json" in operation["responses"].get("400", {}).get("content", {}):
        del operation["responses"]["400"]
    data = handler.parsed_fn_signature.parameters.get("data")
    if data is not None and data.is_optional:
        operation["requestBody"]["required"] = False
