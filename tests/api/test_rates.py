"""Limits: of requests, and of wrong tokens always."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from forge.api import rates
from forge.api.rates import FAILURES, Buckets, asked_for, neighbourhood
from forge.environment import NO_LIMIT, Rate
from forge.settings import Settings
from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.database import Database

MakeApi = Callable[..., Client]


class Watch:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_through_its_fill_and_refills_evenly() -> None:
    watch = Watch()
    buckets = Buckets(Rate(3, 60), watch)
    assert [buckets.take("a").remaining for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a")
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 0, 20)
    assert refused.reset == 60
    watch.now += 20
    assert buckets.take("a").allowed
    assert not buckets.take("a").allowed
    watch.now += 1000
    assert [buckets.take("a").allowed for _ in range(4)] == [True, True, True, False]


def test_a_refusal_costs_nothing() -> None:
    watch = Watch()
    buckets = Buckets(Rate(1, 10), watch)
    buckets.take("a")
    for _ in range(100):
        buckets.take("a")
    watch.now += 10
    assert buckets.take("a").allowed


def test_each_has_a_bucket_and_there_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CALLERS", 100)
    buckets = Buckets(Rate(1, 60), Watch())
    assert all(buckets.take(key).allowed for key in range(1000))
    assert len(buckets._full_at) == 100
    assert not buckets.take(999).allowed


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_an_address_stands_for_its_household(address: str, stands_for: str) -> None:
    assert neighbourhood(address) == stands_for


def test_loopback_has_no_limit_unless_it_is_asked_for() -> None:
    assert asked_for(Settings()) is None
    assert asked_for(Settings(rate_limit=Rate(5, 1))) == Rate(5, 1)
    assert asked_for(Settings(host="0.0.0.0")) == rates.ELSEWHERE
    assert asked_for(Settings(host="0.0.0.0", rate_limit=NO_LIMIT)) is None


def test_who_asks_too_often_is_told_when_to_come_back(make_api: MakeApi) -> None:
    api = make_api(rate_limit=Rate(2, 3600))
    first = api.get("/session")
    assert first.headers["ratelimit-limit"] == "2"
    assert first.headers["ratelimit-remaining"] == "1"
    assert first.headers["ratelimit-policy"] == "2;w=3600"
    assert api.get("/docs").status_code == 200  # without a token it is the address that counts
    refused = api.get("/session")
    found = problem(refused, 429, "JQ429")
    assert found["name"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 1800
    assert refused.headers["ratelimit-remaining"] == "0"


def test_each_token_has_a_limit_of_its_own(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS, rate_limit=Rate(1, 3600))
    assert api.get("/session", headers=bearer("viewer")).status_code == 200
    assert api.get("/session", headers=bearer("viewer")).status_code == 429
    assert api.get("/session", headers=bearer("worker")).status_code == 200


def test_without_a_limit_nothing_is_said_of_one(api: Client) -> None:
    assert not [name for name in api.get("/session").headers if name.startswith("ratelimit")]


def guess(api: Client, number: int) -> int:
    wrong = {"Authorization": f"Bearer forge_{number:064x}"}
    return api.get("/session", headers=wrong).status_code


def test_who_guesses_tokens_is_not_heard_any_longer(make_api: MakeApi, db: Database) -> None:
    api = make_api(tokens=TOKENS)
    friend = bearer("viewer")
    assert api.get("/session", headers=friend).status_code == 200
    answers = [guess(api, number) for number in range(FAILURES.requests + 3)]
    assert answers.count(401) >= FAILURES.requests
    assert answers[-1] == 429
    # not even with a token that is right, or it would learn which one is
    problem(api.get("/session", headers=bearer("operator")), 429, "JQ429")
    # but who was here before goes on, or a stranger could shut out all behind a proxy
    assert api.get("/session", headers=friend).status_code == 200


def test_to_bring_no_token_is_no_guess(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS)
    for _ in range(FAILURES.requests + 1):
        assert api.get("/session").status_code == 401
    assert api.get("/session", headers=bearer("viewer")).status_code == 200
