"""A server that one test may stop and start."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg

from forge.cluster import Cluster
from forge.migrate import migrate
from forge.owner import Owner
from forge.pgbinaries import find_binaries, made_reachable
from tests.database import Conn, connect
from tests.pgbouncer import ASKED, PgBouncer
from tests.server import SETTINGS


def _binaries() -> Path | None:
    if given := os.environ.get("FORGE_TEST_PG_BIN"):
        return Path(given)
    system = shutil.which("initdb")
    return find_binaries() or (Path(system).resolve().parent if system else None)


class OwnServer:
    """With Forge in its database `postgres`; removed by `remove`.

    `dsn` goes through a pooler of its own where the run is to have one, `direct` past it.
    """

    def __init__(self, binaries: Path, *initdb: str) -> None:
        # Directly in /tmp, as a socket's path is short and the server's account must get there.
        self._base = Path(tempfile.mkdtemp(prefix="forge-own-", dir="/tmp"))
        self._base.chmod(0o755)
        self._home = self._base / "own"
        owner = Owner.of(self._base / "data")
        owner.make_directory(self._home)
        reachable = made_reachable(binaries, owner, self._base / "shelf")
        self._cluster = Cluster(reachable, self._home / "data", owner)
        self._cluster.create("forge", "--no-locale", "--no-sync", *initdb)
        self.direct = f"postgresql://forge@/postgres?host={self._home}"
        self.dsn = self.direct
        self._pooler: PgBouncer | None = None

    @classmethod
    def make(cls, *initdb: str) -> OwnServer | None:
        """A running server; None where there are no programs to start one from."""
        found = _binaries()
        if found is None:
            return None
        own = cls(found, *initdb)
        own.start()
        migrate(own.direct)
        if os.environ.get(ASKED):
            own._pooler = PgBouncer(own.direct)
            own.dsn = own._pooler.through(own.direct)
        return own

    def start(self) -> None:
        # What was committed is there after `stop`; other tests do without that.
        own = {"max_connections": "50", "synchronous_commit": "on", "full_page_writes": "on"}
        # No file of the log is kept for later use, so that it can run out of room.
        own |= {"wal_recycle": "off"}
        self._cluster.start(self._home, {**SETTINGS, **own})

    def stop(self) -> None:
        """Without a goodbye to anybody, as in a crash."""
        self._cluster.stop("immediate")

    def remove(self) -> None:
        if self._pooler is not None:
            self._pooler.remove()
        self.stop()
        shutil.rmtree(self._base)

    @property
    def up(self) -> bool:
        return self._cluster.postmaster() is not None

    @property
    def log(self) -> str:
        """What the server said since it was started last."""
        return (self._cluster.data / "startup.log").read_text(errors="replace")

    def limit_files(self, size: int | None) -> None:
        """No file of the server may become larger; holds for sessions that begin from now on."""
        found = self._cluster.postmaster()
        assert found is not None
        done = self._limit(found.pid, size)
        assert done.returncode == 0, done.stderr

    def fill_the_log(self, size: int) -> None:
        """No file may become larger, in no session, and the log (pg_wal) needs a new one."""
        self.limit_files(size)
        with self.connect() as conn:
            for row in conn.execute("select pid from pg_stat_activity").fetchall():
                self._limit(row["pid"], size)  # unless it has ended
            with suppress(psycopg.Error):
                conn.execute("select pg_switch_wal()")
                conn.execute("create table no_room ()")

    def _limit(self, pid: int, size: int | None) -> subprocess.CompletedProcess[str]:
        limit = "unlimited" if size is None else str(size)
        # The soft limit alone, which an account may raise again for its own processes.
        return self._cluster.owner.run(["prlimit", "--pid", str(pid), f"--fsize={limit}:"])

    def connect(self) -> Conn:
        return connect(self.direct, autocommit=True)
