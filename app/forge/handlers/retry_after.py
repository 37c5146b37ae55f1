"""The `Retry-After` header of RFC 9110: seconds, or a date."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from `now` (as of `time.time()`); None where the header asks for no wait."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}", value, re.ASCII):
        wait = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
            if date.tzinfo is None:  # "-0000", which RFC 9110 does not know
                date = date.replace(tzinfo=UTC)
            wait = date.timestamp() - now
        except (ValueError, OverflowError, TypeError):
            return None
    return wait if wait > 0 else None
