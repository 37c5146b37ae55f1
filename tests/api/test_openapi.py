"""/openapi.json and /docs."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from forge.api.app import ROUTES
from forge.api.docs import render
from forge.api.openapi import document
from forge.api.requests import DEPENDENCIES
from forge.errors import BY_CODE
from tests.api.conftest import Client
from tests.database import Conn

# Raised by the function, and never by this call of it.
# No schema is sent; no schedule is named.
UNREACHABLE = {"remove_schema": {"JQ005"}, "next_runs_of": {"JQ007"}, "exchange": {"JQ006"}}


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


def test_every_operation_belongs_to_an_area_with_a_description(spec: dict[str, Any]) -> None:
    areas = {tag["name"]: tag["description"] for tag in spec["tags"]}
    for name, operation in operations(spec):
        (area,) = operation["tags"]
        assert areas[area], name


def test_nothing_lacks_words_for_its_example() -> None:
    wordless: set[str] = set()
    document(ROUTES, wordless)
    assert not wordless, "see api/example_values.py and api/example_problems.py"


def keeps_to(spec: dict[str, Any], schema: dict[str, Any], value: Any, name: str) -> None:
    root = {**schema, "components": spec["components"]}
    errors = [error.message for error in Draft202012Validator(root).iter_errors(value)]
    assert not errors, (name, errors)


def test_every_operation_has_examples_that_keep_to_its_schemas(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        for parameter in operation.get("parameters", []):
            keeps_to(spec, parameter["schema"], parameter["example"], name)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            keeps_to(spec, content["schema"], content["example"], name)
        for status, response in operation["responses"].items():
            assert response.get("content") or status == "304", (name, status)
            for content in response.get("content", {}).values():
                for example in content.get("examples", {"": {"value": content.get("example")}}):
                    value = (
                        content["examples"][example]["value"]
                        if "examples" in content
                        else content["example"]
                    )
                    keeps_to(spec, content["schema"], value, f"{name} {status}")


def test_the_examples_of_errors_have_codes_of_their_status(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        for status, response in operation["responses"].items():
            if status < "400":
                continue
            examples = response["content"]["application/problem+json"]["examples"]
            assert examples, (name, status)
            for example in examples.values():
                code = example["value"]["code"]
                known = BY_CODE.get(code)
                assert example["value"]["status"] == int(status), (name, code)
                if known is not None and code != "JQ001":  # also: no JSON at all
                    assert known.http_status == int(status), (name, code)


def test_every_error_that_the_functions_raise_is_documented(tx: Conn) -> None:
    """By the manuals of the functions that a handler names."""
    raised = {
        row["name"]: set(re.findall(r"JQ\d+", row["manual"].partition("\nRaises:")[2]))
        for row in tx.execute(
            "select proname as name, coalesce(obj_description(oid, 'pg_proc'), '') as manual"
            " from pg_proc where pronamespace = 'forge'::regnamespace"
        ).fetchall()
    }
    missing = {}
    for handler in ROUTES:
        named = {
            node.value
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(handler.fn))))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        codes = set().union(*(raised.get(name, set()) for name in named))
        told = " ".join(spec.description for spec in (handler.responses or {}).values())
        known = set(re.findall(r"JQ\d+", told)) | UNREACHABLE.get(handler.fn.__name__, set())
        missing[handler.fn.__name__] = codes - known
    assert {name: codes for name, codes in missing.items() if codes} == {}


def test_request_bodies_refuse_unknown_fields(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            for option in schema.get("anyOf", [schema]):
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
