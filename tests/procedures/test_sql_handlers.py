"""Jobs whose handler is an SQL function: registered, run, failed, retried, buried."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls
from tests.procedures.sql_handlers import define, effects, handler

ECHO = "insert into effects values (payload ->> 'n'); return payload;"
BOOM = (
    "insert into effects values ('lost'); "
    "raise exception 'card refused' using errcode = 'P4242', detail = 'of Ann', hint = 'ask her';"
)


def test_run_claims_runs_and_completes_with_the_result(call: Calls) -> None:
    handler(call, ECHO)
    job_id = call.enqueue("sql", payload={"n": "1"})

    (row,) = call.rows("run", worker="psql")

    assert (row["id"], row["type"], row["status"]) == (job_id, "sql", "COMPLETED")
    assert (row["result"], row["attempts"], row["error"]) == ({"n": "1"}, 1, None)
    job = call.job(job_id)
    assert (job["status"], job["result"], job["worker"]) == ("COMPLETED", {"n": "1"}, "psql")
    assert effects(call) == ["1"]


def test_a_failure_undoes_its_own_work_and_nothing_else(call: Calls, noon: Clock) -> None:
    handler(call, f"if payload ? 'fail' then {BOOM} end if; {ECHO}")
    first = call.enqueue("sql", payload={"n": "1"})
    failing = call.enqueue("sql", payload={"fail": True})
    last = call.enqueue("sql", payload={"n": "3"})

    rows = call.rows("run")

    assert [(r["id"], r["status"]) for r in rows] == [
        (first, "COMPLETED"),
        (failing, "PENDING"),
        (last, "COMPLETED"),
    ]
    assert effects(call) == ["1", "3"]
    assert (rows[1]["error_type"], rows[1]["error"]) == ("P4242", "card refused")
    assert rows[1]["scheduled_at"] > noon.now
    (error,) = call.job(failing)["errors"]
    assert (error["error_type"], error["error"]) == ("P4242", "card refused")
    assert error["traceback"].startswith("DETAIL: of Ann\nHINT: ask her\n")
    assert "PL/pgSQL function handler(jsonb) line 1 at RAISE" in error["traceback"]


def test_a_job_that_keeps_failing_backs_off_and_ends_in_the_dead_letter_queue(
    call: Calls, noon: Clock
) -> None:
    handler(call, BOOM)
    job_id = call.enqueue("sql", max_retries=1)

    assert [r["status"] for r in call.rows("run")] == ["PENDING"]
    assert call.rows("run") == []
    noon.advance(seconds=10)
    assert [r["status"] for r in call.rows("run")] == ["DEAD"]

    job = call.job(job_id)
    assert (job["status"], job["attempts"], len(job["errors"])) == ("DEAD", 2, 2)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("raise deadlock_detected;", "40P01"),
        ("raise serialization_failure;", "40001"),
        ("raise lock_not_available;", "55P03"),
        ("assert false;", "P0004"),
        ("perform 1 / 0;", "22012"),
        ("commit; return null;", "2D000"),
        ("perform nothing_of_the_kind(); return null;", "42883"),
    ],
)
def test_whatever_is_raised_fails_the_attempt_and_is_retried(
    call: Calls, body: str, state: str
) -> None:
    handler(call, body)
    call.enqueue("sql")

    (row,) = call.rows("run")

    assert (row["status"], row["error_type"]) == ("PENDING", state)


def test_a_constraint_that_was_put_off_until_the_commit_fails_its_job_and_no_other(
    call: Calls,
) -> None:
    handler(call, "insert into child values ((payload ->> 'of')::int); return null;")
    call.select("create table parent (id int primary key)")
    call.select("create table child (id int references parent deferrable initially deferred)")
    call.select("insert into parent values (1)")
    for of in (1, 2, 1):
        call.enqueue("sql", payload={"of": of})

    rows = call.rows("run")

    assert [r["status"] for r in rows] == ["COMPLETED", "PENDING", "COMPLETED"]
    assert rows[1]["error_type"] == "23503"
    assert call.one("select count(*) from child") == 2


def test_a_later_job_of_a_call_may_put_its_constraints_off_too(call: Calls) -> None:
    handler(
        call,
        "insert into child values (n(payload)); insert into parent values (n(payload)); "
        "return null;",
    )
    call.select(
        "create function n(jsonb) returns int language sql as $$ select ($1 ->> 'n')::int $$"
    )
    call.select("create table parent (id int primary key)")
    call.select("create table child (id int references parent deferrable initially deferred)")
    for n in (1, 2, 3):
        call.enqueue("sql", payload={"n": n})

    assert [r["status"] for r in call.rows("run")] == ["COMPLETED"] * 3


def test_a_result_over_the_limit_is_a_failure_for_good(call: Calls) -> None:
    handler(call, "insert into effects values ('lost'); return to_jsonb(repeat('x', 1048576));")
    call.enqueue("sql")

    (row,) = call.rows("run")

    assert (row["status"], row["error_type"], effects(call)) == ("DEAD", "JQ005", [])


def test_run_takes_only_types_that_have_a_function_and_of_its_queue(call: Calls) -> None:
    handler(call, ECHO)
    handler(call, ECHO, type="elsewhere", queue="b")
    other = call.enqueue("email")
    kept = call.enqueue("elsewhere")
    call.enqueue("sql")
    call.enqueue("elsewhere", queue="b")

    assert [r["type"] for r in call.rows("run")] == ["sql"]
    assert [r["type"] for r in call.rows("run", queue="b")] == ["elsewhere"]
    assert (call.status(other), call.status(kept)) == ("PENDING", "PENDING")


def test_types_narrow_the_run_down(call: Calls) -> None:
    handler(call, ECHO)
    handler(call, ECHO, type="more")
    call.enqueue("sql")
    call.enqueue("more")

    assert [r["type"] for r in call.rows("run", types=["more", "unknown"])] == ["more"]


def test_max_jobs_and_time_limit_end_a_run(call: Calls, noon: Clock) -> None:
    handler(
        call, "update forge_test.clock set frozen_at = frozen_at + interval '10 s'; return null;"
    )
    for _ in range(5):
        call.enqueue("sql")

    assert len(call.rows("run", max_jobs=2)) == 2
    assert len(call.rows("run", time_limit="15 s")) == 2
    assert call.rows("run", time_limit="0 s") == []
    assert len(call.rows("run")) == 1


def test_a_run_without_any_handler_does_nothing(call: Calls) -> None:
    call.enqueue("sql")

    assert call.rows("run") == []


def test_a_paused_queue_is_not_run(call: Calls) -> None:
    handler(call, ECHO)
    call.enqueue("sql")
    call.rows("pause", queue="default")

    assert call.rows("run") == []


@pytest.mark.parametrize(
    "wrong", [{"max_jobs": 0}, {"queue": ""}, {"time_limit": "-1 s"}, {"worker": "\n"}]
)
def test_run_refuses_arguments_out_of_range(call: Calls, wrong: dict[str, object]) -> None:
    call.refusal("JQ001", "run", **wrong)


def test_a_handler_knows_its_job(call: Calls) -> None:
    handler(call, "return to_jsonb(current_setting('forge.job_id')::bigint);")
    job_id = call.enqueue("sql")

    assert call.row("run")["result"] == job_id


def test_a_handler_may_enqueue_and_what_it_enqueues_goes_with_its_failure(call: Calls) -> None:
    handler(
        call,
        "perform forge.enqueue('next', payload); "
        "if payload ? 'fail' then perform 1 / 0; end if; return null;",
    )
    call.enqueue("sql", payload={"fail": 1})
    call.enqueue("sql", payload={"n": 2})

    call.rows("run")

    assert call.one("select payload from forge.jobs where type = 'next'") == {"n": 2}


def test_a_run_within_a_run_belongs_to_the_job_around_it(call: Calls) -> None:
    handler(call, ECHO, type="inner", name="public.inner_handler")
    handler(
        call,
        "perform forge.run(types => '{inner}'); "
        "if payload ? 'fail' then perform 1 / 0; end if; return null;",
    )
    inner = call.enqueue("inner", payload={"n": "inner"})
    failing = call.enqueue("sql", payload={"fail": 1}, priority=1)

    assert [r["status"] for r in call.rows("run", max_jobs=1)] == ["PENDING"]
    assert (call.status(inner), effects(call)) == ("PENDING", [])
    call.rows("cancel", id=failing)
    call.enqueue("sql", priority=1)
    assert [r["status"] for r in call.rows("run", max_jobs=1)] == ["COMPLETED"]
    assert (call.status(inner), effects(call)) == ("COMPLETED", ["inner"])


def test_a_dropped_function_fails_its_jobs_and_says_so(call: Calls) -> None:
    handler(call, ECHO)
    job_id = call.enqueue("sql", max_retries=0)
    call.select("drop function public.handler(jsonb)")

    (row,) = call.rows("run")

    said = "the function public.handler(jsonb) does not exist any more"
    assert (row["status"], row["error_type"], row["error"]) == ("DEAD", "NoHandler", said)
    assert call.job(job_id)["errors"][0]["error"] == said
    assert call.row("list_sql_handlers")["problem"] == said


def test_a_function_that_returns_something_else_now_fails_its_jobs(call: Calls) -> None:
    handler(call, ECHO)
    call.enqueue("sql")
    call.select("drop function public.handler(jsonb)")
    call.select(
        "create function public.handler(jsonb) returns text language sql as $$ select 'x' $$"
    )

    (row,) = call.rows("run")

    assert row["error"] == "the function public.handler(jsonb) does not return jsonb any more"


@pytest.mark.parametrize(
    "change",
    [
        "drop function forge_handlers.{}(jsonb)",
        "alter function forge_handlers.{}(jsonb) security invoker",
    ],
)
def test_a_wrapper_that_somebody_changed_is_not_called(call: Calls, change: str) -> None:
    handler(call, ECHO)
    call.enqueue("sql")
    call.select(change.format(call.one("select wrapper from forge.sql_handlers")))

    (row,) = call.rows("run")

    assert row["error_type"] == "NoHandler"
    assert row["error"].startswith("its wrapper in forge_handlers is gone")


def test_a_changed_function_is_what_runs_next(call: Calls) -> None:
    handler(call, ECHO)
    call.enqueue("sql")
    define(call, "public.handler", "begin return '\"new\"'; end")

    assert call.row("run")["result"] == "new"


def test_a_type_registered_anew_gets_the_new_function(call: Calls, noon: Clock) -> None:
    first = handler(call, ECHO, timeout="5 s", queue="a")
    noon.advance(seconds=1)
    second = handler(call, "return '2';", name="public.second")

    assert (first["function"], first["queue"]) == ("public.handler", "a")
    assert (second["function"], second["queue"]) == ("public.second", None)
    assert str(second["timeout"]) == "0:00:05"
    assert second["created_at"] == first["created_at"] < second["updated_at"]
    call.enqueue("sql")
    assert call.row("run")["result"] == 2
    assert (
        call.one("select count(*) from pg_proc where pronamespace = 'forge_handlers'::regnamespace")
        == 1
    )


def test_an_unregistered_type_stays_pending_and_leaves_nothing_behind(call: Calls) -> None:
    handler(call, ECHO)
    job_id = call.enqueue("sql")

    assert call.value("unregister_sql_handler", type="sql") is True
    assert call.value("unregister_sql_handler", type="sql") is False

    assert call.rows("run") == []
    assert call.status(job_id) == "PENDING"
    assert call.rows("list_sql_handlers") == []
    assert (
        call.one("select count(*) from pg_proc where pronamespace = 'forge_handlers'::regnamespace")
        == 0
    )


@pytest.mark.parametrize(
    ("function", "what"),
    [
        ("nothing_here", "function"),
        ("plain_text", "function"),
        ("many", "function"),
        ("pg_catalog.jsonb_agg(anyelement)", "function"),
        ("no_function", "function"),
        ("'; select 1; --", "function"),
        ("a.b.c.d(", "function"),
    ],
)
def test_what_is_no_handler_is_refused(call: Calls, function: str, what: str) -> None:
    call.select("create function plain_text(jsonb) returns text language sql as $$ select '' $$")
    call.select("create function many(jsonb) returns setof jsonb language sql as $$ select $1 $$")
    call.select("create procedure no_function(jsonb) language sql as $$ select $1 $$")

    said = call.refusal("JQ001", "register_sql_handler", type="sql", function=function)

    assert said.message_primary == f"{what} is not valid"
    assert call.rows("list_sql_handlers") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": ""},
        {"queue": ""},
        {"timeout": "0 s"},
        {"timeout": "2 days"},
        {"run_as": "nobody_of_this_name"},
    ],
)
def test_a_registration_out_of_range_is_refused(call: Calls, wrong: dict[str, object]) -> None:
    define(call, "public.handler", "begin return null; end")

    call.refusal("JQ001", "register_sql_handler", **{"type": "sql", "function": "handler", **wrong})


def test_types_that_look_alike_have_wrappers_of_their_own(call: Calls) -> None:
    for number, type in enumerate(("a-b", "a b", "Ä" * 200)):
        handler(call, f"return '{number}';", type=type, name=f"public.handler_{number}")
        call.enqueue(type)

    assert [r["result"] for r in call.rows("run")] == [0, 1, 2]


def test_the_path_at_the_registration_is_that_of_the_function(call: Calls) -> None:
    call.select("create schema billing create table here (n int)")
    call.select("set local search_path = billing, public")
    handler(call, "insert into here values (1); return null;", name="billing.charge")
    call.select("set local search_path = public")
    call.enqueue("sql")

    assert call.row("run")["status"] == "COMPLETED"
    assert call.one("show search_path") == "public"


def test_run_claimed_runs_what_was_claimed_before(call: Calls) -> None:
    handler(call, ECHO)
    job = call.running(type="sql", payload={"n": "7"})

    row = call.row("run_claimed", id=job["id"], lease=job["lease"])

    assert (row["status"], row["result"], effects(call)) == ("COMPLETED", {"n": "7"}, ["7"])
    assert call.refusal("JQ002", "run_claimed", id=job["id"], lease=job["lease"])


def test_run_claimed_fails_a_job_of_a_type_that_has_no_function(call: Calls) -> None:
    job = call.running(type="sql")

    row = call.row("run_claimed", id=job["id"], lease=job["lease"])

    assert (row["status"], row["error_type"]) == ("PENDING", "NoHandler")


def test_run_claimed_with_a_stale_lease_runs_nothing(call: Calls) -> None:
    handler(call, ECHO)
    job = call.running(type="sql")

    call.refusal("JQ002", "run_claimed", id=job["id"], lease=NO_LEASE)

    assert effects(call) == []


def test_a_cancelled_job_that_fails_is_cancelled(call: Calls) -> None:
    handler(call, BOOM)
    job = call.running(type="sql")
    call.rows("cancel", id=job["id"])

    assert call.row("run_claimed", id=job["id"], lease=job["lease"])["status"] == "CANCELLED"


def test_explain_knows_a_broken_handler_and_one_of_another_queue(call: Calls) -> None:
    def codes(job_id: int) -> list[str]:
        rows = call.rows("explain", id=job_id)
        return [row["code"] for row in rows if row["code"].startswith("sql_handler")]

    job_id = call.enqueue("sql")
    assert codes(job_id) == []
    handler(call, ECHO)
    assert codes(job_id) == []
    handler(call, ECHO, queue="elsewhere")
    assert codes(job_id) == ["sql_handler_of_another_queue"]
    call.select("drop function public.handler(jsonb)")
    assert codes(job_id) == ["sql_handler_broken", "sql_handler_of_another_queue"]
