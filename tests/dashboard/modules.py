"""The dashboard's modules, called where they run: in a browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


def call(page: Page, module: str, expression: str, *values: Any) -> Any:
    """The value of a JavaScript expression over the module's exports (`m`) and the values (`v`)."""
    return page.evaluate(
        f"async v => {{ const m = await import('/js/{module}.js'); return {expression}; }}",
        list(values),
    )
