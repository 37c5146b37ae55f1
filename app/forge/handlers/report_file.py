"""The file of a report: written beside its place, moved there when it is whole."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from forge.errors import PermanentError
from forge.models import Job

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,199}")


def file_name(wanted: str, suffix: str) -> str:
    """`wanted` with its ending, if it is a plain name: no directory, no hidden file."""
    name = wanted if wanted.lower().endswith(f".{suffix}") else f"{wanted}.{suffix}"
    if not _NAME.fullmatch(name):
        raise PermanentError(
            f"bad payload: `filename` {wanted[:100]!r}: up to 200 letters, digits, spaces and"
            " ._- are allowed, and a letter or digit comes first"
        )
    return name


class ReportFile:
    """Made exclusively under a name of this attempt's own; `close` removes what is not published.

    An attempt that was killed leaves its part behind; the next attempt of the job removes it.
    """

    def __init__(self, directory: Path, name: str, job: Job, max_bytes: int) -> None:
        self.path = directory / name
        self.max_bytes = max_bytes
        self.bytes = 0
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        for left_behind in directory.glob(f".forge-{job.id}-*.part"):
            left_behind.unlink(missing_ok=True)
        self._part = directory / f".forge-{job.id}-{job.lease.hex}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(self._part, flags, 0o640), "wb")

    def write(self, text: str) -> None:
        # A lone surrogate cannot come from the server; `replace` keeps a write from failing on one.
        data = text.encode("utf-8", "replace")
        self.bytes += len(data)
        if self.bytes > self.max_bytes:
            raise PermanentError(f"the report is over {self.max_bytes} bytes")
        self._file.write(data)

    def publish(self) -> dict[str, Any]:
        """On disk before it is visible, as the job is COMPLETED right after."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._part.replace(self.path)
        return {"path": str(self.path), "bytes": self.bytes}

    def close(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)
