"""What stands in the tables, in the words of the model."""

from __future__ import annotations

from dataclasses import fields

from tests.database import Conn
from tests.model.records import Record

TABLES = """
select 'jobs' as place, status, lease_expires_at, progress, {common} from forge.jobs
union all
select 'history', status, null, null, {common} from forge.history
union all
select 'dead_jobs', 'DEAD', null, null, {common} from forge.dead_jobs
"""
COMMON = """
    id, priority, scheduled_at, unique_key, max_retries, attempts, lease, revivals,
    jsonb_array_length(coalesce(errors, '[]')) as errors,
    cancel_requested_at is not null as cancel_asked
"""
QUERY = TABLES.format(common=COMMON).encode()
NAMES = [each.name for each in fields(Record)]


def rows(connection: Conn) -> list[Record]:
    return [Record(**{name: row[name] for name in NAMES}) for row in connection.execute(QUERY)]


def edges(connection: Conn) -> set[tuple[str | None, str, str]]:
    return {
        (row["from_status"], row["to_status"], row["by"])
        for row in connection.execute("select * from forge.transitions()")
    }
