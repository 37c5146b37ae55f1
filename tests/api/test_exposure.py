"""Bound to the network, the API starts only where somebody could be let in."""

from __future__ import annotations

import pytest

from forge.errors import SettingsError
from forge.listening import check_exposure
from forge.settings import Settings
from tests.api.conftest import TOKENS
from tests.database import Database

pytestmark = pytest.mark.anyio
NOWHERE = "postgres://nobody@127.0.0.1:1/none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "forge.example", ""])
async def test_without_tokens_only_loopback_is_served(host: str) -> None:
    with pytest.raises(SettingsError, match="FORGE_TOKENS"):
        await check_exposure(Settings(host=host), NOWHERE)
    await check_exposure(Settings(host=host, tokens=TOKENS), NOWHERE)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
async def test_loopback_needs_no_tokens(host: str) -> None:
    await check_exposure(Settings(host=host), NOWHERE)


async def test_a_token_in_the_database_will_do(db: Database) -> None:
    with pytest.raises(SettingsError, match="forge token create"):
        await check_exposure(Settings(host="0.0.0.0"), db.dsn)
    db.rows("select forge.create_token('operator', 'x')")
    await check_exposure(Settings(host="0.0.0.0"), db.dsn)


async def test_a_database_that_cannot_say_is_no_reason_to_open(blank_db: Database) -> None:
    with pytest.raises(SettingsError, match="cannot say"):
        await check_exposure(Settings(host="0.0.0.0"), blank_db.dsn)
