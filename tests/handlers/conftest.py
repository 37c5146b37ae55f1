"""What the tests of the built-in handlers share: a job to hand over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from forge.models import Job

MakeJob = Callable[..., Job]


@pytest.fixture
def make_job() -> MakeJob:
    """A claimed job with defaults: `make_job({"to": …}, attempts=2)`."""
    born = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    default = Job(
        id=4711,
        queue="default",
        type="any",
        payload={},
        priority=0,
        attempts=1,
        max_retries=10,
        scheduled_at=born,
        created_at=born,
        attempted_at=born,
        lease=UUID(int=1),
        lease_expires_at=born,
        timeout=None,
        tags=None,
    )

    def make(payload: Any, **changes: Any) -> Job:
        return msgspec.structs.replace(default, payload=payload, **changes)

    return make
