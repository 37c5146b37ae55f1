"""What requests carry. These structs check shape only; ranges are SQL's to check and to explain.

Integers are held to PostgreSQL's integer, because a longer one would find no function to call.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from forge.api.ranges import (
    A_NAME,
    A_PATTERN,
    A_PRIORITY,
    A_RETRY_COUNT,
    A_UNIQUE_KEY,
    A_YEAR,
    CENTURY,
    ConcurrencyKey,
    Factor,
    Jitter,
    QueueName,
    RetryDelay,
    Tags,
    Timeout,
    TypeName,
    one_of,
    told,
)
from forge.db import jsonb
from forge.environment import ROLES

BigInt = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Seconds = Annotated[
    float, Meta(ge=0, le=CENTURY, description="A duration in seconds.", examples=[5])
]
ZonedTime = Annotated[
    datetime, Meta(tz=True, description="ISO 8601 with a zone.", examples=["2030-01-31T12:00:00Z"])
]
Name = Annotated[str, A_NAME, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1F\x7F]*\Z")]
Retries = Annotated[
    int, A_RETRY_COUNT, Meta(description="Re-runs after the first attempt.", examples=[5])
]
Pattern = Annotated[
    str,
    A_PATTERN,
    Meta(description="A regular expression of PostgreSQL.", examples=["RateLimited"]),
]
UniqueKey = Annotated[
    str,
    A_UNIQUE_KEY,
    Meta(description="At most one live job of a queue holds a key.", examples=["welcome-7"]),
]
Priority = Annotated[
    int,
    A_PRIORITY,
    Meta(description="Higher first, -32768 to 32767. Default: 0.", examples=[10]),
]
Payload = Annotated[
    Raw,
    Meta(
        description="Any JSON, 1 MiB at most; it comes back equal. Default: {}.",
        examples=[{"to": "user@example.com", "subject": "Hello"}],
    ),
]


def interval(seconds: float) -> str:
    """Seconds as PostgreSQL's interval text; microseconds are all that it keeps."""
    return f"{seconds:.6f} seconds"


class NewRetryRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of failures whose error matches: the class, the text, or both."""

    action: Annotated[str, one_of("retry", "permanent", "pause"), Meta(examples=["retry"])]
    error_type: Pattern | None = None
    error: Pattern | None = None
    rule: (
        Annotated[str, told(maxLength=100), Meta(description="Its name. Default: the pattern.")]
        | None
    ) = None
    retry_base_seconds: RetryDelay | None = None
    retry_factor: Factor | None = None
    retry_cap_seconds: RetryDelay | None = None
    retry_jitter: Jitter | None = None
    max_retries: Annotated[Int32, A_RETRY_COUNT] | None = None

    def as_rule(self) -> dict[str, Any]:
        """The rule with the keys of SQL."""
        found: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is None:
                continue
            if name.endswith("_seconds"):
                name, value = name.removesuffix("_seconds"), interval(value)
            found[name] = value
        return found


def changes(body: Struct) -> dict[str, Any]:
    """What a body sets, and in `unset` what it sets to null; seconds as intervals."""
    found: dict[str, Any] = {}
    unset = []
    for name in body.__struct_fields__:
        value = getattr(body, name)
        setting = name.removesuffix("_seconds")
        if value is UNSET:
            continue
        if value is None:
            unset.append(setting)
        else:
            found[setting] = interval(value) if name.endswith("_seconds") else value
    if unset:
        found["unset"] = unset
    return found


class NewJob(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to enqueue."""

    type: TypeName
    payload: Payload | UnsetType = UNSET
    queue: QueueName | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    scheduled_at: ZonedTime | UnsetType | None = UNSET
    max_retries: Retries | UnsetType | None = UNSET
    unique_key: UniqueKey | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    retry_base_seconds: RetryDelay | UnsetType | None = UNSET
    retry_factor: Factor | UnsetType | None = UNSET
    retry_cap_seconds: RetryDelay | UnsetType | None = UNSET
    retry_jitter: Jitter | UnsetType | None = UNSET
    retry_rules: list[NewRetryRule] | UnsetType | None = UNSET
    unique_by: (
        Annotated[
            list[str],
            told(minItems=1, maxItems=20),
            Meta(description="type, queue, payload or payload.name.", examples=[["payload.to"]]),
        ]
        | UnsetType
        | None
    ) = UNSET
    unique_scope: Annotated[str, one_of("queue", "global")] | UnsetType | None = UNSET
    unique_for_seconds: Seconds | UnsetType | None = UNSET
    on_conflict: Annotated[str, one_of("keep", "replace", "merge", "raise")] | UnsetType | None = (
        UNSET
    )
    debounce_seconds: Annotated[Seconds, A_YEAR] | UnsetType | None = UNSET
    debounce_max_seconds: Seconds | UnsetType | None = UNSET
    concurrency_key: ConcurrencyKey | UnsetType | None = UNSET
    handle: Annotated[
        str | UnsetType | None, Meta(description="A name for depends_on in the same call.")
    ] = UNSET
    depends_on: Annotated[
        list[int | str] | UnsetType | None,
        Meta(description="Ids of jobs, or handles of the same call."),
    ] = UNSET
    on_parent_failure: Annotated[str, one_of("wait", "run", "cancel")] | UnsetType | None = UNSET
    batch: Annotated[int, told(minimum=1, maximum=2**63 - 1)] | UnsetType | None = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.enqueue`; what is unset or null keeps SQL's default."""
        found: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is UNSET or value is None:
                continue
            if name.endswith("_seconds"):
                name, value = name.removesuffix("_seconds"), interval(value)
            elif name == "retry_rules":
                value = [rule.as_rule() for rule in value]
            found[name] = value
        return found


class NewJobs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Jobs to enqueue in one transaction: all of them or none."""

    jobs: Annotated[list[NewJob], Meta(description="10,000 at most.")]


class NewBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch: its callback, and its jobs where they are known; it is closed then, else open."""

    type: Annotated[TypeName, Meta(description="Of the callback.", examples=["report"])]
    payload: Payload | UnsetType = UNSET
    queue: QueueName | UnsetType = UNSET
    jobs: Annotated[list[NewJob] | UnsetType, Meta(description="10,000 at most.")] = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.open_batch`, or with jobs of `forge.enqueue_batch`."""
        found: dict[str, Any] = {"type": self.type}
        if self.payload is not UNSET:
            found["payload"] = jsonb(self.payload)
        if self.queue is not UNSET:
            found["queue"] = self.queue
        if self.jobs is not UNSET:
            found["jobs"] = jsonb([job.arguments() for job in self.jobs])
        return found


class NewRetryRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of retry rules, for a type or a queue; with neither, for all."""

    rules: Annotated[list[NewRetryRule], told(maxItems=50)]
    queue: Name | None = None
    type: Name | None = None


Places = Annotated[Int32, told(minimum=1, maximum=100_000)]
Rate = Annotated[Int32, told(minimum=1, maximum=1_000_000)]
Per = Annotated[Seconds, told(minimum=0.01, maximum=31 * 86_400), Meta(description="With a rate.")]


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a queue's limits. Null takes a limit away; absent leaves it."""

    max_running: Places | UnsetType | None = UNSET
    rate: Rate | UnsetType | None = UNSET
    per_seconds: Per | UnsetType = UNSET
    key_max_running: Places | UnsetType | None = UNSET
    key_rate: Rate | UnsetType | None = UNSET
    key_per_seconds: Per | UnsetType = UNSET
    key_fifo: bool | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.set_limits`: the values, and `unset` for the nulls."""
        return changes(self)


class QueueSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a queue. Null puts a setting back to its default; absent leaves it."""

    paused: bool | UnsetType = UNSET
    pause_reason: (
        Annotated[str, Meta(min_length=1, max_length=500, description="With paused: true.")]
        | UnsetType
    ) = UNSET
    retry_base_seconds: RetryDelay | UnsetType | None = UNSET
    retry_factor: Factor | UnsetType | None = UNSET
    retry_cap_seconds: RetryDelay | UnsetType | None = UNSET
    retry_jitter: Jitter | UnsetType | None = UNSET
    max_retries: Annotated[Int32, A_RETRY_COUNT] | UnsetType | None = UNSET
    keep_history: bool | UnsetType | None = UNSET
    keep_result: bool | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.set_queue`: the values, and `unset` for the nulls."""
        found = changes(self)
        for name in ("paused", "pause_reason"):
            found.pop(name, None)
        return found


class TokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to make."""

    role: Annotated[
        str,
        one_of(*ROLES),
        Meta(description="viewer, producer, worker or operator.", examples=["viewer"]),
    ]
    name: Annotated[Name, Meta(description="Whose it is, for people.", examples=["wall screen"])]
    expires_in_seconds: (
        Annotated[
            float,
            Meta(ge=1, le=315_360_000, description="How long it is good for. Default: for ever."),
        ]
        | None
    ) = None
