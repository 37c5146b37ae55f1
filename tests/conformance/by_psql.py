"""Forge by psql, as a shell script calls it: everything is text, each call is a session."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timedelta
from typing import Any

from tests.conformance.driver import Refused, Row, plain
from tests.database import Database
from tests.server import psql

_SAID = re.compile(r"^\w+:  (\w{5}): .*\n(?:DETAIL:  (.*)\n)?", re.MULTILINE)


class ByPsql:
    """Implements `Driver`."""

    def __init__(self, db: Database) -> None:
        self._command = [
            psql(),
            db.dsn,
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            "VERBOSITY=verbose",
        ]
        self._lost: list[int] = []

    def call(self, function: str, **arguments: Any) -> list[Row]:
        texts = {name: _text(value) for name, value in arguments.items()}
        named = ", ".join(
            f"{name} => " + ("null" if text is None else f":'{name}'")
            for name, text in texts.items()
        )
        script = [
            f"\\set {name} {_quoted(text)}" for name, text in texts.items() if text is not None
        ]
        script += [f"select to_jsonb(value) from forge.{function}({named}) as value;"]
        done = subprocess.run(
            self._command,
            input="\n".join(script),
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = _SAID.findall(done.stderr)
        if done.returncode != 0:
            ((code, detail),) = said
            raise Refused(code, detail)
        self._lost = [
            int(n) for code, ids in said if code == "JQ002" for n in re.findall(r"\d+", ids)
        ]
        found = [json.loads(line) if line else None for line in done.stdout.splitlines()]
        return [plain(row if isinstance(row, dict) else {"value": row}) for row in found]

    def lost(self) -> list[int]:
        return self._lost


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case timedelta():
            return f"{value.total_seconds()} seconds"
        case datetime():
            return value.isoformat()
        case dict():
            return json.dumps(value)
        case list():
            items = [json.dumps(_text(item), ensure_ascii=False) for item in value]
            return "{" + ",".join(items) + "}"
    return str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"
