"""The arithmetic of charts: even points, scales, lines that break where nothing is known."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.modules import call

AT = 1_800_000_000_000


def iso(milliseconds: int) -> str:
    return f"new Date({milliseconds}).toISOString()"


def test_empty_buckets_are_zero_and_the_one_that_fills_is_left_out(modules: Page) -> None:
    items = f"""[
        {{at: {iso(AT - 30_000)}, enqueued: 20, completed: 10, failed: null}},
        {{at: {iso(AT - 30_000)}, enqueued: null, completed: 5, failed: 5}},
        {{at: {iso(AT)}, enqueued: 90, completed: 90, failed: 90}},
    ]"""
    points = call(
        modules,
        "pages/overview/series",
        f"m.flow({{items: {items}, bucket_seconds: 10}}, 3, {AT + 4000})",
    )
    assert [point["enqueued"] for point in points] == [2, 0, 0]
    assert [point["completed"] for point in points] == [1.5, 0, 0]
    assert points[-1]["at"] == AT - 10_000


def test_a_bucket_without_jobs_has_no_latency(modules: Page) -> None:
    items = f"[{{at: {iso(AT - 20_000)}, wait_p50_seconds: 0.25, wait_p95_seconds: null}}]"
    points = call(
        modules,
        "pages/overview/series",
        f"m.latency({{items: {items}, bucket_seconds: 10}}, 2, {AT + 1000}, 'wait')",
    )
    assert [(point["p50"], point["p95"]) for point in points] == [(250, None), (None, None)]


@pytest.mark.parametrize(
    ("most", "top"), [(0.1, 0.1), (1, 1), (1.01, 2), (7, 8), (9.1, 10), (4321, 5000)]
)
def test_a_scale_ends_at_a_round_number(modules: Page, most: float, top: float) -> None:
    assert call(modules, "parts/chart", "m.ceiling(v[0])", most) == pytest.approx(top)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([0, 5, 10], "M0 100.00L1 50.00L2 0.00"),
        ([None, 5, None, 10, 0], "M1 50.00h0M3 0.00L4 100.00"),
        ([None, None], ""),
    ],
)
def test_a_line_breaks_where_nothing_is_known(modules: Page, values: list[Any], path: str) -> None:
    assert call(modules, "parts/chart", "m.line(v[0], 10)", values) == path
