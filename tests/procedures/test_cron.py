"""64_cron, 64_next_run: abbreviations, intervals, odd zones, and what is refused.

The rest of the arithmetic is compared with cronsim, in test_cron_cronsim.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.procedures.calls import Calls

START = "2024-01-31T12:34:56Z"


def runs(call: Calls, cron: str, **given: object) -> list[datetime]:
    rows = call.rows("next_runs", **{"cron": cron, "count": 3, "after": START, **given})
    return [row["next_runs"] for row in rows]


def at(text: str, zone: str = "UTC") -> datetime:
    # in UTC, as Python holds a local time that comes twice for equal to none in another zone
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("@hourly", "2024-01-31T13:00"),
        ("@daily", "2024-02-01T00:00"),
        ("@midnight", "2024-02-01T00:00"),
        ("@weekly", "2024-02-04T00:00"),
        ("@monthly", "2024-02-01T00:00"),
        ("@yearly", "2025-01-01T00:00"),
        ("@Annually", "2025-01-01T00:00"),
        ("  0\t9 * *   mon-fri ", "2024-02-01T09:00"),
        ("0 0 L * *", "2024-02-29T00:00"),
        ("0 0 LW * *", "2024-02-29T00:00"),
        ("0 0 * * 5L", "2024-02-23T00:00"),
        ("0 0 * * MON#1", "2024-02-05T00:00"),
        ("0 0 29 2 */7", "2032-02-29T00:00"),
    ],
)
def test_an_expression_comes_next_at(cron: str, first: str, call: Calls) -> None:
    assert runs(call, cron)[0] == at(first)


def test_a_range_of_one_number_with_a_step_is_that_number(call: Calls) -> None:
    """Other than in cronsim, which takes it for all numbers from there."""
    assert runs(call, "5-5/10 * * * *", count=2) == [at("2024-01-31T13:05"), at("2024-01-31T14:05")]


@pytest.mark.parametrize(
    ("cron", "step"),
    [
        ("every 15 minutes", timedelta(minutes=15)),
        ("@every 1h 30m", timedelta(minutes=90)),
        ("EVERY second", timedelta(seconds=1)),
        ("every hour", timedelta(hours=1)),
        ("every 2 weeks", timedelta(weeks=2)),
        ("every 1.5 hours", timedelta(minutes=90)),
    ],
)
def test_an_interval_is_counted_from_its_start(cron: str, step: timedelta, call: Calls) -> None:
    start = datetime.fromisoformat(START)
    assert runs(call, cron) == [start + n * step for n in (1, 2, 3)]


def test_months_are_counted_on_the_calendar_and_lose_no_day(call: Calls) -> None:
    assert runs(call, "every month") == [
        at(f"2024-{day}T12:34:56") for day in ("02-29", "03-31", "04-30")
    ]


@pytest.mark.parametrize(("cron", "hour"), [("every 1 day", 12), ("every 24 hours", 13)])
def test_a_day_has_the_hours_that_the_clocks_give_it(cron: str, hour: int, call: Calls) -> None:
    zone = "Europe/Berlin"
    before = at("2024-03-30T12:00", zone)

    (run,) = runs(call, cron, time_zone=zone, after=before, count=1)

    assert run == at(f"2024-03-31T{hour}:00", zone)


def test_intervals_from_long_ago_are_counted_at_once(call: Calls) -> None:
    call.rows("schedule", name="s", cron="every second", type="t", starts_at="1970-01-01T00:00Z")
    call.rows("schedule", name="d", cron="every day", type="t", starts_at="1970-01-01T01:00Z")

    (second,) = call.rows("next_runs", name="s", count=1, after="2999-12-30T23:00:00.5Z")
    (day,) = call.rows("next_runs", name="d", count=1, after="2999-12-30T23:00Z")

    assert second["next_runs"] == datetime(2999, 12, 30, 23, 0, 1, tzinfo=UTC)
    assert day["next_runs"] == datetime(2999, 12, 31, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "after", "cron", "expected"),
    [
        # Half an hour on at 2:00, and back: what no zone of test_cron_cronsim does.
        ("Australia/Lord_Howe", "2024-10-06T01:50", "*/15 2 * * *", ["06T02:30", "06T02:45"]),
        ("Australia/Lord_Howe", "2024-10-06T01:50", "0,15 2 * * *", ["06T02:30", "07T02:00"]),
        ("Pacific/Chatham", "2024-09-29T02:40", "*/15 3 * * *", ["29T03:45", "30T03:00"]),
        # A whole day that never was.
        ("Pacific/Apia", "2011-12-29T23:00", "0 12 30 12 *", ["31T00:00"]),
    ],
)
def test_clocks_may_change_by_other_than_an_hour(
    zone: str, after: str, cron: str, expected: list[str], call: Calls
) -> None:
    found = runs(call, cron, time_zone=zone, after=at(after, zone), count=len(expected))

    assert found == [at(after[:8] + day, zone) for day in expected]


def test_a_half_hour_that_is_shown_twice_comes_twice_in_real_time(call: Calls) -> None:
    zone = "Australia/Lord_Howe"  # 2:00 is 1:30 again
    found = runs(call, "*/15 1 * * *", time_zone=zone, after=at("2024-04-07T01:29", zone), count=5)

    steps = [b - a for a, b in pairwise(found)]
    assert found[0] == at("2024-04-07T01:30", zone)
    assert steps[:3] == [timedelta(minutes=15)] * 3


@pytest.mark.parametrize(
    "cron",
    [
        *["", "*", "* * * *", "* * * * * *", "@reboot", "@every", "daily"],
        *["60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8"],
        *["5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "-1 * * * *", "1- * * * *", "a * * * *"],
        *["* * * mon *", "* * * * jan", "* * * * 1#6", "* * * * monL", "* * L/2 * *"],
        *["* * 9999999999 * *", "*/99999999999 * * * *", "0" * 1000 + " * * * *"],
        *["every", "every 15", "every -1 day", "every 0 s", "every 11 years", "every x"],
        *["every 15 minutes ago", "every 999999999 years", "every 1 day 1", None],
    ],
)
def test_what_is_no_expression_is_refused_with_a_hint(cron: str | None, call: Calls) -> None:
    said = call.refusal("JQ001", "schedule", name="s", cron=cron, type="t")

    assert said.message_primary == "cron is not valid"
    assert said.message_hint


def test_a_day_that_never_comes_is_refused(call: Calls) -> None:
    for cron in ("0 0 30 2 *", "0 0 */31 * 5L"):
        assert runs(call, cron) == []
        said = call.refusal("JQ001", "schedule", name="s", cron=cron, type="t")
        assert said.message_hint == "no day within 50 years is meant by it"


@pytest.mark.parametrize("zone", ["Europe/Berlni", "UTC+3", "CEST", "", None])
def test_a_time_zone_has_to_be_known_by_its_full_name(zone: str | None, call: Calls) -> None:
    said = call.refusal("JQ001", "next_runs", cron="@daily", time_zone=zone)

    assert said.message_primary == "time_zone is not valid"


def test_a_time_zone_is_found_in_any_case(call: Calls) -> None:
    row = call.row("schedule", name="s", cron="@daily", type="t", time_zone="europe/berlin")

    assert row["time_zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "given",
    [
        *[{"count": 0}, {"count": 101}, {"count": None}],
        *[{"cron": None}, {"name": "s"}],
        *[{"after": "infinity"}, {"after": "1969-12-31"}],
    ],
    ids=str,
)
def test_arguments_of_next_runs_are_checked(given: dict[str, object], call: Calls) -> None:
    call.refusal("JQ001", "next_runs", **{"cron": "@daily", **given})


def test_the_next_runs_are_those_of_the_schedule_of_the_name(call: Calls) -> None:
    call.rows("schedule", name="s", cron="0 3 * * *", type="t", time_zone="Asia/Tokyo")

    (row,) = call.rows("next_runs", name="s", count=1, after="2100-01-31T12:00:00Z")

    assert row["next_runs"] == at("2100-02-01T03:00", "Asia/Tokyo")
    call.refusal("JQ007", "next_runs", name="none")
