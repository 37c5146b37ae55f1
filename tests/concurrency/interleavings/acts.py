"""The table: what each function that changes a job does to it in each state, and whom it waits for.

A state is that of the job under its first lease, as arrange.sql makes it: OPEN is the callback of a
batch that takes jobs. `+new`, `+later`, `+held` or `+run` is another job of its queue beside it,
that is due, not yet due, waits for a batch or a condition, or runs. `_AWAY` is a job that moved to
another queue.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

WAITS, PASSES, TRIES, BRIEFLY = "waits", "passes", "tries", "waits briefly"
LEAVES, SHARES = "leaves it to the tick", "shares"
Manner = str | None

RUNNING = "RUNNING EXPIRED STOPPING EXPIRED_STOPPING"  # under the lease that the race knows
TAKEN = "TAKEN TAKEN_STOPPING"  # under another one
LIVE = f"OPEN WAITING PENDING LATER {RUNNING} {TAKEN}"
ENDED = "COMPLETED CANCELLED DEAD DISCARDED GONE"
STATES = f"{LIVE} {ENDED}".split()
AWAY = "_AWAY"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What an act does in one state: its answer, the next state, and what it does about each lock.

    WAITS: for whoever holds it. PASSES: by, as if what it protects were not there. TRIES: does all
    that it can without it. BRIEFLY: waits for some milliseconds, and then passes by. LEAVES: does
    its part, and what that leads to is left to the tick. SHARES: passes by, unless who holds it
    shares it too. None: does not ask for it.
    """

    answer: str
    job: str | None = None  # None: as it was
    beside: str | None = None  # "": gone
    gate: Manner = None  # of the batch
    row: Manner = None  # of the job, live, dead or in the history
    key: Manner = None  # the index entry of its unique_key
    tick: Manner = None  # who ticks, one at a time
    queue: Manner = None  # the row of the queue's settings

    def manner(self, lock: str) -> Manner:
        manner: Manner = getattr(self, lock)
        return manner


LOCKS = ("gate", "row", "key", "tick", "queue")


@dataclass(frozen=True, kw_only=True)
class Act:
    name: str
    sql: str  # one value of text, '-' for nothing
    passed: str = "0"  # the answer where it passed by
    by_queue: bool = False  # it looks for the job where that was
    steps: dict[str, Step] = field(default_factory=dict)

    def step(self, state: str) -> Step:
        job, _, beside = state.partition("+")
        if job.endswith(AWAY):
            job = "GONE" if self.by_queue else job.removesuffix(AWAY)
        names = [
            state,
            f"*+{beside}" if beside else "",
            job,
            "WAITING" if job == "OPEN" else "",
            "*",
        ]
        found = next(self.steps[name] for name in names if name in self.steps)
        return replace(found, job=None) if self.by_queue and AWAY in state else found

    def alone(self, state: str) -> tuple[str, str]:
        """Its answer in a state, and the state after it."""
        step = self.step(state)
        return step.answer, after(state, step)


def after(state: str, *steps: Step) -> str:
    """The state after steps that have nothing in common, or after one."""
    job, _, beside = state.partition("+")
    for step in steps:
        was_away = job.endswith(AWAY)
        job, beside = step.job or job, beside if step.beside is None else step.beside
        if was_away and job in ("WAITING", "PENDING", "LATER"):
            job += AWAY
    return f"{job}+{beside}" if beside else job


def act(
    name: str, sql: str, rules: dict[str, Step], *, passed: str = "0", by_queue: bool = False
) -> Act:
    steps = {state: step for states, step in rules.items() for state in states.split()}
    return Act(name=name, sql=sql, steps=steps, passed=passed, by_queue=by_queue)


def waits(answer: str, job: str | None = None, beside: str | None = None, **locks: Manner) -> Step:
    return Step(**{"row": WAITS, **locks}, answer=answer, job=job, beside=beside)


def passes(answer: str, job: str | None = None, beside: str | None = None, **locks: Manner) -> Step:
    return Step(**{"row": PASSES, **locks}, answer=answer, job=job, beside=beside)


def says(answer: str) -> Step:
    return Step(answer=answer)


def _adds(beside: str = "new", row: Manner = None) -> Step:
    return Step(answer="new", beside=beside, key=WAITS, row=row)


def _taken(states: str) -> str:
    """The states in which another job has the key."""
    return " ".join(
        f"{state}+{beside}" for state in states.split() for beside in ("new", "later", "held")
    )


def _enqueue(more: str = "") -> str:
    return (
        "select case forge.enqueue('t', '{\"n\": 2}', queue => %(queue)s, unique_key => 'k'"
        f"{more}) when %(id)s then 'old' else 'new' end"
    )


def _holds(call: str) -> str:
    return f"select case {call} when %(id)s then 'old' else 'new' end"


_BESIDE = "*+new *+later *+held *+run"
_CLAIM = passes("1", "TAKEN")
_CLAIM_BESIDE = Step(answer="1", beside="run")
_SETS_QUEUE = {"*": Step(answer="-", queue=WAITS)}
_DROPS = Step(answer="true", job="GONE", row=WAITS, tick=TRIES, queue=WAITS)

FINISHING = [
    act(
        "complete",
        "select forge.complete(%(id)s, %(lease)s)::text",
        {RUNNING: waits("true", "COMPLETED"), "COMPLETED": says("false"), "*": says("JQ002")},
    ),
    act(
        "complete_many",
        "select count(*)::text from forge.complete_many(array[%(id)s], array[%(lease)s]::uuid[])",
        {RUNNING: waits("1", "COMPLETED"), "*": says("0")},
    ),
    act(
        "exchange",
        "select count(*)::text from forge.exchange(array[%(id)s], array[%(lease)s]::uuid[],"
        " queue => %(queue)s, worker => 'another')",
        {
            RUNNING: waits("0", "COMPLETED"),
            "PENDING": _CLAIM,
            **{f"{state}+new": waits("1", "COMPLETED", "run") for state in RUNNING.split()},
            "*+new": _CLAIM_BESIDE,
            "*": says("0"),
        },
        by_queue=True,
    ),
    act(
        "fail",
        "select status from forge.fail(%(id)s, %(lease)s, 'no')",
        {
            "RUNNING EXPIRED": waits("PENDING", "LATER"),
            "STOPPING EXPIRED_STOPPING": waits("CANCELLED", "CANCELLED"),
            "*": says("JQ002"),
        },
    ),
    act(
        "fail_for_good",
        "select status from forge.fail(%(id)s, %(lease)s, 'no', retryable => false)",
        {
            "RUNNING EXPIRED": waits("DEAD", "DEAD"),
            "STOPPING EXPIRED_STOPPING": waits("CANCELLED", "CANCELLED"),
            "*": says("JQ002"),
        },
    ),
    act(
        "release",
        "select to_status from forge.release(%(id)s, %(lease)s)",
        {
            "RUNNING EXPIRED": waits("PENDING", "PENDING"),
            "STOPPING EXPIRED_STOPPING": waits("CANCELLED", "CANCELLED"),
            "*": says("JQ002"),
        },
    ),
    act(
        "snooze",
        "select to_status from forge.snooze(%(id)s, %(lease)s, '1 hour')",
        {
            "RUNNING EXPIRED": waits("PENDING", "LATER"),
            "STOPPING EXPIRED_STOPPING": waits("CANCELLED", "CANCELLED"),
            "*": says("JQ002"),
        },
    ),
]

RUNNING_ON = [
    act(
        "dequeue",
        "select count(*)::text from forge.dequeue(%(queue)s, 'another')",
        {"PENDING": _CLAIM, "*+new": _CLAIM_BESIDE, "*": says("0")},
        by_queue=True,
    ),
    act(
        "heartbeat",
        "select coalesce(max(reason), '-') from"
        " forge.heartbeat(%(queue)s, array[%(id)s], array[%(lease)s]::uuid[])",
        {
            "RUNNING EXPIRED": waits("-", "RUNNING"),
            "STOPPING EXPIRED_STOPPING": waits("cancel_requested", "STOPPING"),
            "*": says("lease_lost"),
        },
    ),
    act(
        "progress",
        "select forge.progress(%(id)s, %(lease)s, 0.5)::text",
        {RUNNING: waits("true"), "*": says("JQ002")},
    ),
    act(
        "report",
        "select coalesce(max(reason), '-') from forge.report(jsonb_build_array(jsonb_build_object("
        "'id', %(id)s::bigint, 'lease', %(lease)s::uuid, 'progress', 0.5)))",
        {
            "RUNNING EXPIRED": waits("-"),
            "STOPPING EXPIRED_STOPPING": waits("cancel_requested"),
            "*": says("lease_lost"),
        },
    ),
    act(
        "log",
        "select forge.log(%(id)s, %(lease)s, 'page 3')::text",
        {RUNNING: says("true"), "*": says("JQ002")},
    ),
    act(
        "tick",
        "select coalesce(max(count) filter (where task = 'expired_leases'), 0)::text"
        " from forge.tick()",
        {
            "EXPIRED": passes("1", "PENDING", tick=PASSES),
            "EXPIRED_STOPPING": passes("1", "CANCELLED", tick=PASSES),
            "*": Step(answer="0", tick=PASSES),
        },
    ),
    act(
        "lose_worker",  # what the tick does for a worker whose liveness lock is free
        "select forge._lose_jobs_of(%(queue)s)::text",
        {
            "RUNNING EXPIRED": passes("1", "PENDING"),
            "STOPPING EXPIRED_STOPPING": passes("1", "CANCELLED"),
            "*": says("0"),
        },
    ),
]

ENQUEUEING = [
    act(
        "enqueue",
        _enqueue(),
        {
            LIVE: Step(answer="old", key=WAITS),
            ENDED: _adds(),
            _BESIDE: Step(answer="new", key=WAITS),
        },
        by_queue=True,
    ),
    act(
        "enqueue_many",
        "select case created when true then 'new' else 'old' end"
        " from forge.enqueue_many(jsonb_build_array(jsonb_build_object("
        "'type', 't', 'queue', %(queue)s::text, 'unique_key', 'k')))",
        {
            LIVE: Step(answer="old", key=WAITS),
            ENDED: _adds(),
            _BESIDE: Step(answer="old", key=WAITS),
        },
        by_queue=True,
    ),
    act(
        "enqueue_or_raise",
        _enqueue(", on_conflict => 'raise'"),
        {LIVE: Step(answer="JQ012", key=WAITS), ENDED: _adds(), _BESIDE: says("JQ012")},
        by_queue=True,
    ),
    act(
        "replace",
        _enqueue(", on_conflict => 'replace'"),
        {
            "WAITING": waits("old", key=WAITS),
            "PENDING LATER": waits("old", "PENDING", key=WAITS),
            f"{RUNNING} {TAKEN}": _adds(row=WAITS),
            ENDED: _adds(),
            "*+new *+later": Step(answer="new", beside="new", key=WAITS),
            "*+held": Step(answer="new", key=WAITS),
        },
        by_queue=True,
    ),
    act(
        "debounce",
        _enqueue(", debounce => '1 hour'"),
        {
            "WAITING": waits("old", key=WAITS),
            "PENDING LATER": waits("old", "LATER", key=WAITS),
            f"{RUNNING} {TAKEN}": _adds("later", row=WAITS),
            ENDED: _adds("later"),
            "*+new *+later": Step(answer="new", beside="later", key=WAITS),
            "*+held": Step(answer="new", key=WAITS),
        },
        by_queue=True,
    ),
]

OPERATING = [
    act(
        "cancel",
        "select to_status from forge.cancel(%(id)s)",
        {
            "WAITING PENDING LATER": waits("CANCELLED", "CANCELLED"),
            "RUNNING STOPPING": waits("PROCESSING", "STOPPING"),
            "EXPIRED EXPIRED_STOPPING": waits("PROCESSING", "EXPIRED_STOPPING"),
            TAKEN: waits("PROCESSING", "TAKEN_STOPPING"),
            "CANCELLED": says("CANCELLED"),
            "COMPLETED DEAD DISCARDED": says("JQ004"),
            "GONE": says("JQ003"),
        },
    ),
    act(
        "cancel_jobs",
        "select changed::text from forge.cancel_jobs(ids => array[%(id)s])",
        {
            "WAITING PENDING LATER": passes("1", "CANCELLED"),
            "RUNNING STOPPING": passes("1", "STOPPING"),
            "EXPIRED EXPIRED_STOPPING": passes("1", "EXPIRED_STOPPING"),
            TAKEN: passes("1", "TAKEN_STOPPING"),
            "*": says("0"),
        },
    ),
    act(
        "retry",
        "select to_status from forge.retry(%(id)s)",
        {
            "PENDING LATER": waits("PENDING", "PENDING"),
            "CANCELLED DEAD DISCARDED": waits("PENDING", "PENDING", key=WAITS),
            _taken("CANCELLED DEAD DISCARDED"): waits("JQ004", key=WAITS),
            "GONE": says("JQ003"),
            "*": says("JQ004"),
        },
    ),
    act(
        "retry_later",
        "select changed::text from forge.retry_jobs(status => 'PENDING', ids => array[%(id)s])",
        {"LATER": passes("1", "PENDING"), "*": says("0")},
    ),
    act(
        "retry_cancelled",
        "select changed::text from forge.retry_jobs(status => 'CANCELLED', ids => array[%(id)s])",
        {
            "CANCELLED": passes("1", "PENDING", key=BRIEFLY),
            _taken("CANCELLED"): passes("0", key=BRIEFLY),
            "*": says("0"),
        },
    ),
    act(
        "edit",
        "select status from forge.edit(%(id)s, priority => 5)",
        {
            "WAITING": waits("WAITING"),
            "PENDING LATER": waits("PENDING"),
            f"{RUNNING} {TAKEN}": waits("PROCESSING"),
            "GONE": says("JQ003"),
            "*": says("JQ004"),
        },
    ),
    act(
        "put_off",
        "select status from forge.edit(%(id)s, scheduled_at => forge.now() + '1 hour')",
        {
            "WAITING": waits("WAITING"),
            "PENDING LATER": waits("PENDING", "LATER"),
            f"{RUNNING} {TAKEN}": waits("JQ004"),
            "GONE": says("JQ003"),
            "*": says("JQ004"),
        },
    ),
    act(
        "edit_jobs",
        "select changed::text from forge.edit_jobs(ids => array[%(id)s], to_priority => 5)",
        {"WAITING PENDING LATER": passes("1"), "*": says("0")},
    ),
    act(
        "discard",
        "select to_status from forge.discard(%(id)s)",
        {"DEAD": waits("DEAD", "DISCARDED"), "GONE": says("JQ003"), "*": says("JQ004")},
    ),
    act(
        "discard_dead",
        "select count(*)::text from forge.discard_dead(ids => array[%(id)s])",
        {"DEAD": passes("1", "DISCARDED"), "*": says("0")},
    ),
    act(
        "retry_dead",
        "select count(*)::text from forge.retry_dead(ids => array[%(id)s])",
        {"DEAD": passes("1", "PENDING", key=WAITS), _taken("DEAD"): says("0"), "*": says("0")},
    ),
]

QUEUES = [
    act("pause", "select '-' from forge.pause(%(queue)s)", _SETS_QUEUE),
    act("resume", "select '-' from forge.resume(%(queue)s)", _SETS_QUEUE),
    act("set_queue", "select '-' from forge.set_queue(%(queue)s, max_retries => 5)", _SETS_QUEUE),
    act(
        "drop_queue",
        "select forge.drop_queue(%(queue)s)::text",
        {
            f"{LIVE} DEAD": replace(_DROPS, row=PASSES),
            "COMPLETED CANCELLED DISCARDED": _DROPS,
            "GONE": replace(_DROPS, row=None, queue=None),
        },
        passed="false",
        by_queue=True,
    ),
]

BATCHES = [
    act(
        "close_batch",
        "select to_status from forge.close_batch(%(id)s)",
        {
            "OPEN": Step(answer="PENDING", job="PENDING", gate=PASSES, row=LEAVES),
            "WAITING": says("WAITING"),
            "PENDING LATER": says("PENDING"),
            f"{RUNNING} {TAKEN}": says("PROCESSING"),
            "GONE": says("JQ003"),
            "*": says("JQ004"),
        },
        passed="WAITING",
    ),
    act(
        "join_batch",
        "select '-' from forge.enqueue('t', queue => %(queue)s || ' batch', batch => %(id)s)",
        {"OPEN": Step(answer="-", gate=SHARES), "GONE": says("JQ003"), "*": says("JQ004")},
        passed="JQ004",
    ),
    act(
        "open_batch",
        _holds("forge.open_batch('t', queue => %(queue)s, options => '{\"unique_key\": \"k\"}')"),
        {
            LIVE: Step(answer="old", key=WAITS),
            ENDED: _adds("held"),
            _BESIDE: Step(answer="new", key=WAITS),
        },
        by_queue=True,
    ),
    act(
        "run_when",
        _holds(
            "forge.run_when('t', 'false', queue => %(queue)s, every => '1 day',"
            ' options => \'{"unique_key": "k"}\')'
        ),
        {
            LIVE: Step(answer="old", key=WAITS),
            ENDED: _adds("held"),
            _BESIDE: Step(answer="new", key=WAITS),
        },
        by_queue=True,
    ),
]

MOVING = [
    act(
        "move",
        "select status from forge.edit(%(id)s, to_queue => %(queue)s || ' away')",
        {
            "WAITING": waits("WAITING", "WAITING_AWAY"),
            "OPEN": waits("WAITING", "OPEN_AWAY"),
            "PENDING": waits("PENDING", "PENDING_AWAY"),
            "LATER": waits("PENDING", "LATER_AWAY"),
            f"{RUNNING} {TAKEN}": waits("JQ004"),
            "GONE": says("JQ003"),
            "*": says("JQ004"),
        },
    ),
    act(
        "move_jobs",
        "select changed::text from forge.edit_jobs("
        "ids => array[%(id)s], to_queue => %(queue)s || ' away')",
        {
            "WAITING": passes("1", "WAITING_AWAY"),
            "OPEN": passes("1", "OPEN_AWAY"),
            "PENDING": passes("1", "PENDING_AWAY"),
            "LATER": passes("1", "LATER_AWAY"),
            "*": says("0"),
        },
    ),
]

IN_SQL = [
    act(
        "run_claimed",
        "select status from forge.run_claimed(%(id)s, %(lease)s)",
        {RUNNING: waits("COMPLETED", "COMPLETED"), "*": says("JQ002")},
    ),
    act(
        "run",
        "select count(*)::text from forge.run(%(queue)s, 1, 'another')",
        {
            "PENDING": passes("1", "COMPLETED"),
            "*+new": Step(answer="1", beside=""),
            "*": says("0"),
        },
        by_queue=True,
    ),
]

ACTS = [
    *FINISHING, *RUNNING_ON, *ENQUEUEING, *OPERATING, *QUEUES, *BATCHES, *MOVING, *IN_SQL,
]  # fmt: skip
