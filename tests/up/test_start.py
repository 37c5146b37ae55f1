"""What `forge up` refuses to start with, and how soon there is something to see."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from tests.up.running import Running, wait_until


def forge_up(running: Running, **environment: str) -> subprocess.CompletedProcess[str]:
    """One that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "forge", "up", "--port", str(running.port)],
        env={**os.environ, "FORGE_HOME": str(running.home), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_in_use_is_said_before_anything_starts(up: Running) -> None:
    with socket.create_server(("127.0.0.1", up.port)):
        done = forge_up(up)
    assert done.returncode == 1
    assert f"127.0.0.1:{up.port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not up.home.exists()


def test_it_is_not_open_to_everybody(up: Running) -> None:
    done = forge_up(up, FORGE_HOST="0.0.0.0")
    assert done.returncode == 2
    assert "FORGE_TOKENS" in done.stderr
    assert not up.home.exists()


def test_an_unreachable_database_is_said(up: Running) -> None:
    done = forge_up(up, DATABASE_URL="postgres://nobody@127.0.0.1:9/none?connect_timeout=3")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert not up.home.exists()


def test_a_worker_that_cannot_start_ends_all_of_it_with_its_reason(up: Running) -> None:
    done = forge_up(up, FORGE_SMTP_PORT="many")
    assert done.returncode == 1
    assert "FORGE_SMTP_PORT" in done.stderr
    assert "the worker does not stay up" in done.stderr
    assert "Traceback" not in done.stderr
    assert up.postmaster() is None


def test_the_demo_shows_jobs_of_each_kind_within_ten_seconds(up: Running) -> None:
    up.start("--demo", "--rate", "20")
    shown = time.monotonic()
    for type in ("email", "webhook", "report"):
        wait_until(
            lambda type=type: bool(  # type: ignore[misc]
                up.call("GET", f"/jobs?status=COMPLETED&type={type}&limit=1")["items"]
            ),
            f"no {type} is completed",
            patience=max(0.1, 10 - (time.monotonic() - shown)),
        )
    assert up.stop() == 0
