"""The table by itself: every act in every state, with nobody else there."""

from __future__ import annotations

import pytest

from tests.concurrency.interleavings.acts import ACTS, STATES, Act
from tests.concurrency.interleavings.stage import Stage


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_an_act_does_what_the_table_says(play: Stage, act: Act, rich: bool) -> None:
    played, told = {}, {}
    for state in STATES:
        job = play.arrange(state, rich=rich)
        assert play.state(job) == state
        played[state] = play.first.act(act, job), play.state(job)
        told[state] = act.alone(state)
    assert played == told
