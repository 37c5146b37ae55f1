"""How `forge up` ends, and what is there after that."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.up.running import Running, alive, command_of, free_port, wait_until


def test_each_signal_ends_all_of_it_and_the_next_start_is_quick(up: Running) -> None:
    up.start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        assert up.tree
        assert up.postmaster() is not None
        assert up.stop(number) == 0
        assert not alive(up.tree)
        assert up.postmaster() is None
        began = time.monotonic()
        up.start()
        # 5 s is the promise; how busy the machine that runs the tests is, nobody knows.
        assert time.monotonic() - began < 15


def test_after_kill_9_it_starts_at_once_and_the_jobs_are_there(up: Running) -> None:
    up.start()
    # In a queue that nobody pulls from, so that it is seen to be the same one.
    job = up.enqueue("email", {"to": "later@example.com"}, queue="untouched")
    server, orphans = up.postmaster(), up.tree
    up.kill()
    up.start()
    wait_until(lambda: not alive(orphans), "children outlive a killed forge up")
    assert up.postmaster() == server
    assert up.call("GET", f"/jobs/{job}")["payload"] == {"to": "later@example.com"}
    dead = up.enqueue("webhook", {"url": "http://127.0.0.1:9/"})
    assert up.ended(dead)["status"] == "DEAD"
    assert up.stop() == 0
    assert up.postmaster() is None


def test_children_that_die_are_started_again(up: Running) -> None:
    up.start()
    children = up.tree
    for part in ("API", "worker"):
        (child,) = (pid for pid in children if f" {part.lower()} " in command_of(pid))
        os.kill(child, signal.SIGKILL)
        said = f"the {part} ended (SIGKILL); it starts again"
        wait_until(lambda said=said: said in up.log(), f"nobody says: {said}")  # type: ignore[misc]
    wait_until(lambda: answers(up), "the API is not back")
    assert up.ended(up.enqueue("webhook", {"url": "http://127.0.0.1:9/"}))["status"] == "DEAD"
    assert up.stop() == 0


def test_postgresql_is_started_again(up: Running) -> None:
    up.start()
    server = up.postmaster()
    assert server is not None
    os.kill(server, signal.SIGQUIT)
    wait_until(lambda: up.postmaster() not in (None, server), "it is not started again")
    wait_until(lambda: answers(up), "the API does not find it")
    assert up.ended(up.enqueue("webhook", {"url": "http://127.0.0.1:9/"}))["status"] == "DEAD"
    assert up.stop() == 0


def test_a_second_one_on_the_same_home_is_refused(up: Running) -> None:
    up.start()
    first, up.port = up.port, free_port()
    with pytest.raises(AssertionError, match="another `forge up` runs"):
        _start_beside(up)
    up.port = first
    assert up.call("GET", "/health/ready")["status"] == "ok"


def answers(up: Running) -> bool:
    import httpx

    try:
        return bool(up.call("GET", "/health/ready"))
    except (httpx.TransportError, AssertionError):
        return False


def _start_beside(up: Running) -> None:
    mine, tree = up.process, up.tree
    try:
        up.start()
    finally:
        up.process.wait(30)
        assert up.process.stdout is not None
        up.process.stdout.close()
        up.process, up.tree = mine, tree
