"""What SQL takes, as schemas tell it: ranges, lengths and words.

They are told and not checked here: SQL checks them, for every language, and says what to use
instead. That the two agree is what tests/api/test_schemathesis.py finds out.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

# No control characters; nor NUL, which no text of PostgreSQL can hold.
PLAIN = r"^[^\x00-\x1F\x7F]+$"
_DAY = 86_400
# Seconds that every interval can hold: beyond it there is nothing to ask SQL.
CENTURY = 3_155_760_000


# Where `told` puts its part; `schemas` lifts it out, over what msgspec has of its own.
TOLD = "x-told"


def told(**schema: Any) -> Meta:
    """A part of a schema that msgspec does not check. One of them a type."""
    return Meta(extra_json_schema={TOLD: schema})


def one_of(*words: str) -> Meta:
    return told(enum=list(words))


A_NAME = told(minLength=1, maxLength=200, pattern=PLAIN)
QueueName = Annotated[str, A_NAME, Meta(description="Default: default.", examples=["default"])]
TypeName = Annotated[str, A_NAME, Meta(description="Picks the handler.", examples=["email"])]
Factor = Annotated[
    float,
    told(minimum=1, maximum=100),
    Meta(description="What each delay is multiplied by.", examples=[2]),
]
Jitter = Annotated[
    float,
    told(minimum=0, maximum=1),
    Meta(description="The share of a delay that is added at random.", examples=[0.1]),
]
RetryDelay = Annotated[
    float,
    told(minimum=0, maximum=365 * _DAY),
    Meta(ge=0, le=CENTURY, description="A duration in seconds.", examples=[60]),
]
Timeout = Annotated[
    float,
    told(minimum=1, maximum=_DAY),
    Meta(ge=0, le=CENTURY, description="Seconds that one attempt may take.", examples=[300]),
]
Tags = Annotated[
    list[Annotated[str, told(minLength=1, maxLength=100)]],
    told(maxItems=20),
    Meta(examples=[["newsletter"]]),
]
ConcurrencyKey = Annotated[
    str,
    told(minLength=1, maxLength=200, pattern=PLAIN),
    Meta(description="Whose limits it counts against.", examples=["tenant-12"]),
]
A_RETRY_COUNT = told(minimum=0, maximum=100_000)
A_PRIORITY = told(minimum=-32_768, maximum=32_767)
A_UNIQUE_KEY = told(minLength=1, maxLength=500)
A_PATTERN = told(maxLength=500)
A_YEAR = told(minimum=0, maximum=365 * _DAY)
