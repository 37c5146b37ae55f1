"""A PgBouncer in transaction mode in front of a test's server, as Debian packages it.

FORGE_TEST_POOLER=pgbouncer puts one in front of the run's server: `db.dsn`, which Forge connects
with, then goes through it, and FORGE_LISTEN_URL past it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from forge.owner import Owner
from tests.bases import left_behind, make_base

ASKED = "FORGE_TEST_POOLER"
AT = "FORGE_TEST_POOLER_AT"  # the directory of the run's pooler
PREFIX = "forge-pooler-"
PATIENCE = 20
POOL_SIZE = 4

# The configuration of the guide, for any login of a server that trusts them all. So few sessions
# that clients have to share them, and the least recently used one first, so that the next statement
# of a client seldom finds its last session.
GUIDE = Path(__file__).parents[1] / "procedures" / "guides" / "poolers.md"
THEIRS = "host=127.0.0.1 port=5432"
OURS = """
listen_addr =
unix_socket_dir = {directory}
auth_type = trust
auth_file = {directory}/users
auth_user = forge
auth_query = select rolname, ''::text from pg_roles where rolname = $1
default_pool_size = {pool_size}
server_round_robin = 1
server_login_retry = 0.1
admin_users = forge
pidfile = {directory}/pid
logfile = {directory}/log
syslog = 0
log_connections = 0
log_disconnections = 0
"""


# What may stay in a session that others use next: what PgBouncer itself keeps apart for clients,
# and Forge's own note on how far it has claimed, which is true for all of them.
RESIDUE = """
select 'statement ' || name as left from pg_prepared_statements
union all
select 'channel ' || channel from pg_listening_channels() as channel
union all
select 'table ' || relname from pg_class where relnamespace = pg_my_temp_schema()
union all
select 'setting ' || name from pg_settings where source = 'session' and name not in (
    'application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings',
    'transaction_isolation', 'forge.passed'
)
"""


def through(dsn: str, directory: str | Path) -> str:
    """The same database, by way of the pooler that listens there."""
    return make_conninfo(dsn, host=str(directory), port=6432)


def residue(dsn: str, sessions: int = POOL_SIZE) -> list[str]:
    """What is left in the sessions that a pooler shares, seen through it; nobody else uses them."""
    with ExitStack() as stack:
        found = []
        for _ in range(sessions):  # each keeps a session until the end of its transaction
            connection = stack.enter_context(psycopg.connect(dsn, prepare_threshold=None))
            found += connection.execute(RESIDUE).fetchall()
    return [f"{row[0]} in a shared session" for row in found]


def program() -> str | None:
    """Debian keeps it where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def _sweep() -> None:
    """Stop and remove what a killed run left behind."""
    for base in left_behind(PREFIX):
        with suppress(OSError, ValueError):
            pid = int((base / "own" / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_text()
            if str(base) in command:  # and not another process that has its number by now
                os.kill(pid, signal.SIGTERM)
        shutil.rmtree(base, ignore_errors=True)


def _guided(server: str) -> str:
    to = conninfo_to_dict(server)
    (config,) = re.findall(r"```ini\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert THEIRS in config
    return str(config).replace(THEIRS, f"host={to['host']} port={to.get('port', 5432)}")


class PgBouncer:
    """Stopped by its own process id; may be started again."""

    def __init__(self, server: str, pool_size: int = POOL_SIZE) -> None:
        found = program()
        assert found is not None
        _sweep()
        self._base = make_base(PREFIX)
        owner = Owner.of(self._base / "own")  # like PostgreSQL, it does not run as root
        self.directory = owner.make_directory(self._base / "own")
        ours = OURS.format(directory=self.directory, pool_size=pool_size)
        for name, text in (("ini", _guided(server) + ours), ("users", '"forge" ""\n')):
            path = self.directory / name
            path.write_text(text)
            path.chmod(0o644)
        self._owner, self._command = owner, [found, "-q", str(self.directory / "ini")]
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def through(self, dsn: str) -> str:
        """The same database, by way of this pooler."""
        return through(dsn, self.directory)

    def rows(self, command: str) -> list[dict[str, object]]:
        """What its own console answers, such as to `show servers`."""
        console = self.through("user=forge dbname=pgbouncer")
        with psycopg.connect(console, autocommit=True) as connection:
            cursor = psycopg.ClientCursor(connection)
            cursor.execute(command.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def start(self) -> None:
        owner = self._owner
        self._process = subprocess.Popen(
            self._command,
            user=owner.uid,
            group=owner.gid,
            extra_groups=[] if owner.uid is not None else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        """At once, whoever is connected."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._base, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.rows("show version")
                return
            except psycopg.OperationalError:
                log = self.directory / "log"
                said = log.read_text() if log.exists() else ""
                assert self._process.poll() is None, f"PgBouncer has ended: {said}"
                assert time.monotonic() < deadline, f"PgBouncer does not answer: {said}"
                time.sleep(0.02)
