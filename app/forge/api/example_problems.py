"""An example of each error: name, title, detail, hint, as they would come."""

from __future__ import annotations

PROBLEMS: dict[str, tuple[str, str, str | None, str | None]] = {
    "JQ001": (
        "invalid_argument",
        "priority is not valid",
        "priority=40000",
        "use -32768 to 32767",
    ),
    "JQ002": (
        "lease_lost",
        "the lease is not the current one of a running job",
        "id=42 lease=7b6d2c1e-3f4a-4b5c-8d9e-0f1a2b3c4d5e",
        "somebody else owns the job, or it has ended; drop what you did for it",
    ),
    "JQ003": (
        "job_not_found",
        "no job has this id",
        "id=42",
        "check the id and the queue; finished jobs are kept for the retention of the history",
    ),
    "JQ004": (
        "wrong_status",
        "the status of the job does not allow this",
        "id=42 status=COMPLETED",
        "only live jobs can be cancelled",
    ),
    "JQ005": (
        "payload_too_large",
        "payload is too large",
        "1200000 of at most 1048576",
        "store it elsewhere and pass a reference",
    ),
    "JQ006": (
        "wrong_isolation",
        "claims need a transaction in READ COMMITTED",
        "transaction_isolation=serializable",
        "claim in a transaction of its own: begin isolation level read committed",
    ),
    "JQ007": (
        "schedule_not_found",
        "no schedule has this name",
        "name=nightly report",
        "list_schedules() shows the names there are",
    ),
    "JQ012": (
        "unique_conflict",
        "a live job holds the unique key",
        "id=41 unique_key=welcome-7",
        "wait until that job has ended, or use on_conflict keep, replace or merge",
    ),
    "JQ013": (
        "queue_full",
        "the queue has as many jobs as it admits",
        "queue=default max_depth=100000 retry_after=5",
        "try again later",
    ),
    "JQ014": (
        "payload_invalid",
        "the payload does not keep to what is set for its type",
        "type=email path=/to rule=required",
        "GET /schemas shows what is set",
    ),
    "JQ100": (
        "database_unavailable",
        "the database cannot be reached",
        "connection refused",
        "check DATABASE_URL and that PostgreSQL is running",
    ),
    "JQ102": (
        "not_installed",
        "Forge is not installed in this database, or is another version",
        'schema "forge" does not exist',
        "run `forge migrate`",
    ),
    "JQ103": (
        "try_again",
        "the database gave the call up",
        "deadlock detected",
        "nothing was changed; try again",
    ),
    "JQ401": (
        "unauthorized",
        "a token is needed",
        None,
        "send the header `Authorization: Bearer <token>` with a token of FORGE_TOKENS",
    ),
    "JQ403": (
        "forbidden",
        "the role may not do this",
        "role=viewer right=operate",
        "roles that may: operator",
    ),
    "JQ404": ("not_found", "not found", None, "see /docs for the routes"),
    "JQ408": (
        "request_timeout",
        "the body did not come in time",
        "seconds=60",
        "send it faster, or in smaller parts",
    ),
    "JQ415": (
        "unsupported_media_type",
        "the body must be JSON",
        "content-type=text/plain",
        "send the header `Content-Type: application/json`",
    ),
    "JQ421": (
        "wrong_host",
        "this server is not the host that was asked for",
        "host=jobs.example.com",
        "use localhost, or set FORGE_TOKENS to serve under another name",
    ),
    "JQ429": ("too_many_requests", "too many requests", None, "Retry-After says when to go on"),
    "JQ503": ("too_many_viewers", "too many viewers are watching", "limit=200", "try again later"),
}
