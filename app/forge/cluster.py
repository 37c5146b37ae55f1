"""One PostgreSQL data directory and the programs that make, start and stop its server."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forge.errors import DatabaseUnavailable
from forge.owner import Owner


class ClusterError(DatabaseUnavailable):
    """The server that Forge itself starts is not there, or cannot be."""


@dataclass(frozen=True)
class Postmaster:
    """What a running server says of itself in postmaster.pid."""

    pid: int
    port: int
    sockets: Path

    @property
    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.sockets / f".s.PGSQL.{self.port}")) == 0


@dataclass(frozen=True)
class Cluster:
    """A data directory, and the PostgreSQL programs that go with it."""

    binaries: Path
    data: Path
    owner: Owner

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    @property
    def data_version(self) -> str:
        return (self.data / "PG_VERSION").read_text().strip()

    def server_version(self) -> str:
        """The major version of the programs."""
        shown = self._run("postgres", "--version").stdout  # "postgres (PostgreSQL) 18.4"
        return shown.split()[2].split(".")[0]

    def refuse_other_version(self) -> None:
        """Raise where the data was made by another major version than the programs."""
        ours = self.server_version()
        if self.data_version != ours:
            raise ClusterError(
                "the data directory belongs to another PostgreSQL version",
                f"{self.data} was made by PostgreSQL {self.data_version}; this is {ours}",
                f"dump it with a PostgreSQL {self.data_version} and load the dump afterwards, or "
                "upgrade it with pg_upgrade; to begin with an empty one, move the directory away",
            )

    def create(self, user: str, *options: str) -> None:
        """Make the data directory. All or nothing: an interrupted one is not taken for one."""
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.owner.make_directory(unfinished)
        # Whoever may open the socket may log in; its directory is closed to other accounts.
        self._must("initdb", "-D", unfinished, "-U", user, "-E", "UTF8", "-A", "trust", *options)
        unfinished.rename(self.data)

    def start(
        self, sockets: Path, settings: Mapping[str, str], *, port: int = 5432, timeout: int = 60
    ) -> None:
        """Start the server and wait until it answers."""
        self._remove_stale_locks(sockets)
        asked = {"unix_socket_directories": str(sockets), "port": str(port), **settings}
        options = " ".join(shlex.quote(f"--{name}={value}") for name, value in asked.items())
        log = self.data / "startup.log"
        command = ("start", "-D", self.data, "-w", "-t", str(timeout), "-l", log, "-o", options)
        deadline = time.monotonic() + 15
        while True:
            log.unlink(missing_ok=True)
            if self._run("pg_ctl", *command).returncode == 0:
                return
            said = self._said(log)
            # Processes of a killed server notice its end within moments; until then PostgreSQL
            # guards the data from a second server.
            if "still in use" not in said or time.monotonic() > deadline:
                raise ClusterError("PostgreSQL did not start", said, f"see {self.data / 'log'}")
            time.sleep(0.1)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server where one runs; open transactions are rolled back."""
        if self.postmaster() is not None:
            self._must("pg_ctl", "stop", "-D", self.data, "-w", "-t", "60", "-m", mode)

    def postmaster(self) -> Postmaster | None:
        """The server that runs on this directory; None where the file is a crash's leftover."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            found = Postmaster(int(lines[0]), int(lines[3]), Path(lines[4]))
        except (OSError, IndexError, ValueError):
            return None
        return found if _is_postgres(found.pid) else None

    def wait_until_answers(self, timeout: float = 30) -> Postmaster | None:
        """The running server once it takes connections; None where there is none any more."""
        deadline = time.monotonic() + timeout
        while (found := self.postmaster()) is not None and not found.answers:
            if time.monotonic() > deadline:
                raise ClusterError(
                    "a PostgreSQL server runs but does not answer",
                    f"process {found.pid}, data in {self.data}",
                    f"stop it: kill -INT {found.pid}",
                )
            time.sleep(0.05)
        return found

    def _remove_stale_locks(self, sockets: Path) -> None:
        # PostgreSQL does this itself unless the number now is another process's, as happens in a
        # container, where numbers begin anew, or a zombie's, where nobody collects them.
        if self.postmaster() is not None:
            return
        for lock in (self.data / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
            try:
                os.kill(int(lock.read_text().split()[0].lstrip("-")), 0)
            except (OSError, ValueError, IndexError):
                continue
            lock.unlink()

    def _said(self, log: Path) -> str:
        """What the server said on a failed start: on its standard error, or last in its own log."""
        logs = sorted((self.data / "log").glob("*"), key=lambda path: path.stat().st_mtime)
        texts = [path.read_text(errors="replace") for path in (*logs[-1:], log) if path.exists()]
        lines = [line for text in texts for line in text.splitlines()[-10:]]
        return "\n".join(lines)[-2000:]

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.owner.run([self.binaries / program, *arguments])

    def _must(self, program: str, *arguments: str | Path) -> None:
        result = self._run(program, *arguments)
        if result.returncode:
            raise ClusterError(
                f"{program} failed", (result.stderr or result.stdout).strip()[-2000:]
            )


def _is_postgres(pid: int) -> bool:
    """Whether the process is there and, where the system tells, is a PostgreSQL server."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    command = Path(f"/proc/{pid}/cmdline")
    try:
        return "postgres" in command.read_bytes().split(b"\0")[0].decode(errors="replace")
    except OSError:
        return not Path("/proc/self").exists()
