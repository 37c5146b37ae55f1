"""Commands as they are typed, run in this process: `forge("jobs", "--json")`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from forge.cli import main
from tests.database import Database


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Forge = Callable[..., Result]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Forge:
    """Runs a command, with `stdin` if it reads that."""

    def run(*args: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main([str(arg) for arg in args])
        said = capsys.readouterr()
        assert isinstance(exit.value.code, int)
        return Result(exit.value.code, said.out, said.err)

    return run


@pytest.fixture
def forge(typed: Forge, db: Database, monkeypatch: pytest.MonkeyPatch) -> Forge:
    """As `typed`, on the test's database."""
    monkeypatch.setenv("DATABASE_URL", db.dsn)
    return typed


@pytest.fixture
def dead(db: Database) -> Callable[..., int]:
    """Puts a job into the dead-letter queue."""

    def die(error: str = "boom", queue: str = "default", type: str = "email") -> int:
        id = db.value("select forge.enqueue(%s, queue => %s, max_retries => 0)", type, queue)
        db.rows(
            "select f.* from forge.dequeue(queue => %s) as j, forge.fail(j.id, j.lease, %s) as f",
            queue,
            error,
        )
        assert isinstance(id, int)
        return id

    return die
