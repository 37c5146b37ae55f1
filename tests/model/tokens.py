"""The machine for tokens: made, used, revoked, expired and forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.base import Base
from tests.model.wishes import seconds

ROLES = ("viewer", "producer", "worker", "operator")
MEMORY = timedelta(days=90)


@dataclass
class Token:
    hash: bytes
    role: str
    expires_at: datetime | None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def ended_at(self, never: datetime) -> datetime:
        return min(self.expires_at or never, self.revoked_at or never)


class Tokens(Base):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.tokens: dict[int, Token] = {}

    @rule(role=st.sampled_from(ROLES), good_for=seconds(None, 1, 100, 10**6))
    def create(self, role: str, good_for: timedelta | None) -> None:
        (row,) = self.call("create_token", role=role, name="n", expires_in=good_for)
        now = self.model.now
        expires_at = None if good_for is None else now + good_for
        self.tokens = {
            id: one for id, one in self.tokens.items() if one.ended_at(now) >= now - MEMORY
        }
        self.tokens[row["id"]] = Token(sha256(row["token"].encode()).digest(), role, expires_at)
        assert (row["role"], row["expires_at"]) == (role, expires_at)

    @precondition(lambda self: self.tokens)
    @rule(pick=st.integers(0, 255))
    def revoke(self, pick: int) -> None:
        token_id = [*self.tokens, 0][pick % (len(self.tokens) + 1)]
        token = self.tokens.get(token_id)
        rows = self.call("revoke_token", id=token_id)
        if token is not None:
            token.revoked_at = token.revoked_at or self.model.now
        assert [row["revoked_at"] for row in rows] == ([token.revoked_at] if token else [])

    @precondition(lambda self: self.tokens)
    @rule(pick=st.integers(0, 255), wrong=st.integers(0, 4))
    def use(self, pick: int, wrong: int) -> None:
        token = [*self.tokens.values()][pick % len(self.tokens)]
        given = token.hash if wrong else token.hash[::-1]
        rows = self.call("authenticate", hash=given)
        now = self.model.now
        never = now + MEMORY
        is_good = token.revoked_at is None and (token.expires_at or never) > now
        assert [row["role"] for row in rows] == ([token.role] if wrong and is_good else [])
        if rows and (token.last_used_at or now - MEMORY) <= now - timedelta(minutes=1):
            token.last_used_at = now

    @rule(seconds=st.sampled_from([1, 59, 61, 10**6, 10**7]))
    def wait(self, seconds: int) -> None:
        self.model.now = self.clock.advance(seconds=seconds)

    def teardown(self) -> None:
        try:
            rows = self.call("list_tokens")
            assert {
                row["id"]: (row["role"], row["expires_at"], row["revoked_at"], row["last_used_at"])
                for row in rows
            } == {
                id: (one.role, one.expires_at, one.revoked_at, one.last_used_at)
                for id, one in self.tokens.items()
            }
        finally:
            super().teardown()
