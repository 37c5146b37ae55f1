"""The login that reports use on the embedded server, whose own is a superuser that they refuse.

It may see what forge_viewer sees, writes nothing, and gets further only as somebody grants:
`grant select on sales to forge_report`. On a given database reports stay off until its owner
sets FORGE_REPORT_DIR: what they may read there is not ours to decide.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

ROLE = "forge_report"

# No password: whoever can enter the socket's directory may log in as anybody anyway.
_SETUP = f"""
do $do$
begin
    if to_regrole('{ROLE}') is null then
        create role {ROLE} login connection limit 20;
    end if;
end;
$do$;
alter role {ROLE} set default_transaction_read_only = on;
grant forge_viewer to {ROLE};
"""


def report_environment(dsn: str, home: Path) -> dict[str, str]:
    """The settings under which reports run on the embedded server; the operator's own go first."""
    environment = {}
    if not os.environ.get("FORGE_REPORT_DIR"):
        environment["FORGE_REPORT_DIR"] = str(home / "reports")
    if not os.environ.get("FORGE_REPORT_URL"):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("set client_min_messages = warning")
            connection.execute(_SETUP.encode())
        environment["FORGE_REPORT_URL"] = make_conninfo(dsn, user=ROLE)
    return environment
