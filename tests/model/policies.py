"""The model of retry policies and rules: whose word counts, and what it makes of a failure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.model.records import Record

Settings = dict[str, Any]

DEFAULTS: Settings = {
    "retry_base": timedelta(seconds=5),
    "retry_factor": 2.0,
    "retry_cap": timedelta(hours=1),
    "max_retries": 10,
}


@dataclass(frozen=True)
class Verdict:
    """What becomes of a failure: dead, or back after a delay."""

    dead: bool = False
    delay: timedelta = timedelta(0)
    rule: str | None = None
    apart: bool = False  # it uses up none of the job's other retries
    pauses: bool = False


@dataclass
class Policies:
    """What was set for queues and types, and the lists of rules by (scope, name)."""

    queues: dict[str, Settings] = field(default_factory=dict)
    types: dict[str, Settings] = field(default_factory=dict)
    rules: dict[tuple[str, str], list[Settings]] = field(default_factory=dict)

    def value(self, job: Record, name: str) -> Any:
        """A setting of a job: its own, else of its type, its queue, or the default."""
        own = job.max_retries if name == "max_retries" else job.said.get(name)
        of_type, of_queue = self.types.get(job.type, {}), self.queues.get(job.queue, {})
        said = (own, of_type.get(name), of_queue.get(name))
        return next((value for value in said if value is not None), DEFAULTS.get(name))

    def timeout(self, job: Record) -> timedelta | None:
        said = (job.timeout, self.types.get(job.type, {}).get("timeout"))
        return next((one for one in said if one is not None), None)

    def rule(self, job: Record, error_type: str, error: str) -> Settings | None:
        """The first that matches."""
        scopes = (("type", job.type), ("queue", job.queue), ("all", ""))
        lists = [job.rules, *(self.rules.get(scope, []) for scope in scopes)]
        for rule in (rule for rules in lists for rule in rules):
            if re.search(rule.get("error_type", ""), error_type) and re.search(
                rule.get("error", ""), error
            ):
                return rule
        return None

    def verdict(
        self,
        job: Record,
        failures: int,
        error_type: str = "",
        error: str = "",
        retry_in: timedelta | None = None,
    ) -> Verdict:
        """Of a failure that is not permanent by what the worker says; failures: by the attempts."""
        rule = self.rule(job, error_type, error) or {}
        name, action, retries = rule.get("rule"), rule.get("action"), rule.get("max_retries")
        if action == "permanent":
            return Verdict(dead=True, rule=name)
        same = sum(of == name for of, _ in job.failures) if name else 0
        apart = sum(was_apart for _, was_apart in job.failures)
        count = failures - apart if action is None else same + 1
        if action == "pause":
            dead = False
        elif retries is not None:
            dead = same >= retries
        else:
            dead = job.attempts - apart > self.value(job, "max_retries")
        delay = self.delay(job, count, rule) if retry_in is None else retry_in
        counts_apart = action == "pause" or retries is not None
        return Verdict(dead, delay, name, counts_apart, pauses=action == "pause")

    def delay(self, job: Record, failures: int, rule: Settings) -> timedelta:
        """5 s, 10 s, 20 s, 40 s … up to an hour, or as was said; the jitter is switched off."""
        if failures < 1:
            return timedelta(0)
        base, factor, cap = (
            rule[name] if name in rule else self.value(job, name)
            for name in ("retry_base", "retry_factor", "retry_cap")
        )
        delay: timedelta = min(base * float(factor ** (failures - 1)), cap)
        return delay
