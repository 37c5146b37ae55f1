"""Every pair that waits for the row of a job, and both do: who held it lets go of both at once.

The two are then in the midst of their work, and what they take next must come in one order: no
deadlock. By what they answer and leave behind, one has come after the other. The jobs have all that
a job can have: a unique key, a turn in the line of its concurrency key, a child that waits for it.
"""

from __future__ import annotations

import pytest

from tests.concurrency.interleavings.acts import ACTS, WAITS, Act
from tests.concurrency.interleavings.races import missed, tries_in_vain
from tests.concurrency.interleavings.stage import Stage

# Not those that differ from one of these only by what the tick makes of them.
STATES = ["WAITING", "PENDING", "LATER", "RUNNING", "STOPPING", "TAKEN", "CANCELLED", "DEAD"]
PAIRS = [
    (first, second, states)
    for first in ACTS
    for second in ACTS
    if (states := [it for it in STATES if first.step(it).row == second.step(it).row == WAITS])
]


def one_after_the_other(state: str, *acts: Act) -> list[tuple[list[str], str]]:
    """The answers and the state after them; and what else there is where one may try in vain."""
    began, answers = state, []
    for act in acts:
        answer, state = missed(act, began, state) or act.alone(state)
        answers.append(answer)
    found = [(answers, state)]
    for place, (act, beside) in enumerate((acts, acts[::-1])):
        if tries_in_vain(act, beside, began):
            found.append(
                ([act.passed if at == place else it for at, it in enumerate(answers)], state)
            )
    return found


@pytest.mark.parametrize(
    ("first", "second", "states"), PAIRS, ids=[f"{one.name}-{two.name}" for one, two, _ in PAIRS]
)
def test_two_wait_for_the_same_row(play: Stage, first: Act, second: Act, states: list[str]) -> None:
    for state in states:
        job = play.arrange(state, rich=True)
        play.hold(job)
        ahead = play.first.start(first.sql, vars(job))
        assert play.waits(play.first, ahead), f"{first.name} of a job that is {state}"
        behind = play.second.start(second.sql, vars(job))
        assert play.waits(play.second, behind), f"{second.name} of a job that is {state}"
        play.holder.run("commit")

        played = [ahead.result(), behind.result()], play.state(job)

        swapped = one_after_the_other(state, second, first)
        in_order = [
            *one_after_the_other(state, first, second),
            *((it[::-1], end) for it, end in swapped),
        ]
        assert played in in_order, state
