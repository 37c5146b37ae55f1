"""Requests made up from the document, right ones and wrong ones: nothing that it does not tell of.

Every check of schemathesis holds, over a server as users have it, with tokens. What it makes up
is the same in every run. A route that is new is held to it without a word here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from forge.api.app import ROUTES
from forge.api.openapi import document
from tests.api.conftest import bearer
from tests.api.jobs import dead, enqueue
from tests.api.serving import forge_api
from tests.database import Database

CLIENTS = count(1)
EXAMPLES = 3  # made up at random for each operation, beside each bound of each value
FIRST_ID = 42  # what the examples of the document name
JSON = "application/json"

# Operations with rules that no schema can tell, such as "one of the two" or "a cron expression":
# SQL refuses by them what the schema allows. What it must not be refused for is its shape.
BY_RULE = {
    "enqueue",
    "enqueue_batch",
    "open_batch",
    "list_jobs",  # `payload` is text that must be JSON
    "count_jobs",
    "list_dead_jobs",
    "count_dead_jobs",
    "edit_job",  # a key of a queue that another job holds
    "edit_jobs",
    "cancel_jobs",
    "retry_jobs",
    "set_retry_rules",  # regular expressions
    "set_schedule",  # cron expressions, time zones
    "set_schema",  # the schemas themselves
    "change_limits",  # no `per` without a `rate`
    "stats_history",  # not too many buckets
    "stats_latency",
    "next_runs_of",  # cron expressions, time zones
}

# 5.0 is an integer for JSON Schema, and none here.
RULES = re.compile(
    r"Expected `int( \| null)?`, got `float`|differs from the Idempotency-Key|"
    r"use a JSON object or array: .*"
)

CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {
            "max-examples": EXAMPLES,
            "deterministic": True,
            "allow-x00": False,  # no text of PostgreSQL has a NUL: told in words, and tested
        },
        "checks": {
            # a list that is too long may be too long for any body
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "422"]
            },
        },
    }
)
SCHEMA = schemathesis.openapi.from_dict(document(ROUTES), config=CONFIG)


def ends(operation: Any) -> bool:
    """Whether an answer ends by itself: an event stream does not."""
    contents = [
        media_type
        for status, response in operation.definition.raw["responses"].items()
        if status < "300"
        for media_type in response.get("content", {})
    ]
    return "text/event-stream" not in contents


@pytest.fixture(scope="module")
def address(module_db: Database) -> Iterator[str]:
    """A server over a database in which what the examples name can be found."""
    module_db.rows("select setval('forge.job_id_seq', %s)", FIRST_ID - 1)
    for _ in range(20):
        enqueue(module_db)
    for _ in range(3):
        dead(module_db, error="mailbox full", queue="dead")
    module_db.rows(
        "select forge.register_worker('web-1:4711:9f86d081', array['default'], liveness => false),"
        " forge.schedule('nightly report', '@daily', 'report')"
    )
    with forge_api(
        module_db.dsn,
        FORGE_TOKENS="operator:the-operator-token-1234",
        FORGE_TRUSTED_PROXIES="127.0.0.1",
    ) as (url, _):
        yield url


def somebody(number: int) -> dict[str, str]:
    """A client of its own: who tries wrong tokens again and again is told to wait."""
    return {"X-Forwarded-For": str(ip_address("10.0.0.0") + number)}


def refused_by_a_rule(case: Any, answer: Any) -> bool:
    if answer.status_code != 422:
        return False
    wrong = answer.json()["errors"]
    if not wrong:
        return case.operation.definition.raw["operationId"] in BY_RULE
    return all(RULES.fullmatch(error["message"]) for error in wrong)


@SCHEMA.include(lambda context: ends(context.operation)).parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_is_as_its_document_says(case: Any, address: str) -> None:
    if isinstance(case.body, dict) and case.body.get("wait_seconds") in range(1, 31):
        case.body["wait_seconds"] = 0  # a long poll is no slow answer
    case.headers.update(somebody(next(CLIENTS)))
    answer = case.call(base_url=address, headers=bearer("operator"))
    excluded = [positive_data_acceptance] if refused_by_a_rule(case, answer) else []
    case.validate_response(
        answer, excluded_checks=excluded, headers=bearer("operator"), transport_kwargs={}
    )
