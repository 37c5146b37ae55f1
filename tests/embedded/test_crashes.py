"""What a crash, of Forge or of the server, leaves behind is no obstacle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from forge.embedded import Embedded
from tests.embedded.conftest import is_stopped, postmaster, store, value, wait_until

CRASH = """
import os, signal, sys
from pathlib import Path
from forge.embedded import Embedded
Embedded(Path(sys.argv[1])).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_that_outlived_its_parent_is_adopted(home: Path) -> None:
    # Both run as the same account, so the crash of the parent leaves the server as it was.
    subprocess.run([sys.executable, "-c", CRASH, home], check=False)
    survivor = postmaster(home / "postgres")

    with Embedded(home) as server:
        assert survivor is not None
        assert postmaster(home / "postgres") == survivor
        assert value(server.dsn, "select 1") == 1

    assert postmaster(home / "postgres") is None


def test_a_server_that_crashed_itself_starts_again(home: Path) -> None:
    with Embedded(home) as server:
        store(server.dsn)
        pid = postmaster(home / "postgres")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(is_stopped, home / "postgres"))

    with Embedded(home) as server:
        assert value(server.dsn, "select count(*) from kept") == 1


def test_a_pid_file_that_names_another_process_is_no_obstacle(home: Path) -> None:
    with Embedded(home):
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    stale = home / "postgres" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]))

    with Embedded(home) as server:
        assert value(server.dsn, "select 1") == 1


def test_an_interrupted_creation_is_begun_anew(home: Path) -> None:
    unfinished = home / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")

    with Embedded(home) as server:
        assert value(server.dsn, "select 1") == 1
