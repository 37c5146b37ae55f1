"""Parameters that several routes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from litestar.params import PathParameter, QueryParameter

from forge.api.ranges import PLAIN
from forge.db import ABSENT

T = TypeVar("T")
_BIGINT = 2**63 - 1

# What SQL takes as the name of a queue, type or worker; told here, checked there.
_A_NAME = {"minLength": 1, "maxLength": 200, "pattern": PLAIN}
STATUSES = ["WAITING", "PENDING", "PROCESSING", "COMPLETED", "DEAD", "CANCELLED"]
QueuePath = Annotated[str, PathParameter(description="The queue.", schema_extra=_A_NAME)]
TypePath = Annotated[str, PathParameter(description="The type.", schema_extra=_A_NAME)]
# In the middle of a path, where a slash would end it.
A_MIDDLE_NAME = {**_A_NAME, "pattern": PLAIN.replace("[^", "[^/")}
JobId = Annotated[int, PathParameter(ge=1, le=_BIGINT, description="The job's id.")]
RevivalId = Annotated[int, PathParameter(ge=1, le=_BIGINT, description="The revival's id.")]
TokenId = Annotated[int, PathParameter(ge=1, le=_BIGINT, description="The token's id.")]
Before = Annotated[
    int | None,
    QueryParameter(ge=1, le=_BIGINT, description="Only ids below this: `next` of a page."),
]
After = Annotated[
    int | None,
    QueryParameter(ge=0, le=_BIGINT, description="Only ids above this: `next` of a page."),
]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="The size of the page.")]
# As long as the names of queues and types, and tags, can be: what is longer matches nothing.
NameFilter = Annotated[
    str | None, QueryParameter(min_length=1, max_length=200, schema_extra={"pattern": PLAIN})
]
StatusFilter = Annotated[
    str | None, QueryParameter(min_length=1, max_length=200, schema_extra={"enum": STATUSES})
]
TagFilter = Annotated[str | None, QueryParameter(min_length=1, max_length=100)]
SinceSeconds = Annotated[float, QueryParameter(ge=10, le=86_400, description="How far back.")]
BucketSeconds = Annotated[
    float, QueryParameter(ge=10, le=86_400, description="The length of a bucket, 2,000 at most.")
]
ByQueue = Annotated[
    bool,
    QueryParameter(
        description="A row for each queue in which there was something, not one in sum."
    ),
]


def or_absent(value: Any) -> Any:
    """A parameter that was not given is not sent, so that SQL's default holds."""
    return ABSENT if value is None else value


def only(rows: Sequence[T]) -> T:
    """The row of a function that always returns one."""
    (row,) = rows
    return row
