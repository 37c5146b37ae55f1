"""The embedded server's life, wherever its home is and whoever starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from forge.cluster import ClusterError
from forge.embedded import Embedded
from forge.owner import Owner
from forge.pgbinaries import find_binaries, made_reachable
from tests.embedded.conftest import postmaster, store, value


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
