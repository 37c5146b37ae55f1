"""JSON Schemas of what handlers take and give, from the types that msgspec reads and writes.

Litestar derives its own, in which a minimum of 0 is lost and structs forbid no unknown fields.
"""

from __future__ import annotations

from typing import Any, get_args, get_origin

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg

from forge.api.ranges import TOLD

_TEMPLATE = "#/components/schemas/{name}"
JSON = "application/json"


class Schemas:
    """The schemas of all routes, and the components that they refer to."""

    def __init__(self, routes: list[HTTPRouteHandler]) -> None:
        types = [type for route in routes for type in _types(route).values()]
        for route in routes:
            types += [spec.data_container for spec in (route.responses or {}).values()]
        unique = list(dict.fromkeys(types))
        found, self.components = msgspec.json.schema_components(unique, ref_template=_TEMPLATE)
        _lift(self.components)
        self._by_type = dict(zip(unique, found, strict=True))

    def put_right(self, operation: dict[str, Any], route: HTTPRouteHandler) -> None:
        """Replaces the schemas of an operation."""
        types = _types(route)
        if "data" in types:
            content = operation["requestBody"]["content"]
            (item,) = content.values()
            item["schema"] = self._by_type[types["data"]]
            operation["requestBody"]["required"] = not route.parsed_fn_signature.parameters[
                "data"
            ].is_optional
        for status, spec in (route.responses or {}).items():
            if spec.data_container is None:
                continue  # 304 has no body
            (item,) = operation["responses"][str(status)]["content"].values()
            item["schema"] = self._by_type[spec.data_container]
        success = operation["responses"][str(route.status_code)].get("content", {})
        if "return" in types and JSON in success:
            success[JSON]["schema"] = self._by_type[types["return"]]
        for parameter in operation.get("parameters", []):
            _put_parameter_right(parameter, route)


def _lift(schema: Any) -> None:
    """Puts what is told of a type in the place of what is checked, which is wider."""
    if isinstance(schema, dict):
        schema |= schema.pop(TOLD, {})
        for part in schema.values():
            _lift(part)
    elif isinstance(schema, list):
        for part in schema:
            _lift(part)


def _types(route: HTTPRouteHandler) -> dict[str, Any]:
    """The types of a route's body and answer, where they are JSON."""
    signature = route.parsed_fn_signature
    found = {}
    if "data" in signature.parameters:
        found["data"] = signature.parameters["data"].annotation
    answer = signature.return_type.annotation
    if get_origin(answer) is Response:
        (answer,) = get_args(answer)
    # None stands for the answer without a body: 304
    (answer, *_) = [part for part in get_args(answer) if part is not type(None)] or [answer]
    if isinstance(answer, type) and issubclass(answer, msgspec.Struct):
        found["return"] = answer
    return found


def _put_parameter_right(parameter: dict[str, Any], route: HTTPRouteHandler) -> None:
    """No parameter is null: it is there or not. And bounds of 0 are bounds."""
    schema = parameter["schema"]
    options = [o for o in schema.pop("oneOf", []) if o != {"type": "null"}]
    if len(options) == 1:
        schema |= options[0]
    elif options:
        schema["oneOf"] = options
    field = next(
        (
            field
            for name, field in route.parsed_fn_signature.parameters.items()
            if parameter["name"] in (name, getattr(field.kwarg_definition, "name", None))
        ),
        None,
    )
    told = field.kwarg_definition if field is not None else None
    if isinstance(told, ParameterKwarg):
        for ours, theirs in (("ge", "minimum"), ("gt", "exclusiveMinimum"), ("le", "maximum")):
            if getattr(told, ours) is not None:
                schema[theirs] = getattr(told, ours)
