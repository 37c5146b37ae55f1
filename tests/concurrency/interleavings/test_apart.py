"""Every pair within a family, in both orders: a race ends as if one had come after the other.

The first has done its part and holds it, the second comes, and the first commits or rolls back.
What each of the two answers and what is left must be what they answer and leave without a race.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.concurrency.interleavings.apart import FAMILIES, Family
from tests.concurrency.interleavings.stage import Session, Stage

NUMBERS = count(1)
Outcome = tuple[tuple[Any, ...], Any]


class Play:
    """A family on the stage; what was played without a race is kept."""

    def __init__(self, stage: Stage, family: Family) -> None:
        self._stage = stage
        self._family = family
        self._played: dict[tuple[str, ...], Outcome] = {}

    def arranged(self, state: str) -> str:
        """A new thing in this state: its name, in which nothing needs to be quoted."""
        name = f"{self._family.name}_{next(NUMBERS)}"
        for statement in self._family.states[state].split(";"):
            refused = self._stage.holder.run(self._written(statement, name))
            assert not str(refused).startswith(("JQ", "42")), (statement, refused)
        return name

    def in_turn(self, state: str, *acts: str) -> Outcome:
        """The answers of acts that come one after the other, and what is left."""
        if (state, *acts) not in self._played:
            name = self.arranged(state)
            answers = tuple(self.act(self._stage.first, act, name) for act in acts)
            self._played[state, *acts] = answers, self._look(name)
        return self._played[state, *acts]

    def race(self, state: str, first: str, second: str, ending: str) -> Outcome:
        """The answers, and what is left; of a first that is undone there is no answer."""
        name = self.arranged(state)
        self._stage.first.run("begin")
        answer = self.act(self._stage.first, first, name)
        running = self._stage.second.start(self._written(self._family.acts[second], name))
        self._stage.waits(self._stage.second, running)
        self._stage.first.run(ending)
        told = nameless(running.result(), name)
        answers = (answer, told) if ending == "commit" else (told,)
        return answers, self._look(name)

    def may_end(self, state: str, first: str, second: str, ending: str) -> list[Outcome]:
        found = [self.in_turn(state, second)]
        if ending == "commit":
            answers, left = self.in_turn(state, second, first)
            found = [self.in_turn(state, first, second), (answers[::-1], left)]
        if (said := self._family.skips.get(second)) is not None:
            done = [first] if ending == "commit" else []
            answers, left = self.in_turn(state, *done)
            found.append(((*answers, said), left))
        return found

    def act(self, session: Session, act: str, name: str) -> Any:
        return nameless(session.run(self._written(self._family.acts[act], name)), name)

    def _look(self, name: str) -> Any:
        return nameless(self._stage.holder.run(self._written(self._family.look, name)), name)

    @staticmethod
    def _written(statement: str, name: str) -> str:
        return statement.replace("%(name)s", f"'{name}'").replace("%(plain)s", name)


def nameless(told: Any, name: str) -> Any:
    return told.replace(name, "its name") if isinstance(told, str) else told


@pytest.fixture(scope="module")
def plays(play: Stage) -> dict[str, Play]:
    return {family.name: Play(play, family) for family in FAMILIES}


@pytest.mark.parametrize(
    ("family", "first", "second"),
    [(family, one, two) for family in FAMILIES for one in family.acts for two in family.acts],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_race_ends_like_one_after_the_other(
    plays: dict[str, Play], family: Family, first: str, second: str
) -> None:
    play = plays[family.name]
    wrong = {
        (state, ending): (ended, allowed)
        for state in family.states
        for ending in ("commit", "rollback")
        if (ended := play.race(state, first, second, ending))
        not in (allowed := play.may_end(state, first, second, ending))
    }
    assert wrong == {}
