"""Handlers in child processes: how they are run, limited, told to stop, and survived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forge import Forge, Job, PermanentError, Snooze
from forge.errors import InvalidArgument
from forge.worker.registry import Registry
from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import ROOT, WorkerProcess, until

Enqueue = Callable[..., list[int]]


@pytest.fixture
def heavy(start: StartWorker) -> Callable[..., WorkerProcess]:
    return lambda *options: start(
        "--poll-interval", "0.1", *options, app="tests.worker.heavy:forge"
    )


def job_of(db: Database, id: int) -> dict[str, Any]:
    (row,) = db.rows("select * from forge.all_jobs where id = %s", id)
    return row


def put(db: Database, type: str, payload: str = "{}", **options: object) -> int:
    names = "".join(f", {name} => %({name})s" for name in options)
    query = f"select forge.enqueue(%(type)s, %(payload)s::jsonb{names}) as id"
    id: int = db.value(query, type=type, payload=payload, **options)
    return id


def failure(db: Database, id: int) -> dict[str, Any]:
    errors = until(lambda: job_of(db, id)["errors"], why="the attempt to fail")
    assert len(errors) == 1
    error: dict[str, Any] = errors[0]
    return error


def completed(db: Database, id: int) -> Any:
    until(lambda: job_of(db, id)["status"] == "COMPLETED", why="the job to complete")
    return job_of(db, id)["result"]


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_process_is_another_one_and_is_kept_for_the_next_job(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    worker = heavy("--queue", "default=1")
    results = [completed(db, put(db, type)) for type in ("pid", "pid_async", "pid")]
    assert {result["parent"] for result in results} == {worker.pid}
    assert len({result["pid"] for result in results}) == 1


def test_over_its_memory_limit_an_attempt_fails_and_the_worker_lives(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    worker = heavy("--queue", "default=1")
    within = put(db, "hog", '{"mb": 40}')
    over = put(db, "hog", '{"mb": 400}')
    hidden = put(db, "hog_hidden")
    after = put(db, "hog", '{"mb": 40}')
    assert completed(db, within) == completed(db, after) == 640
    error = failure(db, over)
    assert error["error_type"] == "MemoryLimit"
    assert error["error"] == "the handler needed more than its memory limit of 128 MB"
    assert "bytearray(2**16)" in error["traceback"]
    assert failure(db, hidden)["error_type"] == "MemoryLimit"
    assert worker.alive


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("exit", "exited with status 3"),
        ("segfault", "was killed by SIGSEGV; its memory limit is 1024 MB"),
        ("kill", "was killed by SIGKILL; its memory limit is 1024 MB"),
    ],
)
def test_the_death_of_a_process_fails_the_attempt_at_once(
    db: Database, heavy: Callable[..., WorkerProcess], how: str, says: str
) -> None:
    worker = heavy()
    error = failure(db, put(db, "crash", f'{{"how": "{how}"}}'))
    assert (error["error_type"], error["error"]) == (
        "ProcessDied",
        f"the process of the handler {says}",
    )
    completed(db, put(db, "pid"))
    assert worker.alive


def test_a_fork_that_outlives_the_process_does_not_hide_its_death(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    heavy()
    assert failure(db, put(db, "fork"))["error"].endswith("exited with status 4")


def test_a_process_that_dies_between_jobs_is_replaced(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    worker = heavy("--queue", "default=1")
    first = completed(db, put(db, "pid"))["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: worker.said("process.died"))
    assert completed(db, put(db, "pid"))["pid"] != first


def test_a_process_dies_with_its_worker(
    db: Database, heavy: Callable[..., WorkerProcess], enqueue: Enqueue, gate: Gate
) -> None:
    worker = heavy()
    enqueue("deaf_process")
    (note,) = gate.wait_started(1)
    child = int(note.rpartition("-")[2])
    assert not gone(child)
    worker.send(signal.SIGKILL)
    until(lambda: gone(child), seconds=5, why="the child to die")


def test_at_the_end_of_a_worker_nothing_is_left_of_its_processes(
    db: Database, heavy: Callable[..., WorkerProcess], enqueue: Enqueue, gate: Gate
) -> None:
    worker = heavy("--grace", "0.1")
    (id,) = enqueue("deaf_process")
    (note,) = gate.wait_started(1)
    program = int((gate.path / note).read_text())
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    until(lambda: gone(int(note.rpartition("-")[2])) and gone(program), seconds=5)
    assert (job_of(db, id)["status"], job_of(db, id)["attempts"]) == ("PENDING", 0)


def test_a_cancellation_reaches_the_handler_in_its_process(
    db: Database, heavy: Callable[..., WorkerProcess], enqueue: Enqueue, gate: Gate
) -> None:
    ids = [*enqueue("gate_process"), *enqueue("gate_process_async")]
    heavy()
    gate.wait_started(2)
    asked = time.monotonic()
    for id in ids:
        db.rows("select forge.cancel(%s)", id)
    until(lambda: {job_of(db, id)["status"] for id in ids} == {"CANCELLED"}, seconds=5)
    assert time.monotonic() - asked < 2
    assert job_of(db, ids[0])["errors"][0]["error"] == "told: cancel_requested"
    assert len(gate.notes("cleaned")) == 1


def test_a_process_that_does_not_stop_is_killed_with_what_it_started(
    db: Database, heavy: Callable[..., WorkerProcess], enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("deaf_process")
    heavy("--unwind", "0.2")
    (note,) = gate.wait_started(1)
    program = int((gate.path / note).read_text())
    db.rows("select forge.cancel(%s)", id)
    until(lambda: job_of(db, id)["status"] == "CANCELLED", seconds=5)
    (error,) = job_of(db, id)["errors"]
    assert "did not stop when told to (cancel_requested) and was killed" in error["error"]
    assert "in deaf_process" in error["traceback"]
    until(lambda: gone(program), seconds=5)


def test_a_timeout_kills_a_process_that_does_not_stop(
    db: Database, heavy: Callable[..., WorkerProcess], enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("deaf_process", timeout="1 second")
    heavy("--unwind", "0.1")
    (note,) = gate.wait_started(1)
    assert failure(db, id)["error_type"] == "Timeout"
    assert gone(int(note.rpartition("-")[2]))


def test_what_a_handler_says_and_returns_comes_over_the_pipe(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    heavy()
    payload = '{"a": ["ü", 123456789012345678901234567890, null, "\\\\u0000"]}'
    id = put(db, "talk", payload)
    assert completed(db, id) == {"a": ["ü", 123456789012345678901234567890, None, "\\u0000"]}
    lines = db.rows("select level, message, data from forge.job_log(%s)", id)
    assert [tuple(line.values()) for line in lines] == [
        ("info", "one", {"n": 1}),
        ("warning", "two", None),
    ]


def test_a_large_payload_and_result_pass_and_too_large_a_result_is_noted(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    heavy()
    id = put(db, "big", f'{{"size": 1000000, "with": "{"y" * 1_000_000}"}}')
    assert completed(db, id) == "x" * 1_000_000
    note = completed(db, put(db, "big", '{"size": 2000000}'))
    assert "1048576 are allowed" in note["forge_result_error"]


def test_a_handler_in_a_process_may_complete_its_job_itself(
    db: Database, heavy: Callable[..., WorkerProcess]
) -> None:
    db.rows("create table ledger (job_id bigint)")
    worker = heavy()
    id = put(db, "ledger")
    assert completed(db, id) == "mine"
    completed(db, put(db, "pid"))
    assert db.value("select count(*) from ledger") == 1
    assert not worker.said("lease_lost")


def test_a_program_may_run_its_own_handlers_in_processes(db: Database, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, os\n"
        "from forge import Forge\n"
        "forge = Forge()\n"
        "@forge.handler('it', process=True)\n"
        "def it(job):\n"
        "    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(forge.run_worker(drain=True))\n"
        "    print(os.getpid())\n"
    )
    id = put(db, "it")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "DATABASE_URL": db.dsn, "PYTHONPATH": str(ROOT / "app")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert completed(db, id) not in (None, int(done.stdout))


async def of_this_module(job: Job) -> int:
    return os.getpid()


def broken(job: Job) -> None:
    raise LookupError("where")


def puts_off(job: Job) -> None:
    raise Snooze(timedelta(hours=1), "the bank is closed")


def gives_up(job: Job) -> None:
    raise PermanentError("never")


@pytest.mark.anyio
async def test_what_a_handler_raises_means_the_same_in_a_process(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        forge.handler("later", process=True)(puts_off)
        forge.handler("never", process=True)(gives_up)
        later, never = await forge.enqueue("later"), await forge.enqueue("never")
        await forge.run_worker(drain=True)
    row = job_of(db, later)
    assert (row["status"], row["attempts"]) == ("PENDING", 0)
    assert row["progress_note"] == "the bank is closed"
    assert job_of(db, never)["status"] == "DEAD"


@pytest.mark.anyio
async def test_an_embedded_worker_has_processes_too(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        forge.handler("it", process=True)(of_this_module)
        forge.handler("broken", process=True)(broken)
        id, bad = await forge.enqueue("it"), await forge.enqueue("broken")
        await forge.run_worker(drain=True)
    assert completed(db, id) not in (None, os.getpid())
    (error,) = job_of(db, bad)["errors"]
    assert (error["error_type"], error["error"]) == ("LookupError", "where")
    assert 'raise LookupError("where")' in error["traceback"]


def test_a_function_that_another_process_cannot_find_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="found by its name"):
        Registry().register("it", lambda job: None, process=True)


@pytest.mark.parametrize(
    ("limit", "process"),
    [("12MB", True), ("much", True), (-1, True), ("1 TB", True), ("1GB", False)],
)
def test_a_limit_that_cannot_be_kept_is_refused(limit: int | str, process: bool) -> None:
    with pytest.raises(InvalidArgument, match="memory_limit is not valid"):
        Registry().register("it", of_this_module, process=process, memory_limit=limit)


@pytest.mark.parametrize(
    ("limit", "bytes_of"), [("64MB", 2**26), ("1 GB", 2**30), ("512MiB", 2**29), (2**27, 2**27)]
)
def test_a_limit_is_in_units_of_1024(limit: int | str, bytes_of: int) -> None:
    registry = Registry()
    registry.register("it", of_this_module, process=True, memory_limit=limit)
    assert registry["it"].memory_limit == bytes_of
