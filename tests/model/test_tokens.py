"""Tokens of the HTTP API against a model: who gets in, and until when."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.tokens import Tokens

CALLED = {"create_token", "revoke_token", "authenticate"}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_who_has_a_token_that_is_good_gets_in(db: Database, clock: Clock) -> None:
    given = begin(db, clock)
    prove(Tokens, given, called=CALLED, refused=set(), changes=set(), examples=40, steps=20)
