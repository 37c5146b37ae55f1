"""CSV, JSON and HTML from rows whose values are PostgreSQL's text (None is null)."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import psycopg

from forge.errors import PermanentError

Values = Sequence[str | None]


class Column(NamedTuple):
    name: str
    oid: int


class Format(Protocol):
    """What writes one report: its beginning, some rows at a time, its end."""

    def __init__(self, columns: list[Column], title: str) -> None: ...
    def start(self) -> str: ...
    def rows(self, rows: Sequence[Values]) -> str: ...
    def end(self) -> str: ...


_TYPES = psycopg.adapters.types
_NUMBERS = {
    _TYPES[name].oid for name in ("int2", "int4", "int8", "float4", "float8", "numeric", "oid")
}
_BOOL = _TYPES["bool"].oid
_JSON = {_TYPES["json"].oid, _TYPES["jsonb"].oid}
_FINITE = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")  # neither NaN nor Infinity
# What makes a spreadsheet run a cell (OWASP, "CSV injection"), the full-width forms included.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


class Csv:
    """RFC 4180. Text that a spreadsheet would take for a formula gets a `'` in front."""

    def __init__(self, columns: list[Column], title: str) -> None:
        self._columns = columns

    def start(self) -> str:
        return self._lines([[_harmless(column.name) for column in self._columns]])

    def rows(self, rows: Sequence[Values]) -> str:
        return self._lines([[*map(self._cell, row, self._columns)] for row in rows])

    def end(self) -> str:
        return ""

    def _cell(self, value: str | None, column: Column) -> str | None:
        if value is None or (column.oid in _NUMBERS and _FINITE.fullmatch(value)):
            return value
        return _harmless(_text(value, column))

    @staticmethod
    def _lines(rows: list[list[str | None]] | list[list[str]]) -> str:
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        return out.getvalue()


class Json:
    """An array with one object a row. Numbers keep every digit; json columns stay json."""

    def __init__(self, columns: list[Column], title: str) -> None:
        twice = [n for n, count in Counter(c.name for c in columns).items() if count > 1]
        if twice:
            raise PermanentError(f"two columns are called {twice[0]!r}: give them aliases")
        self._columns = columns
        self._separator = "\n"

    def start(self) -> str:
        return "["

    def rows(self, rows: Sequence[Values]) -> str:
        parts = []
        for row in rows:
            cells = {c.name: self._value(v, c) for v, c in zip(row, self._columns, strict=True)}
            parts.append(self._separator + msgspec.json.encode(cells).decode())
            self._separator = ",\n"
        return "".join(parts)

    def end(self) -> str:
        return "\n]\n"

    @staticmethod
    def _value(value: str | None, column: Column) -> str | bool | msgspec.Raw | None:
        if value is None:
            return None
        if column.oid == _BOOL:
            return value == "t"
        if column.oid in _JSON or (column.oid in _NUMBERS and _FINITE.fullmatch(value)):
            return msgspec.Raw(value.encode())
        return value


class Html:
    """One page with one table, without script; everything is escaped."""

    def __init__(self, columns: list[Column], title: str) -> None:
        self._columns = columns
        self._title = html.escape(title)

    def start(self) -> str:
        heads = "".join(f"<th>{html.escape(column.name)}</th>" for column in self._columns)
        return (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>{self._title}</title>\n"
            "<style>body{font:14px system-ui}table{border-collapse:collapse}"
            "th,td{border:1px solid #ccc;padding:4px 8px;text-align:left}"
            ".number{text-align:right}</style>\n"
            f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        )

    def rows(self, rows: Sequence[Values]) -> str:
        return "".join(f"<tr>{''.join(map(self._cell, row, self._columns))}</tr>\n" for row in rows)

    def end(self) -> str:
        return "</tbody>\n</table>\n</html>\n"

    @staticmethod
    def _cell(value: str | None, column: Column) -> str:
        attribute = ' class="number"' if column.oid in _NUMBERS else ""
        text = "" if value is None else html.escape(_text(value, column))
        return f"<td{attribute}>{text}</td>"


def _text(value: str, column: Column) -> str:
    return {"t": "true", "f": "false"}[value] if column.oid == _BOOL else value


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


FORMATS: dict[str, type[Format]] = {"csv": Csv, "json": Json, "html": Html}
