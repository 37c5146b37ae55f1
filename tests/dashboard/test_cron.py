"""Cron expressions in plain words."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.dashboard.modules import call

WORDS = {
    "0 9 * * mon-fri": "every weekday at 09:00 in Europe/Berlin",
    "0 9 * * *": "every day at 09:00 in Europe/Berlin",
    "30 8,17 * * 1,4": "every Monday and Thursday at 08:30 and 17:30 in Europe/Berlin",
    "0 3 * * 0": "every Sunday at 03:00 in Europe/Berlin",
    "0 9 * * 5-7": "every Friday, Saturday and Sunday at 09:00 in Europe/Berlin",
    "* * * * *": "every minute",
    "*/5 * * * *": "every 5 minutes",
    "*/7 * * * *": "every 7 minutes from each full hour",
    "0 * * * *": "every hour",
    "@hourly": "every hour",
    "1 * * * *": "at 1 minute past every hour",
    "7,37 * * * *": "at 7 and 37 minutes past every hour",
    "0 */6 * * *": "every 6 hours",
    "15 */6 * * *": "every 6 hours at 15 past in Europe/Berlin",
    "0 9-17 * * *": "every hour from 09:00 to 17:00 in Europe/Berlin",
    "*/15 9-17 * * mon-fri": "every 15 minutes from 09:00 to 17:59 on weekdays in Europe/Berlin",
    "0 0 1 * *": "on the 1st of every month at 00:00 in Europe/Berlin",
    "30 4 L * *": "on the last day of every month at 04:30 in Europe/Berlin",
    "0 0 LW * *": "on the last weekday of every month at 00:00 in Europe/Berlin",
    "0 9 * * mon#1": "on the first Monday of every month at 09:00 in Europe/Berlin",
    "0 9 * * 5L": "on the last Friday of every month at 09:00 in Europe/Berlin",
    "30 4 1 1,7 *": "on the 1st of January and July at 04:30 in Europe/Berlin",
    "0 9 * jan-mar mon": "every Monday from January to March at 09:00 in Europe/Berlin",
    # Cron takes either day, unless one of the two fields begins with a star.
    "0 0 1,15 * 5": ("on the 1st and 15th of every month and on Fridays at 00:00 in Europe/Berlin"),
    "0 0 */2 * mon": ("on every 2nd day of every month that is a Monday at 00:00 in Europe/Berlin"),
    "@yearly": "on the 1st of January at 00:00 in Europe/Berlin",
    "every 15 minutes": "every 15 minutes",
    "every 1 day": "every day",
    "@every 90s": "every 90 seconds",
    "every 1 h 30 min": "every 1 hour 30 minutes",
}


@pytest.mark.parametrize(("cron", "words"), WORDS.items(), ids=list(WORDS))
def test_an_expression_is_said_in_words(modules: Page, cron: str, words: str) -> None:
    assert call(modules, "core/cron", "m.words(v[0], 'Europe/Berlin')", cron) == words


def test_utc_is_said_as_people_say_it(modules: Page) -> None:
    assert call(modules, "core/cron", "m.words('0 9 * * *', 'UTC')") == "every day at 09:00 UTC"
    assert call(modules, "core/cron", "m.words('0 9 * * *')") == "every day at 09:00"


@pytest.mark.parametrize(
    "cron",
    ["", "soon", "61 * * * *", "* * * *", "* * * * * *", "5-1 * * * *", "*/0 * * * *",
     "every", "every now and then", "every 3 fortnights", "* * 32 * *", "* * * 13 *",
     "* * * * 8", "* * * * mon#6", "* * L,x * *", "__proto__ * * * *"],
)  # fmt: skip
def test_what_cannot_be_read_stays_as_it_is(modules: Page, cron: str) -> None:
    assert call(modules, "core/cron", "m.words(v[0], 'UTC')", cron) == cron
    assert call(modules, "core/cron", "m.isRead(v[0])", cron) is False
