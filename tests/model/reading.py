"""What stands in the tables, in the words of the model."""

from __future__ import annotations

from dataclasses import fields

from tests.database import Conn
from tests.model.records import Record

TABLES = """
select 'jobs' as place, status, lease_expires_at, progress, {waits} as waits_for, {common}
from forge.jobs as j
union all
select 'history', status, null, null, '{{}}', {common} from forge.history
union all
select 'dead_jobs', 'DEAD', null, null, '{{}}', {common} from forge.dead_jobs
"""
WAITS = """
    array(
        select o.parent
        from forge.open_dependencies as o
        where o.child = j.id and j.status = 'WAITING'
    )
"""
COMMON = """
    id, priority, scheduled_at, unique_key, max_retries, attempts, lease, revivals,
    queue, unique_scope, concurrency_key, type, payload,
    jsonb_array_length(coalesce(errors, '[]')) as errors,
    cancel_requested_at is not null as cancel_asked
"""
QUERY = TABLES.format(common=COMMON, waits=WAITS).encode()
NAMES = [each.name for each in fields(Record) if each.compare]


def rows(connection: Conn) -> list[Record]:
    found = connection.execute(QUERY).fetchall()
    for row in found:
        row["waits_for"] = set(row["waits_for"])
    return [Record(**{name: row[name] for name in NAMES}) for row in found]


def edges(connection: Conn) -> set[tuple[str | None, str, str]]:
    return {
        (row["from_status"], row["to_status"], row["by"])
        for row in connection.execute("select * from forge.transitions()")
    }
