"""Where the embedded server's socket lies: beside its data, or in /tmp if that path is too long."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from forge.cluster import Cluster, ClusterError

# sockaddr_un holds 108 bytes with the final NUL; the socket's own name takes "/.s.PGSQL.5432".
SOCKET_DIRECTORY_LIMIT = 107 - len("/.s.PGSQL.5432")


def socket_directory(cluster: Cluster) -> Path:
    """A directory that only the server's account can enter, short enough for a socket."""
    beside = cluster.data.parent / "run"
    if len(os.fsencode(beside)) > SOCKET_DIRECTORY_LIMIT:
        name = hashlib.sha256(os.fsencode(cluster.data)).hexdigest()[:16]
        beside = Path("/tmp") / f"forge-{os.geteuid()}-{name}"  # noqa: S108  # checked below
    with suppress(FileExistsError):
        beside.mkdir(mode=0o700)
    status = beside.lstat()
    if status.st_uid not in (os.geteuid(), cluster.owner.uid) or beside.is_symlink():
        raise ClusterError(
            "the directory for the socket belongs to somebody else",
            str(beside),
            "remove it, or set FORGE_HOME to a shorter path",
        )
    return cluster.owner.make_directory(beside)
