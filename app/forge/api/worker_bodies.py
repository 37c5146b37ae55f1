"""What workers over HTTP send. As in `bodies`: shape only, ranges are SQL's."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from forge.api.bodies import BigInt, Int32, Name, Seconds, interval
from forge.api.ranges import A_NAME, A_YEAR, one_of, told
from forge.db import jsonb
from forge.worker.clean import ERROR_LIMIT, TRACEBACK_LIMIT, clean_text

MOST_SECONDS = 30

Id = Annotated[BigInt, Meta(description="Of the job.", examples=[7])]
Lease = Annotated[
    UUID, Meta(description="Of the claim.", examples=["0b9d3d0e-7a51-4c1c-9f0e-3f7a5a0c2f11"])
]
_A_DAY = told(minimum=1, maximum=86_400)
Queue = Annotated[str, A_NAME, Meta(description="Default: default.", examples=["default"])]
Worker = Annotated[
    str, A_NAME, Meta(description="A name, unique among processes.", examples=["curl-1"])
]
Types = Annotated[
    list[str],
    Meta(description="Those that it can run. Default: all.", examples=[["email"]]),
]
Result = Annotated[
    Raw, Meta(description="Any JSON, 1 MiB at most. Default: none.", examples=[{"sent": True}])
]
Extend = Annotated[
    Seconds,
    _A_DAY,
    Meta(description="Leases end so long from now. Null: only look. Default: 60."),
]


def _sent(body: Struct) -> dict[str, Any]:
    """The fields that were sent, as arguments of the function; seconds as intervals."""
    found: dict[str, Any] = {}
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if value is UNSET:
            continue
        if name.endswith("_seconds"):
            name = name.removesuffix("_seconds")
            value = None if value is None else interval(value)
        found[name] = value
    return found


class NewWorker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A worker to show in lists. Claims do not need it."""

    worker: Worker
    queues: Annotated[
        list[Annotated[str, A_NAME]],
        told(minItems=1, maxItems=1000),
        Meta(description="Those it pulls from. Default: default."),
    ] = field(default_factory=lambda: ["default"])
    types: Types | UnsetType | None = UNSET
    concurrency: (
        Annotated[
            Int32, told(minimum=1, maximum=100_000), Meta(description="Jobs at once. Default: 1.")
        ]
        | UnsetType
    ) = UNSET
    host: str | UnsetType | None = UNSET
    pid: Int32 | UnsetType | None = UNSET
    version: str | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        return _sent(self)


class WorkerName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which worker."""

    worker: Annotated[str, Meta(description="Its name.", examples=["curl-1"])]


class ClaimBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many jobs of which queue, for whom and for how long."""

    queue: Queue = "default"
    worker: Worker | UnsetType | None = UNSET
    max_jobs: Annotated[
        Int32,
        told(minimum=1, maximum=1000),
        Meta(description="1 to 1000. Default: 1.", examples=[1]),
    ] = 1
    lease_seconds: (
        Annotated[Seconds, _A_DAY, Meta(description="1 to 86400. Default: 60.", examples=[60])]
        | UnsetType
    ) = UNSET
    types: Types | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.dequeue`."""
        return _sent(self)


class Claim(ClaimBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim that may wait for a job."""

    wait_seconds: Annotated[
        float,
        Meta(ge=0, le=MOST_SECONDS, description="Wait for a job so long.", examples=[25]),
    ] = 0

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        del found["wait"]
        return found


class Held(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that the caller holds, and the lease it holds it by."""

    id: Id
    lease: Lease


class Finished(Held, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that the caller has run."""

    result: Result | UnsetType = UNSET


class Exchange(ClaimBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Jobs that are done, and a claim of the next ones."""

    finished: Annotated[
        list[Finished], told(maxItems=10_000), Meta(description="10,000 at most. Default: none.")
    ] = []

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.exchange`."""
        found = super().arguments()
        done = found.pop("finished")
        results = [None if job.result is UNSET else jsonb(job.result) for job in done]
        found |= {"ids": [job.id for job in done], "leases": [job.lease for job in done]}
        return found | ({"results": results} if any(results) else {})


class OneJob(Held, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that the caller holds."""

    queue: Name | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of the function that the route calls."""
        return _sent(self)


class Completion(OneJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that is done, with its result."""

    result: Result | UnsetType = UNSET

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        return found | ({"result": jsonb(found["result"])} if "result" in found else {})


class Failure(OneJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What went wrong. Texts are cut and cleaned: failing never fails."""

    error: Annotated[str, Meta(description="What went wrong.", examples=["no route to host"])]
    retryable: Annotated[bool, Meta(description="False: no more retries. Default: true.")] = True
    retry_in_seconds: (
        Annotated[Seconds, A_YEAR, Meta(description="Instead of the backoff.")] | UnsetType | None
    ) = UNSET
    error_type: Annotated[str, Meta(examples=["Timeout"])] | UnsetType | None = UNSET
    traceback: str | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        limits = {"error": ERROR_LIMIT, "error_type": 200, "traceback": TRACEBACK_LIMIT}
        for name, limit in limits.items():
            if found.get(name) is not None:
                found[name] = clean_text(found[name], limit)
        return found


class Heartbeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sign of life, and the jobs whose leases go on."""

    worker: Worker
    jobs: Annotated[
        list[Held], told(maxItems=10_000), Meta(description="10,000 at most. Default: none.")
    ] = []
    extend_seconds: Extend | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.heartbeat`."""
        found = _sent(self)
        held = found.pop("jobs")
        return found | {"ids": [job.id for job in held], "leases": [job.lease for job in held]}


class Snooze(OneJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long to put a job off."""

    delay_seconds: Annotated[Seconds, A_YEAR]
    note: Annotated[str, Meta(description="What it waits for.")] | UnsetType | None = UNSET


class Progress(OneJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a job is."""

    value: Annotated[float, told(minimum=0, maximum=1), Meta(description="0 to 1.", examples=[0.5])]
    note: Annotated[str, Meta(examples=["half way"])] | UnsetType | None = UNSET


class NewLine(OneJob, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line for the log of a job."""

    message: Annotated[str, Meta(examples=["page 3"])]
    level: (
        Annotated[
            str,
            one_of("debug", "info", "warning", "error"),
            Meta(description="debug, info, warning or error. Default: info."),
        ]
        | UnsetType
    ) = UNSET
    data: (
        Annotated[Raw, Meta(description="Any JSON, 4,096 bytes.", examples=[{"rows": 200}])]
        | UnsetType
    ) = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.log`."""
        found = super().arguments()
        return found | ({"data": jsonb(found["data"])} if "data" in found else {})
