"""Wrong changes to dead jobs and queues change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem
from tests.api.jobs import dead
from tests.database import Database


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 10**10},
        {"limit": "all"},
        {"quue": "q"},
        {"queue": "q" * 500},
        {"queue": "nul\0"},
        {"died_before": "2030-01-01T00:00:00"},
        {"error": 5},
        [],
    ],
)
def test_a_wrong_filter_revives_nothing(api: Client, db: Database, body: Any) -> None:
    dead(db)
    problem(api.post("/dlq/retry", json=body), 422, "JQ001")
    assert db.value("select count(*) from forge.dead_jobs") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"paused": "yes"},
        {"paused": None},
        {"pause": True},
        {"max_retries": -1},
        {"max_retries": 10**10},
        {"retry_base_seconds": -1},
        {"retry_factor": 0},
        {"retry_jitter": -0.5},
        {"keep_history": 1},
        [],
    ],
)
def test_a_wrong_setting_of_a_queue_changes_nothing(api: Client, db: Database, body: Any) -> None:
    before = db.rows("select * from forge.queues")
    problem(api.patch("/queues/default", json=body), 422, "JQ001")
    assert db.rows("select * from forge.queues") == before


def test_a_queue_name_of_500_characters_is_refused(api: Client) -> None:
    problem(api.patch("/queues/" + "q" * 500, json={"paused": True}), 422, "JQ001")


def test_of_two_settings_none_is_kept_when_one_is_wrong(api: Client, db: Database) -> None:
    body = {"paused": True, "max_retries": -1}
    problem(api.patch("/queues/default", json=body), 422, "JQ001")
    assert db.rows("select * from forge.queues where paused_at is not null") == []
