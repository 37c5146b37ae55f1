"""What `forge up` says when all of it runs: where things are, and what to type next."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from forge.listening import is_loopback, url_of
from forge.up.database import Server

_JOB = {"type": "email", "payload": {"to": "user@example.com", "subject": "Hello"}}


def facts(server: Server, listener: socket.socket) -> dict[str, Any]:
    """The same for programs."""
    return {
        "url": _url(listener),
        "database": _without_password(server.dsn),
        "postgresql": server.version(),
        "embedded": server.embedded is not None,
        "pid": os.getpid(),
    }


def text(server: Server, listener: socket.socket, *, seconds: float, demo: bool) -> str:
    known = facts(server, listener)
    url, forge = known["url"], _as_typed(sys.argv[0])
    whose = "embedded" if known["embedded"] else "given by DATABASE_URL"
    sql = "select forge.enqueue('email', '{\\\"to\\\": \\\"user@example.com\\\"}')"
    lines = [
        f"Forge is up after {seconds:.1f} s. Ctrl-C stops it.",
        "",
        f"  dashboard   {url}/",
        f"  API         {url}/docs",
        f"  database    {known['database']}",
        f"              PostgreSQL {known['postgresql']}, {whose}",
        "",
        "Enqueue a job in SQL, over HTTP, or from here:",
        f'  {_psql(server)} {shlex.quote(known["database"])} \\\n    -c "{sql}"',
        f"  curl -X POST {url}/jobs -H 'Content-Type: application/json' \\\n"
        f"    -d '{json.dumps(_JOB)}'",
        f"  {forge} enqueue email {shlex.quote(json.dumps(_JOB['payload']))}",
        "",
        f"Watch it with `{forge} top`, `{forge} jobs` and `{forge} dlq list`.",
    ]
    if demo:
        lines.append("The demo's mails and webhooks stay on this machine; some of them fail.")
    elif not os.environ.get("FORGE_SMTP_HOST"):
        lines.append("Mails go to localhost:25 until FORGE_SMTP_HOST names a mail server.")
    return "\n".join([*lines, ""])


def _url(listener: socket.socket) -> str:
    host = listener.getsockname()[0]
    if is_loopback(host) or host == "0.0.0.0":  # noqa: S104  # shown, not bound
        return f"http://localhost:{listener.getsockname()[1]}"
    return url_of(listener)


def _without_password(dsn: str) -> str:
    if not conninfo_to_dict(dsn).get("password"):
        return dsn
    return make_conninfo(dsn, password="…")  # noqa: S106  # that is the point


def _as_typed(program: str) -> str:
    """How this shell would find the program."""
    path, found = Path(program).absolute(), shutil.which("forge")
    if path.name != "forge":
        return "python -m forge"
    if found is not None and Path(found).samefile(path):
        return "forge"
    return os.path.relpath(path)


def _psql(server: Server) -> str:
    """psql as installed, else the one that came with the embedded server, if it did."""
    if shutil.which("psql") is None and server.embedded is not None:
        ours = server.embedded.program("psql")
        if ours is not None:
            return str(ours)
    return "psql"
