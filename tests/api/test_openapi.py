"""/openapi.json and /docs."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from forge.api.app import ROUTES
from forge.api.docs import render
from forge.api.openapi import document
from forge.api.requests import DEPENDENCIES
from tests.api.conftest import Client


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return document(ROUTES)


def operations(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in spec["paths"].items()
        for method, operation in item.items()
    ]


def test_the_document_is_valid(spec: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(spec).validate()


def test_every_operation_documents_its_errors_as_problems(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        expected = set() if name == "GET /health/live" else {"503"}
        if operation["security"]:
            expected |= {"401", "403", "421", "422"}
        if "{job_id}" in name:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415"}
        assert expected <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_every_operation_says_what_it_does(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        assert operation["summary"].endswith("."), name
        assert operation["tags"], name


def test_request_bodies_refuse_unknown_fields(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            for option in schema.get("oneOf", [schema]):
                if "$ref" in option:
                    body = spec["components"]["schemas"][option["$ref"].rsplit("/", 1)[1]]
                    assert body["additionalProperties"] is False, name


def test_nothing_that_is_injected_shows_as_a_parameter(spec: dict[str, Any]) -> None:
    names = {
        p["name"] for _, operation in operations(spec) for p in operation.get("parameters", [])
    }
    assert names.isdisjoint(DEPENDENCIES | {"data", "request", "state", "scope", "body"})


def test_the_document_is_served(api: Client, spec: dict[str, Any]) -> None:
    answer = api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == spec


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    api: Client, spec: dict[str, Any]
) -> None:
    answer = api.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for _, operation in operations(spec):
        assert f'<section id="{operation["operationId"]}">' in answer.text
    assert "<script" not in answer.text
    assert "//" not in answer.text.replace("https://", "").split("<main>")[0]
    assert api.get("/docs/docs.css").headers["content-type"] == "text/css; charset=utf-8"


def test_the_page_shows_text_as_text(spec: dict[str, Any]) -> None:
    hostile = {**spec, "info": {**spec["info"], "title": "<script>alert(1)</script>"}}
    assert "<script>" not in render(hostile)
