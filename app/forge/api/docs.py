"""/openapi.json, and /docs: the same as a page that needs no script and nothing from elsewhere."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from forge.api import openapi

_STYLE = Path(__file__).with_name("docs.css")


def routes(documented: list[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The routes that describe `documented`."""

    style = _STYLE.read_bytes()

    @cache
    def document() -> dict[str, Any]:
        return openapi.document(documented)

    @cache
    def page() -> str:
        return render(document())

    @get("/openapi.json", opt={"right": None}, include_in_schema=False)
    async def openapi_json() -> dict[str, Any]:
        return await asyncio.to_thread(document)

    @get("/docs", opt={"right": None}, include_in_schema=False)
    async def docs() -> Response[str]:
        return Response(await asyncio.to_thread(page), media_type="text/html")

    @get("/docs/docs.css", opt={"right": None}, include_in_schema=False)
    async def docs_css() -> Response[bytes]:
        return Response(style, media_type="text/css")

    return [openapi_json, docs, docs_css]


def render(document: dict[str, Any]) -> str:
    """The document as HTML."""
    info = document["info"]
    operations = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    areas = [
        (tag, [item for item in operations if tag["name"] in item[2]["tags"]])
        for tag in document["tags"]
    ]
    links = "".join(
        f"<li>{escape(tag['name'])}<ul>"
        + "".join(
            f'<li><a href="#{escape(op["operationId"])}"><b>{method}</b> {escape(path)}</a></li>'
            for method, path, op in found
        )
        + "</ul></li>"
        for tag, found in areas
    )
    sections = "".join(
        f'<section id="area-{escape(tag["name"].replace(" ", "-"))}">'
        f"<h2>{escape(tag['name'].capitalize())}</h2><p>{escape(tag['description'])}</p></section>"
        + "".join(_operation(*item) for item in found)
        for tag, found in areas
    )
    schemas = "".join(
        f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>{_fields(schema)}</section>'
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(info["title"])} API</title><link rel="stylesheet" href="/docs/docs.css">'
        f"</head><body><header><h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f'<p>{escape(info["description"])} <a href="/openapi.json">openapi.json</a></p></header>'
        f"<nav><ul>{links}</ul></nav><main>"
        f"{sections}<h2>Schemas</h2>{schemas}"
        "</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
        f"<td>{_type(p['schema'])}</td><td>{escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", [])
    )
    body = "".join(
        f"<p>Body: {_type(content['schema'])}</p>{_shown(content['example'])}"
        for content in operation.get("requestBody", {}).get("content", {}).values()
    )
    responses = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response['description'])}</td><td>"
        f"{''.join(_content(content) for content in response.get('content', {}).values())}"
        "</td></tr>"
        for status, response in sorted(operation["responses"].items())
    )
    return (
        f'<section id="{escape(operation["operationId"])}">'
        f"<h3><b>{method}</b> <code>{escape(path)}</code></h3>"
        f"<p>{escape(operation['summary'])} {escape(operation['description'])}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + f"{body}<table>{responses}</table></section>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#schema-{name}">{name}</a>'
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_type(item) for item in schema[key])
    kind = schema.get("type", "any JSON")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "items" in schema:
        return f"{escape(text)} of {_type(schema['items'])}"
    return escape(f"{text} ({schema['format']})" if "format" in schema else text)


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if name in required else ''}</td>"
        f"<td>{_type(field)}</td>"
        f"<td>{escape(field.get('description', ''))}{_example(field)}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<p>{escape(schema.get('description', ''))}</p><table>{rows}</table>"


def _example(field: dict[str, Any]) -> str:
    examples = field.get("examples") or []
    return f" <code>{escape(json.dumps(examples[0]))}</code>" if examples else ""


def _content(content: dict[str, Any]) -> str:
    named = content.get("examples", {}).values() or [{"value": content["example"]}]
    return _type(content["schema"]) + "".join(_shown(example["value"]) for example in named)


def _shown(example: Any) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2)
    return f"<details><summary>example</summary><pre>{escape(text)}</pre></details>"
