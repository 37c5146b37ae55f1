"""The worker's log: one event a line, `event key=value key=value`, never a payload."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger("forge.worker")


def say(level: int, event: str, **fields: Any) -> None:
    """Logs one event. Values with spaces are quoted, so that a line can be split again."""
    if logger.isEnabledFor(level):
        shown = " ".join(f"{name}={_shown(value)}" for name, value in fields.items())
        logger.log(level, "%s %s", event, shown)


def _shown(value: Any) -> str:
    text = str(value)
    plain = text.isprintable() and text and not any(mark in text for mark in ' "=')
    return text if plain else repr(text)
