"""07_retry_rules, 57_retry_rules: what becomes of a failure by the class of its error."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import Calls

Rule = dict[str, Any]


def rule(error_type: str | None = "Limited", action: str = "retry", **more: Any) -> Rule:
    named = {} if error_type is None else {"error_type": error_type}
    return {**named, "action": action, "retry_jitter": 0, **more} if action == "retry" else {
        **named, "action": action, **more
    }  # fmt: skip


def put(call: Calls, *rules: Rule, **scope: str) -> list[DictRow]:
    return call.rows("set_retry_rules", rules=Jsonb(list(rules)), **scope)


def refusal(call: Calls, rules: Any) -> Any:
    return call.refusal("JQ001", "set_retry_rules", rules=Jsonb(rules))


def fail(call: Calls, noon: Clock, job: DictRow, error_type: str, **more: Any) -> float:
    """Seconds until the retry, at which the clock then stands."""
    failed = call.fail(job, error_type=error_type, **more)
    assert failed["status"] == "PENDING", failed
    wait: timedelta = failed["scheduled_at"] - noon.now
    noon.set(failed["scheduled_at"])
    return wait.total_seconds()


def again(call: Calls) -> DictRow:
    return call.claim(queue="running")


# what a rule does


def test_a_permanent_error_is_dead_at_once(call: Calls) -> None:
    put(call, rule("^Invalid", "permanent"))

    assert call.fail(call.running(), error_type="InvalidAddress")["status"] == "DEAD"
    assert call.fail(call.running(), error_type="NotInvalid")["status"] == "PENDING"


def test_a_rule_has_its_own_backoff_counted_by_its_own_failures(call: Calls, noon: Clock) -> None:
    put(call, rule(retry_base="1 minute", retry_factor=3, retry_cap="10 minutes"))
    job = call.running(retry_jitter=0)
    waited = [fail(call, noon, job, "Other")]
    for error_type in ("Limited", "Limited", "Limited", "Limited", "Other"):
        waited.append(fail(call, noon, again(call), error_type))

    assert waited == [5, 60, 180, 540, 600, 5 * 2**5]


def test_what_a_rule_leaves_out_comes_from_the_job_and_its_policy(call: Calls, noon: Clock) -> None:
    put(call, rule(retry_base="7 seconds"))
    call.rows("set_queue", queue="running", retry_factor=3)
    job = call.running(retry_cap="20 seconds")

    assert [fail(call, noon, job, "Limited"), fail(call, noon, again(call), "Limited")] == [7, 20]


def test_the_jitter_of_a_rule_is_on_top(call: Calls, noon: Clock) -> None:
    put(call, rule(retry_base="10 seconds", retry_jitter=1))

    failed = [call.fail(call.running(), error_type="Limited") for _ in range(8)]
    waits = {(row["scheduled_at"] - noon.now).total_seconds() for row in failed}

    assert all(10 <= wait <= 20 for wait in waits)
    assert len(waits) > 1


def test_retries_of_a_rule_are_counted_apart(call: Calls, noon: Clock) -> None:
    put(call, rule(max_retries=3))
    job = call.running(max_retries=1)
    for error_type in ("Limited", "Limited", "Other", "Limited"):
        fail(call, noon, job, error_type)
        job = again(call)

    assert call.job(job["id"])["attempts"] == 5
    assert call.fail(job, error_type="Limited")["status"] == "DEAD"


def test_failures_that_were_counted_apart_use_up_no_other_retry(call: Calls, noon: Clock) -> None:
    put(call, rule(max_retries=50))
    job = call.running(max_retries=1, retry_jitter=0)
    for _ in range(5):
        fail(call, noon, job, "Limited")
        job = again(call)

    assert fail(call, noon, job, "Other") == 5
    assert call.fail(again(call), error_type="Other")["status"] == "DEAD"


def test_without_its_own_limit_a_rule_shares_the_retries_of_the_job(
    call: Calls, noon: Clock
) -> None:
    put(call, rule())
    job = call.running(max_retries=2)
    fail(call, noon, job, "Limited")
    fail(call, noon, again(call), "Other")

    assert call.fail(again(call), error_type="Limited")["status"] == "DEAD"


def test_no_retries_at_all_is_a_limit_too(call: Calls) -> None:
    put(call, rule(max_retries=0))

    assert call.fail(call.running(), error_type="Limited")["status"] == "DEAD"


def test_a_revived_job_begins_to_count_anew(call: Calls, noon: Clock) -> None:
    put(call, rule(max_retries=1, retry_base="1 minute"))
    job = call.running()
    fail(call, noon, job, "Limited")
    assert call.fail(again(call), error_type="Limited")["status"] == "DEAD"
    call.rows("retry", id=job["id"])

    assert fail(call, noon, again(call), "Limited") == 60
    assert call.fail(again(call), error_type="Limited")["status"] == "DEAD"


def test_the_rule_is_kept_with_the_failure(call: Calls, noon: Clock) -> None:
    put(call, rule("Limited", rule="too fast", max_retries=9), rule("Torn"))
    job = call.running()
    fail(call, noon, job, "Limited")
    fail(call, noon, again(call), "Torn")
    call.fail(again(call), error_type="Other")

    told = [(e.get("rule"), e.get("counted")) for e in call.job(job["id"])["errors"]]
    assert told == [("too fast", False), ("Torn", None), (None, None)]


# which rule


def test_the_first_match_decides(call: Calls) -> None:
    put(call, rule("Http404", "permanent"), rule("Http4"), rule("Http", "permanent"))

    ends = [
        call.fail(call.running(), error_type=f"Http{code}")["status"] for code in (404, 429, 500)
    ]
    assert ends == ["DEAD", "PENDING", "DEAD"]


LISTS = ("job", "type", "queue", "all")


@pytest.mark.parametrize("first", LISTS)
def test_the_job_goes_before_type_queue_and_all(call: Calls, noon: Clock, first: str) -> None:
    seconds = dict(zip(LISTS, (1, 2, 3, 4), strict=True))
    own: dict[str, Any] = {}
    for name in LISTS[LISTS.index(first) :]:
        told = rule("X", retry_base=f"{seconds[name]} seconds")
        if name == "job":
            own = {"retry_rules": Jsonb([told])}
        else:
            scope = {"type": {"type": "email"}, "queue": {"queue": "running"}, "all": {}}[name]
            put(call, told, **scope)
    put(call, rule("X", "permanent"), type="other")
    put(call, rule("X", "permanent"), queue="other")

    assert fail(call, noon, call.running(**own), "X") == seconds[first]


def test_a_list_that_does_not_match_leaves_it_to_the_next(call: Calls) -> None:
    put(call, rule("X", "permanent"))
    put(call, rule("Y"), type="email")

    job = call.running(retry_rules=Jsonb([rule("Z")]))
    assert call.fail(job, error_type="X")["status"] == "DEAD"


@pytest.mark.parametrize(
    ("patterns", "error_type", "error", "matches"),
    [
        ({"error": "(?i)deadline"}, None, "DEADLINE exceeded", True),
        ({"error": "deadline"}, None, "DEADLINE exceeded", False),
        ({"error_type": "T", "error": "x"}, "T", "x", True),
        ({"error_type": "T", "error": "x"}, "T", "y", False),
        ({"error_type": "T", "error": "x"}, "S", "x", False),
        ({"error_type": ""}, None, "", True),
        ({"error_type": "^$"}, None, "x", True),
        ({"error_type": "."}, None, "x", False),
        ({"error": "^ünï$"}, "T", "ünï", True),
        ({"error_type": r"^app\.errors\.\w+$"}, "app.errors.Full", "x", True),
    ],
)
def test_what_a_pattern_matches(
    call: Calls, patterns: Rule, error_type: str | None, error: str, matches: bool
) -> None:
    put(call, {**patterns, "action": "permanent"})

    ended = call.fail(call.running(), error_type=error_type, error=error)["status"]

    assert ended == ("DEAD" if matches else "PENDING")


def test_it_holds_for_live_jobs_and_only_as_long_as_it_is_set(call: Calls, noon: Clock) -> None:
    job = call.running()
    put(call, rule(retry_base="1 minute"))
    assert fail(call, noon, job, "Limited") == 60

    assert put(call) == []
    assert call.fail(again(call), error_type="Limited")["status"] == "PENDING"
    assert call.rows("list_retry_rules") == []


@pytest.mark.parametrize("error_type", ["WorkerLost", "LeaseExpired"])
def test_lost_attempts_have_a_class_too(call: Calls, noon: Clock, error_type: str) -> None:
    put(call, rule(f"^{error_type}$", "permanent"))
    job = call.running()
    if error_type == "LeaseExpired":
        noon.advance(seconds=61)
        call.tick()
    else:
        call.one("select forge._lose_jobs_of('w')")

    assert call.status(job["id"]) == "DEAD"
    assert call.job(job["id"])["errors"][-1]["error_type"] == error_type


def test_a_rule_of_lost_attempts_has_its_delay_from_the_first(call: Calls, noon: Clock) -> None:
    put(call, rule("LeaseExpired", retry_base="1 minute"))
    job = call.running()
    noon.advance(seconds=61)
    call.tick()

    assert call.job(job["id"])["scheduled_at"] - noon.now == timedelta(minutes=1)


# what the handler says goes first


def test_what_the_handler_calls_permanent_is(call: Calls) -> None:
    put(call, rule(retry_base="1 minute"), rule("Down", "pause"))

    for error_type in ("Limited", "Down"):
        failed = call.fail(call.running(), error_type=error_type, retryable=False)
        assert failed["status"] == "DEAD"
    assert call.rows("list_queues") == []


def test_the_delay_of_the_handler_wins_and_the_limit_stays(call: Calls, noon: Clock) -> None:
    put(call, rule(retry_base="1 minute", max_retries=1), rule("Bad", "permanent"))

    assert fail(call, noon, call.running(), "Limited", retry_in="3 seconds") == 3
    assert call.fail(again(call), error_type="Limited", retry_in="3 seconds")["status"] == "DEAD"
    assert call.fail(call.running(), error_type="Bad", retry_in="3 seconds")["status"] == "DEAD"


def test_a_cancellation_that_was_asked_for_wins(call: Calls) -> None:
    put(call, rule())
    job = call.running()
    call.rows("cancel", id=job["id"])

    assert call.fail(job, error_type="Limited")["status"] == "CANCELLED"


# pauses


def paused(call: Calls, queue: str = "running") -> str | None:
    found = [row for row in call.rows("list_queues") if row["queue"] == queue]
    return found[0]["pause_reason"] if found and found[0]["paused_at"] else None


def test_a_rule_pauses_the_queue_and_the_job_is_retried_after(call: Calls, noon: Clock) -> None:
    put(call, rule("Auth", "pause", rule="credentials", retry_base="1 minute", retry_jitter=0))
    call.rows("resume", queue="running")
    job = call.running(max_retries=0)

    assert fail(call, noon, job, "Auth", error="token expired") == 60
    assert paused(call) == f"rule credentials: job {job['id']} failed with Auth: token expired"
    assert call.rows("dequeue", queue="running") == []

    assert call.row("resume", queue="running")["pause_reason"] is None
    assert again(call)["id"] == job["id"]


def test_a_pause_uses_up_no_retry(call: Calls, noon: Clock) -> None:
    put(call, rule("Auth", "pause", retry_base="0"))
    call.rows("resume", queue="running")
    job = call.running(max_retries=0)
    for _ in range(3):
        fail(call, noon, job, "Auth")
        call.rows("resume", queue="running")
        job = again(call)

    assert call.fail(job, error_type="Other")["status"] == "DEAD"


def test_a_queue_that_no_tick_has_seen_is_paused_by_the_next(call: Calls, noon: Clock) -> None:
    put(call, rule("Auth", "pause"))
    fail(call, noon, call.running(), "Auth")
    assert paused(call) is None

    assert call.tick()["paused_queues"] == 1
    assert paused(call) is not None
    noon.advance(seconds=5)
    assert "paused_queues" not in call.tick()


def test_the_first_reason_stays(call: Calls, noon: Clock) -> None:
    put(call, rule("Auth", "pause"))
    call.rows("resume", queue="running")
    jobs = [call.running(), call.running()]
    fail(call, noon, jobs[0], "Auth", error="first")
    fail(call, noon, jobs[1], "Auth", error="second")

    assert str(paused(call)).endswith("Auth: first")


def test_an_operator_gives_a_reason_too(call: Calls) -> None:
    assert call.row("pause", queue="q", reason="the server moves")["pause_reason"] == (
        "the server moves"
    )
    assert call.row("pause", queue="q")["pause_reason"] == "the server moves"
    assert call.row("pause", queue="q", reason="it moved")["pause_reason"] == "it moved"
    assert call.row("resume", queue="q")["pause_reason"] is None
    assert call.row("pause", queue="q")["pause_reason"] is None
    for wrong in ("", "x" * 501):
        call.refusal("JQ001", "pause", queue="q", reason=wrong)


def test_a_dropped_queue_takes_its_rules_and_reasons_along(call: Calls) -> None:
    call.rows("pause", queue="q", reason="the end")
    put(call, rule(), queue="q")

    assert call.value("drop_queue", queue="q") is True
    assert call.rows("list_retry_rules") == call.select("select * from forge.pauses") == []


# lists of rules


def test_a_list_is_shown_as_it_was_set_with_its_defaults(call: Calls) -> None:
    rows = put(
        call,
        {"error_type": "A", "action": "permanent"},
        {"error": "b", "action": "retry", "rule": "bee", "retry_base": 90, "max_retries": 2},
        type="email",
    )

    assert rows == call.rows("list_retry_rules", type="email")
    assert [(r["scope"], r["name"], r["position"], r["rule"], r["action"]) for r in rows] == [
        ("type", "email", 1, "A", "permanent"),
        ("type", "email", 2, "bee", "retry"),
    ]
    assert (rows[1]["retry_base"], rows[1]["max_retries"]) == (timedelta(seconds=90), 2)


def test_lists_are_shown_in_the_order_in_which_they_are_asked(call: Calls) -> None:
    put(call, rule("all"))
    put(call, rule("q"), queue="q")
    put(call, rule("t"), type="t")

    def shown(**which: str) -> list[str]:
        return [row["rule"] for row in call.rows("list_retry_rules", **which)]

    assert shown() == ["t", "q", "all"]
    assert shown(type="t") == ["t", "all"]
    assert shown(queue="q", type="other") == ["q", "all"]


def test_a_list_replaces_the_one_before_as_a_whole(call: Calls) -> None:
    put(call, rule("a"), rule("b"), queue="q")

    assert [row["rule"] for row in put(call, rule("c"), queue="q")] == ["c"]
    assert len(call.rows("list_retry_rules")) == 1


@pytest.mark.parametrize(
    ("rules", "argument"),
    [
        (None, "rules"),
        ({}, "rules"),
        ("x", "rules"),
        ([{"error": "x", "action": "retry"}] * 51, "rules"),
        ([5], "rules[0]"),
        ([rule(), {"error": "x", "action": "retry", "retires": 1}], "rules[1]"),
        ([{"action": "retry"}], "rules[0]"),
        ([{"error": None, "action": "retry"}], "rules[0]"),
        ([{"error": 5, "action": "retry"}], "rules[0]"),
        ([{"error": "x"}], "rules[0].action"),
        ([{"error": "x", "action": "explode"}], "rules[0].action"),
        ([{"error": "(", "action": "retry"}], "rules[0].error"),
        ([{"error_type": "[z-a]", "action": "retry"}], "rules[0].error_type"),
        ([{"error_type": "(((a{1,99}){1,99}){1,99})", "action": "retry"}], "rules[0].error_type"),
        ([{"error_type": "x" * 501, "action": "retry"}], "rules[0].error_type"),
        ([{"error_type": r"(a+)\1", "action": "retry"}], "rules[0].error_type"),
        ([{"error_type": r"\\\1(a)", "action": "retry"}], "rules[0].error_type"),
        ([{"error": "x", "action": "retry", "retry_base": "soon"}], "rules[0]"),
        ([{"error": "x", "action": "retry", "max_retries": 1.5}], "rules[0]"),
        ([{"error": "x", "action": "retry", "retry_base": "-1 s"}], "retry_base"),
        ([{"error": "x", "action": "retry", "retry_factor": 0}], "retry_factor"),
        ([{"error": "x", "action": "retry", "retry_factor": "NaN"}], "retry_factor"),
        ([{"error": "x", "action": "retry", "max_retries": -1}], "max_retries"),
        ([{"error": "x", "action": "permanent", "retry_base": "1 s"}], "rules[0]"),
        ([{"error": "x", "action": "pause", "max_retries": 1}], "rules[0].max_retries"),
        ([{"error": "x", "action": "retry", "rule": "x" * 101}], "rules[0].rule"),
        ([{"error": "x", "action": "retry", "rule": "a\nb"}], "rules[0].rule"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(call: Calls, rules: Any, argument: str) -> None:
    put(call, rule("before"))

    diag = refusal(call, rules)

    assert diag.message_primary == f"{argument} is not valid"
    assert diag.message_hint
    assert [row["rule"] for row in call.rows("list_retry_rules")] == ["before"]


def test_a_backslash_before_a_digit_that_is_none_is_fine(call: Calls) -> None:
    assert put(call, rule(r"a\\1")) != []


def test_a_queue_or_a_type_and_a_name_that_can_be(call: Calls) -> None:
    both = {"queue": "q", "type": "t"}
    assert call.refusal("JQ001", "set_retry_rules", rules=Jsonb([]), **both).message_hint
    call.refusal("JQ001", "set_retry_rules", rules=Jsonb([]), queue="")


# rules of a job


def test_rules_of_a_job_are_checked_and_kept(call: Calls) -> None:
    job_id = call.enqueue(retry_rules=Jsonb([{"error": "x", "action": "permanent"}]))
    (made,) = call.enqueue_many({"type": "t", "retry_rules": [{"error": "y", "action": "retry"}]})

    kept = call.select(
        "select (extra).retry_rules from forge.jobs where id in (%s, %s) order by id",
                       job_id, made["id"])  # fmt: skip
    assert [row["retry_rules"][0]["rule"] for row in kept] == ["x", "y"]
    diag = call.refusal("JQ001", "enqueue", type="t", retry_rules=Jsonb([{"action": "retry"}]))
    assert diag.message_primary == "retry_rules[0] is not valid"


def test_a_producer_cannot_pause_a_queue_by_a_rule(call: Calls) -> None:
    rules = Jsonb([rule("x", "pause")])

    diag = call.refusal("JQ001", "enqueue", type="t", retry_rules=rules)

    assert "operator" in str(diag.message_hint)


def test_rules_of_a_job_go_with_it_through_death_and_revival(call: Calls) -> None:
    job = call.running(retry_rules=Jsonb([rule("X", "permanent")]))
    call.fail(job, error_type="X")
    call.rows("retry", id=job["id"])

    assert call.fail(again(call), error_type="X")["status"] == "DEAD"


# failing must never fail


@pytest.mark.parametrize(
    "broken",
    [
        '[{"error": "(", "action": "permanent", "rule": "r"}]',
        '[{"error": "", "action": "retry", "retry_base": "soon"}]',
        "[5, null, {}]",
        '"text"',
        '{"error": ""}',
    ],
)
def test_a_rule_that_has_become_invalid_is_skipped(call: Calls, broken: str) -> None:
    put(call, rule("Limited", "permanent"))
    job = call.running()
    call.select(
        "update forge.jobs set extra.retry_rules = %s::jsonb where id = %s", broken, job["id"]
    )

    assert call.fail(job, error_type="Limited")["status"] == "DEAD"


# explain


def test_a_backoff_is_explained(call: Calls, noon: Clock) -> None:
    job = call.running(retry_jitter=0, max_retries=3)
    call.fail(job, error_type="Timeout", error="no answer")

    (reason,) = [r for r in call.rows("explain", id=job["id"]) if r["code"] == "retry_backoff"]
    assert reason["sentence"].startswith("attempt 1 of at most 4 failed with Timeout: no answer; ")
    assert reason["detail"]["error_type"] == "Timeout"

    noon.advance(seconds=5)
    assert "retry_backoff" not in [r["code"] for r in call.rows("explain", id=job["id"])]


def test_a_job_that_has_not_failed_waits_out_no_backoff(call: Calls, noon: Clock) -> None:
    job_id = call.dead()
    call.rows("retry", id=job_id)
    noon.advance(minutes=-1)

    codes = [r["code"] for r in call.rows("explain", id=job_id)]
    assert "scheduled" in codes
    assert "retry_backoff" not in codes


def test_the_reason_of_a_pause_is_explained(call: Calls) -> None:
    call.rows("pause", queue="default", reason="the server moves")

    sentences = [r["sentence"] for r in call.rows("explain", id=call.enqueue())]
    assert any(s.endswith(": the server moves") for s in sentences)
