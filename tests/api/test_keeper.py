"""What the database said of a token holds for a moment, and is asked for once by however many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from forge.api import doorman, keeper
from forge.api.access import Access
from forge.api.database import Database as Pool
from forge.api.keeper import FRESH_SECONDS, Keeper, hash_of
from forge.models import Token
from forge.settings import Settings
from tests.database import Database

pytestmark = pytest.mark.anyio


class Watch:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def keeping(db: Database, watch: Watch) -> AsyncIterator[tuple[Keeper, list[str]]]:
    """A keeper, and the questions that it puts to the database."""
    pool = Pool(db.dsn)
    asked: list[str] = []
    keeper = Keeper(Settings(), pool, watch)
    whose, whether = keeper._ask_whose, keeper._ask_whether

    async def ask_whose(hash: bytes) -> list[Token]:
        asked.append("whose")
        return await whose(hash)

    async def ask_whether() -> bool:
        asked.append("whether")
        return await whether()

    keeper._ask_whose, keeper._ask_whether = ask_whose, ask_whether  # type: ignore[method-assign]
    async with pool.opened():
        yield keeper, asked


def create(db: Database) -> tuple[int, str]:
    (row,) = db.rows("select * from forge.create_token('viewer', 'x')")
    return row["id"], row["token"]


def test_a_revocation_works_within_five_seconds() -> None:
    """A look at a stream may find the answer to a question asked just before."""
    assert doorman.LOOK_SECONDS + FRESH_SECONDS < 5


async def test_an_answer_holds_for_a_moment(db: Database) -> None:
    watch = Watch()
    id, token = create(db)
    async with keeping(db, watch) as (keeper, asked):
        access = await keeper.who(token)
        assert access is not None
        for _ in range(5):
            assert await keeper.who(token) == access
        assert asked == ["whose"]
        db.rows("select forge.revoke_token(%s)", id)
        watch.now += FRESH_SECONDS
        assert not await keeper.still_welcome(access)
        assert await keeper.who(token) is None


async def test_many_who_come_at_once_are_one_question(db: Database) -> None:
    _, token = create(db)
    async with keeping(db, Watch()) as (keeper, asked):
        found = await asyncio.gather(*(keeper.who(token) for _ in range(50)))
        assert all(access is not None and access.role == "viewer" for access in found)
        assert asked == ["whose"]


async def test_one_who_goes_away_takes_the_answer_from_nobody(db: Database) -> None:
    _, token = create(db)
    async with keeping(db, Watch()) as (keeper, _):
        first, second = (asyncio.create_task(keeper.who(token)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second is not None


@pytest.mark.parametrize("token", ["", "x", "forge_", "forge_" + "g" * 64, "forge_" + "0" * 65])
async def test_what_no_database_made_is_not_asked_for(db: Database, token: str) -> None:
    async with keeping(db, Watch()) as (keeper, asked):
        assert await keeper.who(token) is None
        assert asked == []


async def test_a_door_that_was_closed_once_is_not_asked_about_again(db: Database) -> None:
    watch = Watch()
    async with keeping(db, watch) as (keeper, asked):
        assert not await keeper.needs_token()
        assert not await keeper.needs_token()
        assert asked == ["whether"]
        create(db)
        watch.now += FRESH_SECONDS
        assert await keeper.needs_token()
        watch.now += 1000
        assert await keeper.needs_token()
        assert asked == ["whether"] * 2


async def test_what_the_sampler_saw_is_not_asked_for(db: Database) -> None:
    watch = Watch()
    async with keeping(db, watch) as (keeper, asked):
        keeper.learn(False)
        assert not await keeper.needs_token()
        keeper.learn(True)
        assert await keeper.needs_token()
        keeper.learn(False)  # what is closed stays closed
        assert await keeper.needs_token()
        assert asked == []


async def test_it_remembers_a_bounded_number(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MOST_KNOWN", 2)
    tokens = [create(db)[1] for _ in range(3)]
    async with keeping(db, Watch()) as (known, _):
        for token in tokens:
            await known.who(token)
        assert list(known._known) == [hash_of(token) for token in tokens[1:]]


async def test_a_round_that_fails_is_not_the_last(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman, "LOOK_SECONDS", 0)
    rounds = 0
    done = asyncio.Event()

    async def still_welcome(_: Access) -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise RuntimeError
        return False

    async with keeping(db, Watch()) as (keeper, _):
        monkeypatch.setattr(keeper, "still_welcome", still_welcome)
        at_the_door = doorman.Doorman(keeper, done.set)
        async with asyncio.timeout(20), at_the_door.working():
            stay = at_the_door.enter(Access(role="viewer"))
            await done.wait()
            assert not stay.welcome


async def test_a_stay_outlives_a_database_that_is_down() -> None:
    pool = Pool("postgres://nobody@127.0.0.1:1/none")
    at_the_door = doorman.Doorman(Keeper(Settings(), pool), lambda: None)
    stay = at_the_door.enter(Access(role="viewer"))
    await at_the_door.look()  # the pool is closed, which is the same error at once
    assert stay.welcome
