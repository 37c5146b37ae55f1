"""The checker refuses doctored evidence: for each rule, one history that breaks it and no other.

A checker that finds nothing proves nothing until it has been seen to find something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos.checker import RULES as CHECKED
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Lies, Rules
from tests.chaos.journal import DONE, REFUSED, UNDONE, UNKNOWN, Call
from tests.chaos.moves import Move, fold

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
TRANSITIONS = frozenset(
    {
        (None, "PENDING", "enqueue"),
        (None, "WAITING", "enqueue"),
        (None, "CANCELLED", "enqueue"),
        ("WAITING", "PENDING", "complete"),
        ("WAITING", "PENDING", "tick"),
        ("WAITING", "CANCELLED", "fail"),
        ("PENDING", "PROCESSING", "dequeue"),
        ("PROCESSING", "COMPLETED", "complete"),
        ("PROCESSING", "PENDING", "fail"),
        ("PROCESSING", "DEAD", "fail"),
        ("PROCESSING", "PENDING", "release"),
        ("PROCESSING", "PENDING", "tick"),
        ("PROCESSING", "DEAD", "tick"),
        ("DEAD", "PENDING", "retry"),
        ("DEAD", "DEAD", "discard"),
    }
)
RULES = Rules(
    max_retries=1,
    max_running={"capped": 1},
    rates={"rated": (1, timedelta(seconds=1))},
    key_max_running={"keys": 1},
    in_order=frozenset({"fifo"}),
    by_priority=frozenset({"urgent"}),
    registered=frozenset({"real-"}),
    schedules={"each": timedelta(seconds=1)},
    no_overlap=frozenset({"alone"}),
)


class Story:
    """Writes journals, moves and tables that agree, unless told otherwise."""

    def __init__(self, **common: Any) -> None:
        self.common = common
        self.calls: list[Call] = []
        self.moves: list[Move] = []
        self.lie: dict[int, Lies] = {}
        self.also: list[Lies] = []
        self.clock = 0.0

    def at(self, seconds: float) -> datetime:
        return BEGIN + timedelta(seconds=seconds)

    def call(self, name: str, asked: dict[str, Any], told: Any = None, **more: Any) -> None:
        sent = BEGIN.timestamp() + self.clock
        known = {"answered": sent + 0.1, "outcome": DONE, "told": told, **more}
        self.calls.append(Call(who="c", name=name, asked=asked, sent=sent, **known))
        self.clock += 1

    def move(self, id: int, gone: str | None, came: str | None, by: str, **more: Any) -> None:
        self.moves.append(
            Move(
                **{
                    "n": len(self.moves) + 1,
                    "at": self.at(self.clock + 0.05),
                    "xid": str(len(self.moves) + 1),
                    "id": id,
                    "gone": gone,
                    "came": came,
                    "by": by,
                    "scheduled_at": BEGIN,
                    "worker": "c",
                    "nonce": f"n{id}",
                    **self.common,
                    **more,
                }
            )
        )
        ended = {"COMPLETED": "history", "CANCELLED": "history", "DEAD": "dead_jobs"}
        table = ended.get(came or "", "jobs")
        if by == "discard":
            table = "history"
        lease = more.get("lease") if came in ("PROCESSING", "COMPLETED") else None
        self.lie[id] = Lies(id=id, table=table, status=came or "", nonce=f"n{id}", lease=lease)

    def enqueue(self, id: int, *, job: dict[str, Any] | None = None, **more: Any) -> None:
        self.move(id, None, more.pop("came", "PENDING"), "enqueue", **more)
        asked = {"nonces": [f"n{id}"], "jobs": {f"n{id}": job or {}}}
        self.call("enqueue", asked, {"ids": {f"n{id}": id}})

    def fire(self, id: int, schedule: str, nominal: float) -> None:
        at = self.at(nominal)
        self.move(id, None, "PENDING", "tick", schedule=schedule, nominal_at=at, nonce=None)
        self.clock += 1

    def claim(self, id: int, lease: str, attempts: int = 1, **more: Any) -> None:
        expires = self.at(self.clock + 60)
        self.move(
            id,
            "PENDING",
            "PROCESSING",
            "dequeue",
            lease=lease,
            attempts=attempts,
            attempted_at=self.at(self.clock),
            lease_expires_at=expires,
            **more,
        )
        job = {"id": id, "lease": lease, "attempts": attempts}
        self.call("dequeue", {"ids": [], "leases": []}, {"claimed": [job], "ended": {}})

    def end(self, id: int, lease: str, how: str = "complete", **more: Any) -> None:
        came = more.pop("came", "COMPLETED" if how == "complete" else "PENDING")
        attempts = more.pop("attempts", 0 if how == "release" else 1)
        if more.pop("happened", True):
            expires = self.at(self.clock + 60)
            self.move(
                id,
                "PROCESSING",
                came,
                how,
                lease=lease,
                lease_expires_at=expires,
                attempts=attempts,
                **more.pop("moved", {}),
            )
        asked = {"ids": [id], "leases": [lease], "result": None}
        self.call(how, asked, more.pop("told", {"ended": {str(id): came}}), **more)

    def lose(self, id: int, lease: str, attempts: int = 1, **more: Any) -> None:
        told = {
            "error_type": "LeaseExpired",
            "lease_expires_at": self.at(self.clock - 1),
            "came": "PENDING",
            **more,
        }
        came = told.pop("came")
        self.move(id, "PROCESSING", came, "tick", lease=lease, attempts=attempts, **told)

    def evidence(self) -> Evidence:
        return Evidence(
            calls=self.calls,
            seen=self.moves,
            lie=[*self.lie.values(), *self.also],
            transitions=TRANSITIONS,
            rules=RULES,
        )

    def found(self) -> dict[str, str]:
        return {finding.rule: finding.says for finding in check(self.evidence())}


def a_good_life() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.end(1, "A", "release")
    story.claim(1, "B")
    story.lose(1, "B")
    story.end(1, "B", happened=False, told="JQ002", outcome=REFUSED)
    story.claim(1, "C", 2)
    story.end(1, "C", attempts=2)
    story.end(1, "C", happened=False, told={"ended": {"1": False}})
    return story


def test_a_history_in_order_is_found_to_be_so() -> None:
    assert a_good_life().found() == {}


def test_a_call_without_an_answer_may_have_worked_or_not() -> None:
    for happened in (True, False):
        story = Story()
        story.enqueue(1)
        story.claim(1, "A")
        story.end(1, "A", happened=happened, outcome=UNKNOWN, told=None, answered=None)
        story.call("enqueue", {"nonces": ["n9"]}, outcome=UNKNOWN, answered=None)
        assert story.found() == {}


Telling = Callable[[], Story]
DOCTORED: dict[str, tuple[Telling, set[str]]] = {}


def breaks(*rules: str) -> Callable[[Telling], Telling]:
    """The rules that must find the history that the function makes: these and no others."""

    def note(function: Telling) -> Telling:
        DOCTORED[function.__name__] = (function, set(rules))
        return function

    return note


@breaks("no_acknowledged_enqueue_is_lost", "every_job_lies_where_its_moves_led")
def a_job_that_vanished() -> Story:
    story = Story()
    story.enqueue(1)
    del story.lie[1]
    return story


@breaks("no_acknowledged_enqueue_is_lost")
def a_job_that_was_never_written() -> Story:
    story = Story()
    story.call("enqueue", {"nonces": ["n1"]}, {"ids": {"n1": 1}})
    return story


@breaks("what_was_rolled_back_never_was")
def a_job_whose_enqueue_was_rolled_back() -> Story:
    story = Story()
    story.enqueue(1)
    story.calls[0] = replace(story.calls[0], outcome=UNDONE)
    return story


@breaks("nothing_comes_from_nowhere")
def a_job_of_nobody() -> Story:
    story = Story()
    story.move(1, None, "PENDING", "enqueue")
    return story


@breaks("nothing_comes_from_nowhere")
def a_job_that_is_there_twice() -> Story:
    story = Story()
    story.enqueue(1)
    story.move(2, None, "PENDING", "enqueue", nonce="n1")
    story.lie[2] = replace(story.lie[2], nonce="n1")
    return story


@breaks(
    "every_job_lies_where_its_moves_led",
    "nothing_comes_from_nowhere",
    "what_was_completed_stays_so_with_its_result",
)
def a_finished_job_that_is_live_too() -> Story:
    story = a_good_life()
    story.also.append(replace(story.lie[1], table="jobs", status="PENDING"))
    return story


@breaks("every_job_lies_where_its_moves_led")
def a_job_in_a_table_that_is_not_for_its_status() -> Story:
    story = a_good_life()
    story.lie[1] = replace(story.lie[1], table="jobs")
    return story


@breaks("statuses_move_only_along_transitions")
def a_completed_job_that_runs_again() -> Story:
    story = a_good_life()
    story.move(1, "COMPLETED", "PENDING", "retry", attempts=0)
    story.claim(1, "D")
    story.end(1, "D", came="COMPLETED")
    story.end(1, "C", happened=False, told={"ended": {"1": False}})
    # its first completion was not acknowledged, so that only the edge is wrong
    story.calls = [
        replace(call, outcome=UNKNOWN) if "C" in call.asked.get("leases", ()) else call
        for call in story.calls
    ]
    return story


@breaks("statuses_move_only_along_transitions", "a_job_runs_under_one_live_lease")
def two_claims_at_once() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.claim(1, "B", 2)
    return story


@breaks("a_job_runs_under_one_live_lease")
def a_lease_that_is_taken_away_early() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.lose(1, "A", lease_expires_at=story.at(story.clock + 10))
    return story


@breaks("a_job_runs_under_one_live_lease")
def a_worker_that_was_never_alive_and_is_called_lost() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.lose(1, "A", error_type="WorkerLost")
    return story


@breaks("a_job_runs_under_one_live_lease")
def an_end_under_another_lease() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.lose(1, "A")
    story.claim(1, "B", 2)
    # The stale lease ends what the new one holds.
    story.end(1, "A", "fail", attempts=2)
    story.moves[2] = replace(story.moves[2], lease="X")
    story.moves[1] = replace(story.moves[1], lease="X")
    story.calls[1].told["claimed"][0]["lease"] = "X"
    return story


@breaks("a_lease_is_ended_once_and_by_its_holder")
def an_acknowledged_failure_that_did_not_happen() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.end(1, "A", "fail", happened=False)
    return story


@breaks("a_lease_is_ended_once_and_by_its_holder")
def a_refused_call_that_happened_all_the_same() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.end(1, "A", told="JQ002", outcome=REFUSED)
    return story


@breaks("a_lease_is_ended_once_and_by_its_holder")
def an_end_that_is_acknowledged_twice() -> Story:
    story = a_good_life()
    story.end(1, "C", happened=False)
    return story


@breaks("a_lease_is_ended_once_and_by_its_holder")
def a_completion_that_is_not_recognised_when_it_is_repeated() -> Story:
    story = a_good_life()
    story.end(1, "C", happened=False, told="JQ002", outcome=REFUSED)
    return story


@breaks("a_lease_is_ended_once_and_by_its_holder")
def a_repeated_end_of_what_had_not_ended() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.end(1, "A", happened=False, told={"ended": {"1": False}})
    return story


def beat(story: Story, lease: str, *lost: int) -> None:
    told = [{"id": id, "reason": "lease_lost"} for id in lost]
    story.call("heartbeat", {"ids": [1], "leases": [lease], "extend": 30}, told)


@breaks("a_heartbeat_tells_the_truth")
def a_heartbeat_that_keeps_a_loss_to_itself() -> Story:
    story = a_good_life()
    beat(story, "B")
    return story


@breaks("a_heartbeat_tells_the_truth")
def a_heartbeat_that_makes_up_a_loss() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    beat(story, "A", 1)
    return story


@breaks("a_heartbeat_tells_the_truth")
def a_heartbeat_that_does_not_extend() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    beat(story, "A")
    story.lose(1, "A")
    return story


@breaks("what_was_completed_stays_so_with_its_result")
def a_result_of_somebody_else() -> Story:
    story = a_good_life()
    story.calls[-2].asked["result"] = "mine"
    story.lie[1] = replace(story.lie[1], result="another's")
    return story


@breaks("what_was_claimed_is_what_was_seen")
def a_job_that_was_handed_out_and_not_claimed() -> Story:
    story = Story()
    story.enqueue(1)
    job = {"id": 1, "lease": "A", "attempts": 1}
    story.call("dequeue", {}, {"claimed": [job], "ended": {}})
    return story


@breaks("handlers_run_what_was_claimed_and_once")
def a_handler_that_ran_twice_under_one_lease() -> Story:
    story = a_good_life()
    for _ in range(2):
        story.call("run", {"id": 1, "lease": "C"})
    return story


@breaks("handlers_run_what_was_claimed_and_once")
def a_handler_that_ran_what_nobody_claimed() -> Story:
    story = a_good_life()
    story.call("run", {"id": 1, "lease": "Z"})
    return story


@breaks("refusals_are_documented")
def a_deadlock() -> Story:
    story = Story()
    story.call("tick", {}, "40P01", outcome=REFUSED)
    return story


@breaks("attempts_stay_within_the_policy")
def one_attempt_too_many() -> Story:
    story = Story()
    story.enqueue(1)
    for attempt, lease in enumerate("ABC", 1):
        story.claim(1, lease, attempt)
        story.end(1, lease, "fail", attempts=attempt)
    return story


@breaks("attempts_stay_within_the_policy")
def an_attempt_that_did_not_count() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.lose(1, "A", attempts=0)
    return story


@breaks("attempts_stay_within_the_policy")
def a_job_that_died_too_early() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    story.lose(1, "A", came="DEAD")
    return story


@breaks("unique_keys_never_live_twice")
def two_jobs_of_one_key() -> Story:
    story = Story(unique_key="u", unique_scope="q")
    story.enqueue(1)
    story.enqueue(2)
    return story


@breaks("caps_are_never_exceeded")
def one_job_more_than_the_cap() -> Story:
    story = Story(queue="capped")
    for id in (1, 2):
        story.enqueue(id)
        story.claim(id, "A")
    return story


@breaks("caps_are_never_exceeded")
def one_job_more_than_the_cap_of_a_key() -> Story:
    story = Story(queue="keys", key="k")
    for id in (1, 2):
        story.enqueue(id)
        story.claim(id, "A")
    return story


@breaks("rates_are_never_exceeded")
def one_start_more_than_the_rate() -> Story:
    story = Story(queue="rated")
    for id in (1, 2):
        story.enqueue(id)
        story.claim(id, "A")
        story.clock -= 1.9
    return story


@breaks("keys_are_worked_off_in_order")
def a_job_that_overtook() -> Story:
    story = Story(queue="fifo", key="k")
    story.enqueue(1)
    story.enqueue(2)
    story.claim(2, "A")
    return story


@breaks("caps_are_never_exceeded", "keys_are_worked_off_in_order")
def two_jobs_of_a_line_at_once() -> Story:
    story = Story(queue="fifo", key="k")
    for id in (1, 2):
        story.enqueue(id)
        story.claim(id, "A")
    return story


@breaks("priorities_are_respected")
def a_lesser_job_that_went_first() -> Story:
    story = Story(queue="urgent")
    story.enqueue(1, priority=5)
    story.enqueue(2, priority=0)
    story.clock += 10
    story.claim(2, "A", priority=0)
    return story


@breaks("a_call_is_done_in_whole_or_not_at_all")
def half_of_a_call() -> Story:
    story = Story()
    story.move(1, None, "PENDING", "enqueue")
    story.call("enqueue", {"nonces": ["n1", "n2"]}, outcome=UNKNOWN, answered=None)
    return story


@breaks("a_replacement_comes_before_the_run")
def a_replacement_that_is_nowhere() -> Story:
    story = Story(unique_key="u")
    story.enqueue(1)
    asked = {"nonces": ["n2"], "jobs": {"n2": {"unique_key": "u", "on_conflict": "replace"}}}
    story.call("enqueue", asked, {"ids": {"n2": 1}})
    return story


@breaks("a_replacement_comes_before_the_run")
def a_replacement_of_what_runs_already() -> Story:
    story = Story(unique_key="u")
    story.enqueue(1)
    story.claim(1, "A")
    story.move(1, "PROCESSING", "PROCESSING", "enqueue", edit=True, nonce="n2", lease="A")
    asked = {"nonces": ["n2"], "jobs": {"n2": {"unique_key": "u", "on_conflict": "replace"}}}
    story.call("enqueue", asked, {"ids": {"n2": 1}})
    return story


def say_progress(story: Story, lease: str, **more: Any) -> None:
    story.call("progress", {"ids": [1], "leases": [lease], "value": 0.5}, **more)


@breaks("progress_counts_under_the_lease_only")
def progress_under_a_lease_that_is_over() -> Story:
    story = a_good_life()
    say_progress(story, "B")
    return story


@breaks("progress_counts_under_the_lease_only")
def progress_that_is_refused_to_the_holder() -> Story:
    story = Story()
    story.enqueue(1)
    story.claim(1, "A")
    say_progress(story, "A", outcome=REFUSED, told="JQ002")
    return story


def a_flow(policy: str) -> Story:
    """Job 2 waits for job 1, which runs."""
    story = Story()
    story.enqueue(1)
    story.enqueue(2, came="WAITING", job={"depends_on": ["n1"], "on_parent_failure": policy})
    story.claim(1, "A")
    return story


@breaks("children_wait_for_their_parents")
def a_child_that_does_not_wait() -> Story:
    story = a_flow("run")
    story.move(2, "WAITING", "PENDING", "tick")
    return story


@breaks("children_wait_for_their_parents")
def a_child_that_runs_though_its_parent_died() -> Story:
    story = a_flow("wait")
    story.end(1, "A", "fail", came="DEAD")
    story.move(2, "WAITING", "PENDING", "tick")
    return story


@breaks("children_wait_for_their_parents")
def a_child_that_is_cancelled_for_nothing() -> Story:
    story = a_flow("cancel")
    story.move(2, "WAITING", "CANCELLED", "fail")
    return story


@breaks("children_wait_for_their_parents")
def a_callback_that_comes_before_the_last_of_its_batch() -> Story:
    story = Story()
    asked = {"nonces": ["n3", "n1", "n2"], "jobs": {}, "callback": "n3"}
    story.call("enqueue", asked, {"ids": {"n3": 3}})
    story.move(3, None, "WAITING", "enqueue")
    for id in (1, 2):
        story.move(id, None, "PENDING", "enqueue")
    story.claim(1, "A")
    story.move(3, "WAITING", "PENDING", "complete")
    story.end(1, "A")
    return story


@breaks("each_run_of_a_schedule_comes_once")
def a_run_that_comes_twice() -> Story:
    story = Story()
    story.fire(1, "other", 0)
    story.fire(2, "other", 0)
    return story


@breaks("each_run_of_a_schedule_comes_once")
def a_run_that_is_left_out() -> Story:
    story = Story()
    story.fire(1, "each", -3)
    story.fire(2, "each", -1)
    return story


@breaks("each_run_of_a_schedule_comes_once")
def a_run_before_its_time() -> Story:
    story = Story()
    story.fire(1, "each", 30)
    return story


@breaks("runs_do_not_overlap")
def a_run_beside_another() -> Story:
    story = Story()
    story.fire(1, "alone", 0)
    story.fire(2, "alone", 1)
    return story


@pytest.mark.parametrize("name", DOCTORED)
def test_it_refuses(name: str) -> None:
    make, rules = DOCTORED[name]
    assert set(make().found()) == rules


def test_every_rule_is_seen_to_refuse_something() -> None:
    refused = {rule for _, rules in DOCTORED.values() for rule in rules}
    assert refused == {rule.__name__ for rule in CHECKED}


def test_a_lesser_job_may_go_first_where_the_other_was_just_committed_or_held() -> None:
    story = Story(queue="urgent")
    story.enqueue(1, priority=5)
    story.enqueue(2, priority=0)
    story.claim(2, "A", priority=0)  # within the time of a sweep
    assert story.found() == {}
    held = a_lesser_job_that_went_first()
    held.clock -= 1.5
    held.call("dequeue", {}, outcome=UNKNOWN, answered=None)
    assert held.found() == {}


def test_one_claim_may_take_a_lesser_job_beside_an_urgent_one() -> None:
    story = a_lesser_job_that_went_first()
    story.claim(1, "A", priority=5)
    assert story.found() == {}


def test_a_flow_in_order_is_found_to_be_so() -> None:
    for policy, how, came in (
        ("wait", "complete", "PENDING"),
        ("run", "fail", "PENDING"),
        ("cancel", "fail", "CANCELLED"),
    ):
        story = a_flow(policy)
        story.end(1, "A", how, came="COMPLETED" if how == "complete" else "DEAD")
        story.move(2, "WAITING", came, how if came == "CANCELLED" else "tick")
        assert story.found() == {}


def test_a_job_that_runs_gives_up_its_key_to_the_one_that_replaces_it() -> None:
    story = Story(unique_key="u")
    story.enqueue(1)
    story.claim(1, "A")
    given_up = {"edit": True, "unique_key": None, "lease": "A"}
    story.move(1, "PROCESSING", "PROCESSING", "enqueue", **given_up)
    story.enqueue(2, job={"unique_key": "u", "on_conflict": "replace"})
    assert story.found() == {}


def test_a_call_that_makes_a_job_and_changes_it_again_is_one_move() -> None:
    story = Story(xid="7")
    made = {"gone": None, "came": "PENDING"}
    for step in (made, {"gone": "PENDING", "came": "WAITING"}, {"gone": "WAITING", "came": None}):
        story.move(1, step["gone"], step["came"], "enqueue_many")
    assert [(move.gone, move.came) for move in fold(story.moves[:2])] == [(None, "WAITING")]
    assert fold(story.moves) == []  # its key was taken
    story.move(1, None, "CANCELLED", "enqueue_many", place="history")
    assert [(move.gone, move.came) for move in fold(story.moves)] == [(None, "CANCELLED")]
