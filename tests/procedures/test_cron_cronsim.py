"""Cron expressions against the library cronsim, around the changes of the clocks in five zones.

FORGE_TEST_EXAMPLES=5000 runs so many, at random. What cronsim does and Forge does not:
  * it reads `n-n/step` as `n/step`, and the generator makes none of these;
  * begun in the second showing of an hour, it names times that are over;
  * it names a midnight that the clocks skip, where the expression means real time and single days.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.database import Conn

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Sydney",
    "America/Havana",  # changes at midnight
    "Africa/Casablanca",  # changes for Ramadan
)
RUNS = 6
LONG = "FORGE_TEST_EXAMPLES" in os.environ
thorough = settings(
    max_examples=int(os.environ.get("FORGE_TEST_EXAMPLES", "300")),
    derandomize=not LONG,
    print_blob=LONG,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@cache
def changes(zone: str) -> list[datetime]:
    """The hours (UTC) before which the clocks of a zone were changed, 2012 to 2024."""
    hours = (datetime(2012, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(13 * 8766))
    found = []
    before = None
    for hour in hours:
        offset = hour.astimezone(ZoneInfo(zone)).utcoffset()
        if before not in (None, offset):
            found.append(hour)
        before = offset
    return found


def numbers(low: int, high: int, names: str = "") -> st.SearchStrategy[str]:
    """An item of a field: * n a-b */s n/s a-b/s, with names for numbers here and there."""

    def word(number: int) -> st.SearchStrategy[str]:
        named = names.split()[number - low : number - low + 1]
        return st.sampled_from([str(number), *named])

    def spanned(ends: tuple[int, int]) -> st.SearchStrategy[str]:
        return st.tuples(*map(word, ends)).map("-".join)

    single = st.integers(low, high).flatmap(word)
    span = (
        st.tuples(st.integers(low, high), st.integers(low, high))
        .filter(lambda ends: ends[0] < ends[1])
        .flatmap(spanned)
    )
    step = st.integers(1, high + 2).map(str)
    stepped = st.tuples(single | span | st.just("*"), step).map("/".join)
    return single | span | stepped


def fields(item: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("*") | item | st.lists(item, min_size=2, max_size=3).map(",".join)


MONTHS = "jan FEB Mar apr may jun jul aug sep oct nov dec"
DAYS = "sun MON Tue wed thu fri sat"
minutes = fields(numbers(0, 59)) | st.sampled_from(["0", "30", "0,30", "*", "*/20"])
hours = fields(numbers(0, 23)) | st.sampled_from(["0", "1", "2", "3", "0-3", "1,2"])
days = fields(numbers(1, 31) | st.sampled_from(["L", "LW"])) | st.just("*")
months = fields(numbers(1, 12, MONTHS)) | st.just("*")
nth = st.tuples(st.integers(0, 7).map(str) | st.sampled_from(DAYS.split()), st.integers(1, 5)).map(
    lambda pair: f"{pair[0]}#{pair[1]}"
)
weekdays = fields(numbers(0, 7, DAYS) | nth | st.integers(0, 7).map("{}L".format)) | st.just("*")
expressions = st.tuples(minutes, hours, days, months, weekdays).map(" ".join)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a time that is mostly close to a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    change = draw(st.sampled_from(changes(zone)))
    seconds = draw(st.integers(-3 * 3600, 3 * 3600) | st.integers(-3 * 86400, 400 * 86400))
    return zone, change + timedelta(seconds=seconds)


def is_real(moment: datetime) -> bool:
    return moment.astimezone(UTC).astimezone(moment.tzinfo) == moment


def by_cronsim(expression: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Its times after `after`, as they are in UTC."""
    last = after
    for moment in CronSim(expression, after.astimezone(ZoneInfo(zone))):
        at = moment.astimezone(UTC)
        second_before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        if at > last and (
            is_real(moment) or next(CronSim(expression, second_before)).astimezone(UTC) == at
        ):
            last = at
            yield at


# next_runs without its look at the names of time zones, which takes longer than all the rest.
NEXT_RUNS = """
with recursive run (n, at) as (
    select 0, %(after)s::timestamptz
    union all
    select n + 1, forge._next_run(forge._read_cron(%(cron)s), %(zone)s, %(after)s, at)
    from run
    where n < %(runs)s and at <= %(until)s
)
select at from run where n > 0 and at is not null order by n
"""
LAST_RUNS = """
select forge._last_runs(
    forge._read_cron(%(cron)s), %(zone)s, '1970-01-01', %(after)s, %(until)s, %(count)s
) as runs
"""


def by_forge(
    tx: Conn, expression: str, zone: str, after: datetime, until: datetime | str = "infinity"
) -> list[datetime]:
    """The first times after one time, or all until the first after another."""
    runs = RUNS if until == "infinity" else 10_000
    values = {"cron": expression, "zone": zone, "after": after, "until": until, "runs": runs}
    return [row["at"] for row in tx.execute(NEXT_RUNS, values)]


@example("30 2 * * *", ("America/New_York", datetime(2024, 3, 10, 0, tzinfo=UTC)))
@example("*/20 5 * * *", ("America/New_York", datetime(2024, 3, 10, 5, 30, tzinfo=UTC)))
@example("* 0 10 3 *", ("America/Havana", datetime(2024, 3, 9, tzinfo=UTC)))
@example("*/15 0 3 11 *", ("America/Havana", datetime(2024, 11, 2, tzinfo=UTC)))
@given(expressions, moments())
@thorough
def test_an_expression_comes_when_cronsim_says(
    tx: Conn, expression: str, moment: tuple[str, datetime]
) -> None:
    zone, after = moment
    try:
        expected = list(islice(by_cronsim(expression, zone, after), RUNS))
    except CronSimError:
        expected = []

    assert by_forge(tx, expression, zone, after) == expected


def refused_by_cronsim(expression: str) -> bool:
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)), None)
    except CronSimError:
        return True
    return False


LETTERS = "0123456789*/-,L#WMONJA"
odd_fields = st.text(LETTERS, min_size=1, max_size=5)
odd_expressions = st.one_of(
    st.tuples(odd_fields, *[st.just("*")] * 4).map(" ".join),
    st.tuples(*[st.just("*")] * 2, odd_fields, *[st.just("*")] * 2).map(" ".join),
    st.tuples(*[st.just("*")] * 4, odd_fields).map(" ".join),
    st.lists(st.sampled_from(["*", "1", "*/5"]), max_size=5).map(" ".join),
)
# Taken by cronsim, with no meaning of their own: a step of the last day, a number of ten digits.
UNWANTED = re.compile(r"LW?/|\d{10}")


# The code of the error, or null: an exception that reaches the client ends the transaction.
REFUSAL = """
create or replace function pg_temp.refusal(expression text) returns text language plpgsql as $$
begin
    perform forge.next_runs(expression, 1);
    return null;
exception when others then
    return sqlstate;
end
$$
"""


@given(odd_expressions)
@thorough
def test_an_expression_is_refused_where_cronsim_refuses_it(tx: Conn, expression: str) -> None:
    tx.execute(REFUSAL)
    assume(not UNWANTED.search(expression))

    code = tx.execute("select pg_temp.refusal(%s) as code", (expression,)).fetchone()

    assert code == {"code": "JQ001" if refused_by_cronsim(expression) else None}


@given(expressions, moments(), st.integers(1, 72 * 60), st.integers(1, 5))
@settings(thorough, max_examples=thorough.max_examples // 3)
def test_the_newest_runs_are_the_last_of_all_runs(
    tx: Conn, expression: str, moment: tuple[str, datetime], minutes: int, count: int
) -> None:
    zone, after = moment
    until = after + timedelta(minutes=minutes)
    values = {"cron": expression, "zone": zone, "after": after, "until": until, "count": count}

    found = tx.execute(LAST_RUNS, values).fetchone()

    runs = [at for at in by_forge(tx, expression, zone, after, until) if at <= until]
    assert found == {"runs": runs[-count:]}
