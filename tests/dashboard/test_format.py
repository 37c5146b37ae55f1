"""The pure modules, run where they run: numbers, times, JSON in words, server-sent events."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.modules import call


@pytest.mark.parametrize(
    ("number", "over", "text"),
    [
        (0, False, "0"),
        (9999, False, "9,999"),
        (10000, True, "10,000+"),
        (184213, False, "184,213"),
        (12_345_678, False, "12.3M"),
    ],
)
def test_counts(modules: Page, number: int, over: bool, text: str) -> None:
    assert call(modules, "core/format", "m.count(v[0], v[1])", number, over) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.44, "440 ms"), (12.9, "12 s"), (60, "1 min"), (200, "3 min"),
     (900, "15 min"), (7500, "2 h 5 min"), (90_000, "1 d 1 h"), (-5, "0 ms")],
)  # fmt: skip
def test_durations(modules: Page, seconds: float, text: str) -> None:
    assert call(modules, "core/format", "m.duration(v[0] * 1000)", seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-0.5, "now"), (-12, "12 s ago"), (5, "in 5 s"), (-7200, "2 h ago"),
     (-86400 * 60, "2 Nov 2025")],
)  # fmt: skip
def test_relative_times(modules: Page, seconds: float, text: str) -> None:
    now = "Date.UTC(2026, 0, 1, 12)"
    assert call(modules, "core/format", f"m.relative({now} + v[0] * 1000, {now})", seconds) == text


@pytest.mark.parametrize(
    ("job", "word"),
    [({"status": "PENDING", "scheduled_at": "2026-01-01T00:00:00Z", "attempts": 0}, "Ready"),
     ({"status": "PENDING", "scheduled_at": "2026-01-03T00:00:00Z", "attempts": 0}, "Scheduled"),
     ({"status": "PENDING", "scheduled_at": "2026-01-03T00:00:00Z", "attempts": 2}, "Retrying"),
     ({"status": "PROCESSING", "cancel_requested_at": "2026-01-01T00:00:00Z"}, "Cancelling"),
     ({"status": "DEAD"}, "Dead"), ({"status": "NEW"}, "NEW")],
)  # fmt: skip
def test_statuses(modules: Page, job: dict[str, Any], word: str) -> None:
    assert call(modules, "core/format", "m.status(v[0], Date.UTC(2026, 0, 2)).word", job) == word


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Empty"), ("{", "ends too early"), ("{'a': 1}", "straight double quotes"),
     ("{a: 1}", "a name needs double quotes"), ('{"a": 1,}', "has nothing after it"),
     ('{"a": True}', "only true, false and null"),
     ('{"a": 1 "b": 2}', "Line 1, column 9: a comma is missing"),
     ('{"a" 1}', "a colon is missing"), ('"\\u0000"', "cannot store"),
     ('"a\nb"', "is written \\n")],
)  # fmt: skip
def test_what_is_wrong_with_a_payload(modules: Page, text: str, words: str) -> None:
    assert words in call(modules, "core/payload", "m.problem(v[0])", text)


@pytest.mark.parametrize("text", ["{}", "null", "[1, 2]", '"text"', '{"a": "\\u202e"}'])
def test_what_is_right_with_a_payload(modules: Page, text: str) -> None:
    assert call(modules, "core/payload", "m.problem(v[0])", text) is None


def test_a_payload_over_the_limit_is_refused_by_its_bytes(modules: Page) -> None:
    assert "at most 1,048,576" in call(
        modules, "core/payload", "m.problem('\"' + 'é'.repeat(600000) + '\"')"
    )


def test_a_megabyte_without_its_closing_quote_is_judged_at_once(modules: Page) -> None:
    words = call(modules, "core/payload", "m.problem('\"' + 'a'.repeat(1000000))")
    assert "no closing quote" in words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5 h", 5400), ("2 min 30 s", 150), ("7 days", 604_800), ("250ms", 0.25),
     ("0", 0), ("soon", None), ("5 parsecs", None), ("1 2", None), ("", None), ("-5", None)],
)  # fmt: skip
def test_lengths_of_time_are_read_as_people_write_them(
    modules: Page, text: str, seconds: float | None
) -> None:
    assert call(modules, "core/format", "m.seconds(v[0])", text) == seconds


@pytest.mark.parametrize("length", [0, 0.25, 1.5, 90, 5400, 86_400, 90_061.5])
def test_lengths_of_time_are_written_so_that_they_are_read_back(
    modules: Page, length: float
) -> None:
    assert call(modules, "core/format", "m.seconds(m.written(v[0]))", length) == length


def test_a_value_goes_out_with_the_digits_that_were_typed(modules: Page) -> None:
    text = call(
        modules,
        "core/json",
        "m.stringify({ a: new m.Exact('{\"n\": 1.10}'), b: [1, null, 'x'], c: undefined })",
    )
    assert text == '{"a":{"n": 1.10},"b":[1,null,"x"]}'


@pytest.mark.parametrize("number", ["12345678901234567890", "1.10", "1e400", "-0.000", "7"])
def test_numbers_are_shown_as_the_server_wrote_them(modules: Page, number: str) -> None:
    assert call(modules, "core/json", "m.pretty(m.parse(v[0])).text", number) == number


def test_secrets_are_masked_by_their_key(modules: Page) -> None:
    value = {"user": "a", "Password": "p", "auth": {"access_token": ["t"]}, "tokenless": None}
    text = call(modules, "core/json", "m.pretty(v[0], { hide: true }).text", value)
    assert '"a"' in text
    assert '"p"' not in text
    assert '"t"' not in text
    assert call(modules, "core/json", "m.pretty(v[0], { hide: true }).secrets", value) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_however_they_are_cut(modules: Page, size: int) -> None:
    stream = (
        "retry: 2000\n\n: beat\n\n"
        'event: stats\r\ndata: {"a":1}\r\n\r\n'
        "data: x\ndata: y\n\nevent: cut"
    )
    events = call(
        modules,
        "core/sse",
        "(events => { const feed = m.parser((name, data) => events.push([name, data]));"
        " for (let at = 0; at < v[0].length; at += v[1]) feed(v[0].slice(at, at + v[1]));"
        " return events; })([])",
        stream,
        size,
    )
    assert events == [["stats", '{"a":1}'], ["message", "x\ny"]]
