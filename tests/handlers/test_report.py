"""The `report` handler against a real PostgreSQL: what it writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from .conftest import Report, leftovers

pytestmark = pytest.mark.anyio


async def test_csv_with_parameters(report: Report, tmp_path: Path) -> None:
    result = await report(
        "select item, amount, amount > 2 as dear, null as nothing from sales"
        " where amount > $1 and item like '%a%' order by item",
        params=[1],
        filename="sales",
    )

    path = tmp_path / "sales.csv"
    assert path.read_bytes() == (
        b"item,amount,dear,nothing\r\ncake,20.00,true,\r\ntea,1.50,false,\r\n"
    )
    assert result == {"path": str(path), "rows": 2, "bytes": path.stat().st_size}
    assert path.stat().st_mode & 0o007 == 0


async def test_json_keeps_what_the_server_says(report: Report, tmp_path: Path) -> None:
    await report(
        """
        select 1 as i, 0.10::numeric as n, 'NaN'::float8 as nan, 1e300::float8 as f, true as b,
            '{"a": [1, null]}'::jsonb as j, null as x, 'infinity'::timestamptz as far,
            '20000-01-01'::date as late, array[1, 2] as a, interval '-1 day' as d
        """,
        format="json",
        filename="all.json",
    )

    text = (tmp_path / "all.json").read_text()
    assert '"n":0.10' in text
    assert json.loads(text) == [
        {
            "i": 1,
            "n": 0.1,
            "nan": "NaN",
            "f": 1e300,
            "b": True,
            "j": {"a": [1, None]},
            "x": None,
            "far": "infinity",
            "late": "20000-01-01",
            "a": "{1,2}",
            "d": "P-1D",
        }
    ]


async def test_many_rows_come_in_batches(report: Report, tmp_path: Path) -> None:
    result = await report("select n from generate_series(1, 1234) as n", format="json")

    rows = json.loads((tmp_path / "report-4711.json").read_text())
    assert [row["n"] for row in rows] == list(range(1, 1235))
    assert result["rows"] == 1234


@pytest.mark.parametrize(
    ("format", "expected"), [("json", "[\n]\n"), ("csv", "item\r\n"), ("html", "<th>item</th>")]
)
async def test_no_rows_make_a_report_too(
    report: Report, tmp_path: Path, format: str, expected: str
) -> None:
    result = await report("select item from sales where false", format=format, filename="none")

    assert expected in (tmp_path / f"none.{format}").read_bytes().decode()
    assert result["rows"] == 0


async def test_html_escapes_every_value_and_name(report: Report, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>&\"'"
    await report('select $1::text as "<b>x"', params=[evil], format="html", filename="p")

    page = (tmp_path / "p.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;" in page
    assert "<th>&lt;b&gt;x</th>" in page


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
async def test_csv_disarms_formulas_and_leaves_numbers(
    report: Report, tmp_path: Path, start: str
) -> None:
    await report('select $1::text as "=h", -5 as n', params=[f"{start}cmd|' /c calc'!A0"])

    with (tmp_path / "report-4711.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["'=h", "n"], [f"'{start}cmd|' /c calc'!A0", "-5"]]


async def test_a_report_replaces_an_older_one_whole_and_follows_no_link(
    report: Report, tmp_path: Path
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("precious")
    (tmp_path / "latest.csv").symlink_to(outside)

    await report("select 1 as n", filename="latest.csv")

    assert outside.read_text() == "precious"
    assert not (tmp_path / "latest.csv").is_symlink()
    assert (tmp_path / "latest.csv").read_text() == "n\n1\n"


async def test_what_a_killed_attempt_left_is_removed(report: Report, tmp_path: Path) -> None:
    (tmp_path / ".forge-4711-deadbeef.part").write_text("half")
    (tmp_path / ".forge-47110-deadbeef.part").write_text("another job's")

    await report("select 1")

    assert sorted(leftovers(tmp_path)) == [".forge-47110-deadbeef.part", "report-4711.csv"]
