"""Every pair, in both orders: the first has done its part and holds it, and the second comes.

The second waits or passes by, as the table says; by what it answers and leaves behind it comes
after the first, or the first has never been. To play one again: `-k "[cancel-complete]"`.
"""

from __future__ import annotations

import pytest

from tests.concurrency.interleavings.acts import ACTS, STATES, WAITS, Act
from tests.concurrency.interleavings.races import COMMIT, PAIRS, Race, bystanders, races
from tests.concurrency.interleavings.stage import Stage


def play_out(play: Stage, race: Race, ending: str) -> tuple[str, str]:
    """The answer of the second, and the state after both."""
    job = play.arrange(race.state)
    play.first.run("begin")
    assert play.first.act(race.first, job) == race.first.alone(race.state)[0]
    if race.manner != WAITS:
        answer = play.second.act(race.second, job)
        play.first.run(ending)
        return answer, play.state(job)

    running = play.second.start(race.second.sql, vars(job))
    waited = play.waits(play.second, running)
    play.first.run(ending)
    return running.result() if waited else "it did not wait", play.state(job)


@pytest.mark.parametrize(
    ("first", "second"), PAIRS, ids=[f"{first.name}-{second.name}" for first, second in PAIRS]
)
def test_the_second_comes_while_the_first_holds(play: Stage, first: Act, second: Act) -> None:
    table = [(race, ending) for race in races(first, second) for ending in race.endings]
    played = {f"{race}, {ending}": play_out(play, race, ending) for race, ending in table}
    wrong = {
        name: (played[name], ends)
        for name, ends in ((f"{race}, {ending}", race.ends(ending)) for race, ending in table)
        if played[name] not in ends
    }
    assert wrong == {}


@pytest.mark.parametrize("first", ACTS, ids=lambda act: act.name)
def test_who_wants_nothing_of_it_is_answered_at_once(play: Stage, first: Act) -> None:
    played, told = {}, {}
    for state in STATES:
        others = bystanders(first, state)
        if not others:
            continue
        job = play.arrange(state)
        play.first.run("begin")
        play.first.act(first, job)
        for other in others:
            played[state, other.name] = play.second.act(other, job)
            told[state, other.name] = other.step(state).answer
        play.first.run(COMMIT)
        played[state, "all"], told[state, "all"] = play.state(job), first.alone(state)[1]
    assert played == told
