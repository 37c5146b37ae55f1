"""Arguments of every kind that PostgreSQL can hold, and those with which a call gets somewhere."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]

# No surrogates, which UTF-8 has no way to write; NUL by itself, as no text of PostgreSQL has it.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
HOSTILE = [
    "", " ", "\n", "\x01", "\x7f", "\u202e", "\ufeff",
    "🦄" * 200, "a" * 201, "ü" * 1000, "x" * 20_000,
    "'; drop table forge.jobs; --", "$function$", "%s %1$s %%", "\\", "{", "{}", "null", "NaN", "*",
    "a.b.c", '"', "1 = 1", "select 1", "pg_sleep(0)", "(", "[", "(?=", "forge_viewer", "public",
    "0", "-1", "99999999999999999999", "infinity", "e\u0301" * 50,
]  # fmt: skip
TEXTS = st.sampled_from(HOSTILE) | ANY_TEXT

INTEGERS = st.sampled_from([0, 1, -1, 2, 10, 1000, 1001, 2**31 - 1, -(2**31)]) | st.integers(
    -(2**31), 2**31 - 1
)
BIGINTS = st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**31]) | st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.sampled_from(
    ["0", "-0", "1", "0.5", "2", "100", "1e308", "-1e308", "5e-324", "NaN", "Infinity", "-Infinity"]
) | st.floats().map(repr)
INTERVALS = st.sampled_from([
    "0", "1 second", "1 minute", "1 hour", "1 day", "365 days", "1 microsecond", "-1 microsecond",
    "-1 day", "178000000 years", "-178000000 years", "2147483647 days", "-2147483648 days",
    "1 mon", "-1 mon 31 days", "1 mon -30 days 1 second", "106751991 days 4 hours",
    "2562047788 hours",
])  # fmt: skip
TIMES = st.sampled_from([
    "infinity", "-infinity", "epoch", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999",
    "294276-12-31 23:59:59.999999+00", "2000-01-01", "2100-01-01", "1970-01-01 00:00:00.000001",
    "2024-02-29 12:00:00+14", "now",
])  # fmt: skip
UUIDS = st.uuids().map(str)

NUMBERS = st.sampled_from([0, -1, 1, 1.5, 10**30, -(10**400), 2**63, 1e308, 5e-324]) | st.integers()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
DEEP = st.sampled_from([30, 500, 3000]).map(lambda depth: "[" * depth + "]" * depth)
NOT_JSON_TO_POSTGRES = st.just('{"a": "\\u0000"}')

# Words that mean something to some function; most calls want one of their parameters to be one.
WORDS: dict[str, list[Any]] = {
    "status": ["PENDING", "WAITING", "PROCESSING", "COMPLETED", "CANCELLED", "DEAD"],
    "queue": ["q", "limited", "full"],
    "to_queue": ["q", "limited", "full"],
    "type": ["t", "checked", "in_sql"],
    "worker": ["w"],
    "name": ["s", "orders"],
    "cron": ["* * * * *", "@daily", "0 0 30 2 *", "*/7 1-5 * * MON-FRI", "61 * * * *", "L W # ?"],
    "time_zone": ["UTC", "Europe/Berlin", "+25", "posixrules", "<x>-1"],
    "on_conflict": ["keep", "replace", "merge", "raise"],
    "on_parent_failure": ["wait", "run", "cancel"],
    "on_full": ["reject", "drop_oldest", "drop_lowest", "defer"],
    "on_deadline": ["dead", "run", "cancel"],
    "on_error": ["raise", "warn"],
    "unique_scope": ["queue", "global"],
    "unique_key": ["k"],
    "concurrency_key": ["c"],
    "level": ["debug", "info", "warning", "error"],
    "role": ["viewer", "producer", "worker", "operator"],
    "catch_up": ["one", "all", "none"],
    "each": ["row", "statement"],
    "condition": ["true", "select true", "false", "1/0 = 1", "null", "exists (select 1)"],
    "when_condition": ["true", "new.id > 1", "old.id is null", "nope"],
    "function": ["forge_test.handler", "forge_test.handler(jsonb)", "pg_sleep", "nope.nope"],
    "function_name": ["forge_test.is_good", "forge_test.is_good(jsonb)", "nope", "now"],
    "run_as": ["forge_runner", "nobody"],
    "search_path": ["public", '"$user", public', "pg_temp"],
    "relation": ["forge_test.orders", "forge.jobs", "pg_class", "forge.stats_view_that_is_not"],
    "events": ["insert", "update", "delete"],
    "topics": ["stats", "queues", "jobs", "dead", "workers"],
    "tables": ["history", "dead_jobs", "jobs"],
    "unset": ["max_retries", "retry_base", "tags", "timeout", "max_running", "history"],
    "unique_by": ["type", "queue", "payload", "payload.a", "payload.a.b"],
    "types": ["t", "checked"],
    "queues": ["q", "limited"],
    "without": ["secret"],
    "if_changed": ["id"],
}  # fmt: skip
SCHEMAS = [
    {"type": "object", "required": ["a"]}, {"$ref": "#"}, {"pattern": "("}, {"pattern": "(a*)*b"},
    {"enum": []}, {"minimum": 10**400}, {"properties": {"a": {"$ref": "#/$defs/x"}}}, True, False,
]  # fmt: skip
RULES = [
    [{"error_type": "*", "action": "retry"}], [{"match": "("}], [{"error_type": "E", "do": "dead"}],
    [{"error_type": "E", "max_retries": 10**20}], {}, [], [None],
]  # fmt: skip


class World:
    """What is there to be named: ids with their leases, and the parameters of enqueue."""

    def __init__(self, ids: list[int], leases: dict[int, str], enqueue: dict[str, str]) -> None:
        self.ids = ids
        self.leases = leases
        self.enqueue = {name: kind for name, kind in enqueue.items() if name != "payload"}

    def job(self) -> st.SearchStrategy[tuple[int, str]]:
        """An id and a lease that may be its own."""
        return st.sampled_from(self.ids).flatmap(
            lambda it: st.tuples(
                st.just(it), st.just(self.leases[it]) if it in self.leases else UUIDS
            )
        )

    def argument(self, name: str, kind: str) -> st.SearchStrategy[Any]:
        """What can be passed for a parameter; null is left to the caller."""
        if kind.endswith("[]"):
            element = self.argument(name, kind[:-2])
            return st.lists(st.none() | element, max_size=4) | st.just([[], []]) | (
                st.lists(element, min_size=2, max_size=2).map(lambda row: [row, row])
            )  # fmt: skip
        match kind:
            case "text" | "regclass":
                words: st.SearchStrategy[Any] = (
                    st.sampled_from(WORDS[name]) if name in WORDS else TEXTS
                )
                return words if kind == "regclass" else words | TEXTS
            case "bigint":
                return st.sampled_from(self.ids) | BIGINTS if name.startswith("id") else BIGINTS
            case "integer":
                return INTEGERS
            case "boolean":
                return st.booleans()
            case "double precision":
                return DOUBLES
            case "interval":
                return INTERVALS
            case "timestamp with time zone":
                return TIMES
            case "uuid":
                return UUIDS | st.sampled_from(sorted(self.leases.values()))
            case "bytea":
                return st.binary(max_size=40)
            case "jsonb":
                return self._documents(name)
        raise AssertionError(f"no arguments for {name} {kind}")

    def _documents(self, name: str) -> st.SearchStrategy[str]:
        written: st.SearchStrategy[Any]
        match name:
            case "jobs":
                written = st.lists(self._jobs(), max_size=3)
            case "options":
                written = self._jobs()
            case "reports":
                written = st.lists(self._report(), max_size=3)
            case "schema":
                written = st.sampled_from(SCHEMAS)
            case "rules" | "retry_rules":
                written = st.sampled_from(RULES)
            case _:
                written = st.just({"a": {"b": 1}})
        return (written | DOCUMENTS).map(json.dumps) | DEEP | NOT_JSON_TO_POSTGRES

    def _jobs(self) -> st.SearchStrategy[dict[str, Any]]:
        """What enqueue_many takes of a job, or nearly."""

        def value(name: str, kind: str) -> st.SearchStrategy[Any]:
            likely = DOCUMENTS if kind == "jsonb" else self.argument(name, kind)
            return likely | SCALARS

        names = {name: value(name, kind) for name, kind in self.enqueue.items() if name != "type"}
        names |= {"payload": DOCUMENTS, "no such key": SCALARS, "key": st.just("h")}
        # Few at a time: of many wrong ones only the first would be looked at.
        some = st.lists(st.sampled_from(sorted(names)), max_size=3, unique=True).flatmap(
            lambda chosen: st.fixed_dictionaries({name: names[name] for name in chosen})
        )
        kind = st.just("t") | value("type", "text")
        return st.tuples(kind, some).map(lambda it: {"type": it[0], **it[1]})

    def _report(self) -> st.SearchStrategy[dict[str, Any]]:
        line = st.fixed_dictionaries(
            {},
            optional={"message": SCALARS, "level": SCALARS, "data": DOCUMENTS, "ago": NUMBERS},
        )
        return self.job().flatmap(
            lambda job: st.fixed_dictionaries(
                {"id": st.just(job[0]) | SCALARS, "lease": st.just(job[1]) | SCALARS},
                optional={
                    "progress": NUMBERS,
                    "note": SCALARS,
                    "lines": st.lists(line, max_size=2),
                },
            )
        )
