"""The OpenAPI document, derived from the handlers and put right where the derivation is loose."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from forge.api.access import RIGHTS, Right
from forge.api.areas import AREAS, area_of
from forge.api.examples import Examples
from forge.api.requests import DEPENDENCIES
from forge.api.schemas import Schemas

_DESCRIPTION = (
    "A PostgreSQL job queue. Times are ISO 8601 with a zone; durations are numbers of seconds; "
    "ids are integers of 64 bits, handed out from 1. Errors are RFC 9457 problem documents with a "
    "code. Bound to loopback the API needs no token until the first one is made."
)


def document(routes: list[HTTPRouteHandler], wordless: set[str] | None = None) -> dict[str, Any]:
    """The document as plain values. `wordless` is told of what has no example of its own.

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
    schemas = Schemas(routes)
    examples = Examples(schemas.components)
    handlers = {handler.fn.__name__: handler for handler in routes}
    for path, item in found["paths"].items():
        for operation in item.values():
            handler = handlers[operation["operationId"]]
            _correct(path, operation, handler)
            schemas.put_right(operation, handler)
            examples.add_to(path, operation)
    if wordless is not None:
        wordless |= examples.wordless
    used = {operation["tags"][0] for item in found["paths"].values() for operation in item.values()}
    found["tags"] = [
        {"name": name, "description": text} for name, text in AREAS.items() if name in used
    ]
    found["components"] = {
        "schemas": schemas.components,
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    }
    return found


def _correct(path: str, operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    operation["tags"] = [area_of(path)]
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
