"""Answers are packed where that saves something."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client
from tests.api.jobs import enqueue
from tests.database import Database


def test_a_long_answer_is_packed_for_who_can_unpack_it(api: Client, db: Database) -> None:
    for _ in range(20):
        enqueue(db)
    packed = api.get("/jobs", headers={"Accept-Encoding": "gzip"})
    plain = api.get("/jobs", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3


@pytest.mark.parametrize("path", ["/health/live", "/session", "/nope"])
def test_a_short_answer_is_not_packed(api: Client, path: str) -> None:
    assert "content-encoding" not in api.get(path).headers


def test_files_are_packed_and_asked_about(api: Client) -> None:
    first = api.get("/", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = api.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
