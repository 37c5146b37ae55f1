"""What becomes of the jobs that run when `forge up` is told to end."""

from __future__ import annotations

import signal
import time

from tests.up.running import Running, wait_until


def start_report(up: Running, seconds: int) -> int:
    """A report that takes that long, once it runs."""
    up.start()
    job = up.enqueue("report", {"query": f"select pg_sleep({seconds})"})
    wait_until(lambda: up.call("GET", f"/jobs/{job}")["status"] == "PROCESSING", "it does not run")
    return job


def test_a_running_job_may_finish(up: Running) -> None:
    job = start_report(up, 2)
    assert up.stop() == 0
    up.start()
    found = up.call("GET", f"/jobs/{job}")
    assert (found["status"], found["attempts"]) == ("COMPLETED", 1)


def test_a_second_signal_gives_it_back_at_once(up: Running) -> None:
    job = start_report(up, 50)
    up.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping; running jobs may finish" in up.log(), "it does not say so")
    began = time.monotonic()
    assert up.stop() == 128 + signal.SIGTERM
    assert time.monotonic() - began < 20  # far below the report's 50 seconds, and the grace's 30
    assert up.postmaster() is None
    up.start("--workers", "0")
    found = up.call("GET", f"/jobs/{job}")
    assert (found["status"], found["attempts"]) == ("PENDING", 0)
