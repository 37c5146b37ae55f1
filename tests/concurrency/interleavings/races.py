"""The races that the table gives, and how each has to end."""

from __future__ import annotations

from dataclasses import dataclass

from tests.concurrency.interleavings.acts import (
    ACTS,
    LIVE,
    LOCKS,
    SHARES,
    STATES,
    TRIES,
    WAITS,
    Act,
    Manner,
    after,
    says,
)

COMMIT, ROLLBACK = "commit", "rollback"


def missed(act: Act, began: str, state: str) -> tuple[str, str] | None:
    """What an act does that had looked in one place before the job was moved there."""
    if act.name == "drop_queue" and began in ("CANCELLED", "DISCARDED") and state == "PENDING":
        return "false", state  # and says so
    return None


def tries_in_vain(act: Act, beside: Act, state: str) -> bool:
    """Whether it may find that the other one ticks: who ends lets its locks go one by one.

    So a second that waited for the row of the first, and then tries, may be the quicker one.
    """
    wants, takes = (it.step(state).manner("tick") for it in (act, beside))
    return wants == TRIES and takes is not None


@dataclass(frozen=True)
class Race:
    """The first act is done and not committed when the second comes."""

    first: Act
    second: Act
    state: str

    def __str__(self) -> str:
        return f"{self.first.name} and then {self.second.name} of a job that is {self.state}"

    def holds(self, lock: str) -> bool:
        step = self.first.step(self.state)
        if step.answer.startswith("JQ"):
            return False
        if lock == "key":
            # Whoever changes the row of a live job holds what the index of keys says of it.
            is_live = {self.state, step.job} & set(LIVE.split())
            return step.beside in ("new", "later", "held") or bool(step.row and is_live)
        return step.manner(lock) is not None

    @property
    def manner(self) -> Manner:
        """What the second does about the first lock that both need; None: there is none."""
        has, wants = self.first.step(self.state), self.second.step(self.state)
        for lock in LOCKS:
            wanted = wants.manner(lock)
            if wanted and self.holds(lock) and not wanted == has.manner(lock) == SHARES:
                return wanted
        return None

    def end(self, ending: str) -> tuple[str, str]:
        """The answer of the second, and the state after both."""
        held = [self.first.step(self.state)] if ending == COMMIT else []
        then = after(self.state, *held)
        wanted = self.second.step(self.state)
        match self.manner:
            case "waits":
                return missed(self.second, self.state, then) or self.second.alone(then)
            case "passes" | "waits briefly" | "shares":
                return self.second.passed, then
            case "leaves it to the tick":
                return self.second.passed, then.replace("OPEN", "WAITING")
            case "tries":
                return self.second.passed, after(self.state, *held, wanted)
            case _:
                return wanted.answer, after(self.state, *held, wanted)

    def ends(self, ending: str) -> set[tuple[str, str]]:
        """All that may come of it: mostly one thing."""
        end = self.end(ending)
        if self.manner == WAITS and tries_in_vain(self.second, self.first, self.state):
            return {end, (self.second.passed, end[1])}
        return {end}

    @property
    def endings(self) -> list[str]:
        """A second that does not wait does the same, however the first ends.

        Nor is it another thing to come after nothing where a cancellation was asked for as well.
        """
        may_matter = self.manner == WAITS and not self.state.endswith("_STOPPING")
        return [COMMIT, ROLLBACK] if may_matter else [COMMIT]


def races(first: Act, second: Act) -> list[Race]:
    """One for each state in which the second wants something that the first holds."""
    of_all = [Race(first, second, state) for state in STATES]
    return [race for race in of_all if race.manner]


def bystanders(first: Act, state: str) -> list[Act]:
    """Who wants nothing of what the first holds of a job, and changes nothing."""
    if not (Race(first, first, state).holds("row") or Race(first, first, state).holds("key")):
        return []
    return [
        second
        for second in ACTS
        if not any(second.step(state).manner(lock) for lock in LOCKS)
        and second.step(state) == says(second.step(state).answer)
    ]


PAIRS = [(first, second) for first in ACTS for second in ACTS if races(first, second)]
