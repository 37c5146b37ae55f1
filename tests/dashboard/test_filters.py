"""Filters as people type them, as the API takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.modules import call


@pytest.mark.parametrize(
    ("text", "document"),
    [("to=a@b.c", {"to": "a@b.c"}), ("n=3 ok=true", {"n": 3, "ok": True}),
     ('n="3"', {"n": "3"}), ('a.b="light blue" a.c=null', {"a": {"b": "light blue", "c": None}}),
     ('{"a": [1]}', {"a": [1]}), ("url=http://x/?a=b", {"url": "http://x/?a=b"}),
     ("__proto__.p=1", {"__proto__": {"p": 1}}), ("a=1 a.b=2", {"a": {"b": 2}})],
)  # fmt: skip
def test_payload_filters(modules: Page, text: str, document: Any) -> None:
    found = call(modules, "core/filters", "m.containment(v[0]).json", text)
    assert json.loads(found) == document


def test_a_number_of_a_payload_filter_keeps_its_digits(modules: Page) -> None:
    found = call(modules, "core/filters", "m.containment('id=12345678901234567890').json")
    assert found == '{"id":12345678901234567890}'


@pytest.mark.parametrize("text", ["to", "to ada", "{", "=x", "a=1 b"])
def test_payload_filters_that_cannot_be_read(modules: Page, text: str) -> None:
    assert call(modules, "core/filters", "m.containment(v[0]).problem", text)


@pytest.mark.parametrize(
    ("text", "span"),
    [("", {}), ("1h", {"after": "2026-01-01T11:00:00.000Z"}), ("nonsense", None),
     ("2026-01-01T10:00Z/2026-01-01T11:00Z",
      {"after": "2026-01-01T10:00:00.000Z", "before": "2026-01-01T11:00:00.000Z"}),
     ("/2026-01-01T11:00Z", {"after": None, "before": "2026-01-01T11:00:00.000Z"})],
)  # fmt: skip
def test_spans_of_time(modules: Page, text: str, span: Any) -> None:
    assert call(modules, "core/filters", "m.span(v[0], Date.UTC(2026, 0, 1, 12))", text) == span
