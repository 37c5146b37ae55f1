"""Where the SQL and the dashboard are: beside app/ in a checkout, inside the package in a wheel."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]

MIGRATION_NAME = re.compile(r"\d{4}\.[a-z0-9-]+\.sql")
_BORN_IN_DB = re.compile(r"create (?:or replace )?(?:function|view) forge\.(\w+)", re.IGNORECASE)
_TRANSACTIONAL = re.compile(r"^\s*--\s*transactional\s*:\s*false\s*$", re.IGNORECASE | re.MULTILINE)

_WITH_FUNCTIONS = re.compile(
    r"^\s*--\s*with-functions\s*:\s*true\s*$", re.IGNORECASE | re.MULTILINE
)


def _locate(in_checkout: str, in_wheel: str) -> Path:
    beside = _CHECKOUT / in_checkout
    # pyproject.toml tells a checkout from a site-packages that happens to hold such a directory.
    if (_CHECKOUT / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    return _PACKAGE / in_wheel


def dashboard_directory() -> Path:
    """The dashboard's static files."""
    return _locate("dashboard", "_dashboard")


@dataclass(frozen=True)
class Migration:
    """One forward migration of db/, with what is needed to take it back."""

    path: Path

    @property
    def id(self) -> str:
        """The name that yoyo remembers it by: 0001.schema for 0001.schema.sql."""
        return self.path.stem

    @property
    def sql(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def rollback_path(self) -> Path:
        return self.path.with_suffix(".rollback.sql")

    @property
    def transactional(self) -> bool:
        return _TRANSACTIONAL.search(self.sql) is None

    @property
    def with_functions(self) -> bool:
        """Whether it changes shapes of functions, which are loaded in the same transaction."""
        return _WITH_FUNCTIONS.search(self.sql) is not None


@dataclass(frozen=True)
class SqlFiles:
    """The two directories that make a database: db/ and procedures/."""

    db: Path
    procedures: Path

    @classmethod
    def shipped(cls) -> SqlFiles:
        return cls(_locate("db", "_sql/db"), _locate("procedures", "_sql/procedures"))

    def migrations(self) -> list[Migration]:
        """The migrations in the order in which they apply."""
        return [
            Migration(path)
            for path in sorted(self.db.iterdir())
            if MIGRATION_NAME.fullmatch(path.name)
        ]

    def procedure_files(self) -> list[Path]:
        """The procedure files in load order, which is the order of their names."""
        return sorted(self.procedures.glob("*.sql"))

    def born_in_db(self) -> set[str]:
        """Functions and views that migrations make, so that the loader leaves them alone."""
        return {name for m in self.migrations() for name in _BORN_IN_DB.findall(m.sql)}
