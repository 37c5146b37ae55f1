"""No function that changes something is left out of the races, unless it is said why."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.concurrency.interleavings.acts import ACTS
from tests.concurrency.interleavings.apart import FAMILIES
from tests.concurrency.interleavings.test_lists import LISTS
from tests.database import Conn

READS = "it reads only; volatile, as its helpers look at a sequence or a lock"
EXCUSED = {
    "explain": READS,
    "job": READS,
    "list_admissions": READS,
    "list_limits": READS,
    "queue_page": READS,
    "enqueue_batch": "open_batch, enqueue_many and close_batch in one transaction, which are here",
    "park": "what it takes is the session's, and no commit ends it: test_doorbell.py",
    "unpark": "as park",
}


def called(statements: Iterable[str]) -> set[str]:
    return {name for sql in statements for name in re.findall(r"\bforge\.([a-z]\w*)\(", sql)}


def test_every_function_that_changes_something_is_raced_or_excused(tx: Conn) -> None:
    volatile = {
        row["proname"]
        for row in tx.execute(
            "select proname from pg_proc where pronamespace = 'forge'::regnamespace"
            " and provolatile = 'v' and proname not like '\\_%'"
        ).fetchall()
    }
    raced = called(
        [
            *(act.sql for act in ACTS),
            *(sql for _, sql in LISTS.values()),
            *(sql for family in FAMILIES for sql in family.acts.values()),
        ]
    )
    assert volatile - raced == set(EXCUSED)
    assert raced & set(EXCUSED) == set()
