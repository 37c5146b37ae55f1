"""The machine for retries: policies of jobs, types and queues, set and unset; rules by error."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.machine import Machine
from tests.model.policies import Settings
from tests.model.records import Record
from tests.model.wishes import QUEUES, seconds

TYPES = ("t", "u")


def settings() -> st.SearchStrategy[Settings]:
    """Some of them."""
    return st.fixed_dictionaries(
        {},
        optional={
            "retry_base": seconds(1, 30, 100),
            "retry_factor": st.sampled_from([1.0, 3.0]),
            "retry_cap": seconds(60, 7200),
            "max_retries": st.integers(0, 3),
        },
    )


@st.composite
def retry_rules(draw: st.DrawFn, *actions: str) -> Settings:
    said: Settings = {"action": draw(st.sampled_from(actions))}
    said["error_type"] = draw(st.sampled_from(["A", "B", "^$", "LeaseExpired|Timeout", ""]))
    if draw(st.integers(0, 3)) == 0:
        said["error"] = draw(st.sampled_from(["n", "yes"]))
    if said["action"] != "permanent":
        said |= draw(settings())
    if said["action"] == "pause":
        said.pop("max_retries", None)
    return said | {"rule": draw(st.sampled_from(["one", "two"]))}


def rule_lists(*actions: str) -> st.SearchStrategy[list[Settings]]:
    return st.lists(retry_rules(*actions), max_size=2)


def as_json(rules: list[Settings]) -> str:
    return json.dumps(rules, default=str)


class Policing(Machine):
    @rule(
        of=st.sampled_from(["queue", "type", "type"]),
        second=st.booleans(),
        wanted=settings(),
        timeout=seconds(None, None, 30),
        unset=st.sets(st.sampled_from(["retry_base", "retry_factor", "retry_cap", "max_retries"])),
    )
    def set_policy(
        self, of: str, second: bool, wanted: Settings, timeout: timedelta | None, unset: set[str]
    ) -> None:
        name = (QUEUES if of == "queue" else TYPES)[second]
        all_of = self.model.policies.queues if of == "queue" else self.model.policies.types
        if of == "type":
            wanted = wanted | ({"timeout": timeout} if timeout else {})
            unset = unset | ({"timeout"} if timeout is None else set())
        (row,) = self.call(f"set_{of}", **{of: name}, **wanted, unset=sorted(unset))
        kept = {name: value for name, value in all_of.get(name, {}).items() if name not in unset}
        all_of[name] = kept | wanted
        for setting in [*wanted, *unset]:
            assert row[setting] == all_of[name].get(setting), setting

    @rule(
        of=st.sampled_from(["queue", "type", "all"]),
        second=st.booleans(),
        rules=rule_lists("retry", "permanent", "pause"),
    )
    def set_rules(self, of: str, second: bool, rules: list[Settings]) -> None:
        name = {"queue": QUEUES[second], "type": TYPES[second], "all": ""}[of]
        named = {} if of == "all" else {of: name}
        rows = self.call("set_retry_rules", rules=as_json(rules), **named)
        assert [(row["rule"], row["action"]) for row in rows] == [
            (one["rule"], one["action"]) for one in rules
        ]
        self.model.policies.rules[of, name] = rules

    @rule(
        type=st.sampled_from(TYPES),
        queue=st.sampled_from([QUEUES[0], *QUEUES]),
        wanted=settings(),
        timeout=seconds(None, None, 30),
        rules=rule_lists("retry", "permanent"),
    )
    def add_with_a_policy(
        self,
        type: str,
        queue: str,
        wanted: Settings,
        timeout: timedelta | None,
        rules: list[Settings],
    ) -> None:
        said: dict[str, Any] = {"timeout": timeout} if timeout else {}
        said |= {"retry_rules": as_json(rules)} if rules else {}
        (row,) = self.call("enqueue", type=type, queue=queue, **wanted, **said)
        retries = wanted.get("max_retries")
        job = Record(row["enqueue"], 0, self.model.now, None, retries, born_at=self.model.now)
        job.type, job.queue, job.timeout = type, queue, timeout
        job.said, job.rules = wanted, rules
        self.model.jobs[job.id] = job

    @rule(kinds=st.lists(st.sampled_from([0, 1, 5]), min_size=2, max_size=4))
    def fail_again_and_again(self, kinds: list[int]) -> None:
        """Errors of several kinds, once each backoff is over."""
        for kind in kinds:
            self.by = set()
            self.model.now = self.clock.advance(seconds=7200)
            self.dequeue(1, timedelta(minutes=10))
            self.rows_are_those_of_the_model()
            if any(self.model.owned(*claim) for claim in self.claims):
                self.fail(kind, retryable=True, retry_in=None)
                self.rows_are_those_of_the_model()

    def queue_to_claim_from(self, count: int) -> str:
        queues = QUEUES if count < 3 else QUEUES[::-1]
        return next((queue for queue in queues if self.model.next_up(1, queue)), queues[0])

    def retries(self, job: Record) -> int:
        """Nobody can say: failures may not count, and a policy may change while it waits."""
        return 10**6
