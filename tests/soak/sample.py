"""One look at all that is to stay flat. A part that fails is noted, and the others are kept."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.proc import cpu_seconds, resident_megabytes
from tests.database import Conn, connect
from tests.soak.records import Tail
from tests.soak.waits import percentile, together

TOTALS = """
select
    sum(s.completed + s.cancelled) as ended, sum(s.failed) as failed, sum(s.ready) as ready,
    sum(s.processing) as processing, sum(s.scheduled) as scheduled, sum(s.waiting) as waiting,
    sum(s.dead) as dead
from forge.stats() as s
"""
# Partitions, and their indexes, count with what they are parts of.
SIZES = """
select
    coalesce(p.relname, c.relname) as relation,
    sum(
        case when c.relkind = 'r' then pg_table_size(c.oid) else pg_relation_size(c.oid) end
    )::bigint as bytes
from pg_class as c
left join pg_inherits as i on i.inhrelid = c.oid
left join pg_class as p on p.oid = i.inhparent
where c.relnamespace = 'forge'::regnamespace and c.relkind in ('r', 'i')
group by 1
"""
DEAD_ROWS = """
select relname as relation, n_dead_tup as rows
from pg_stat_user_tables
where schemaname = 'forge' and n_dead_tup > 0 and relname !~ '_(\\d{8}|slice_\\d+|default)$'
"""
SERVER = """
select array_agg(a.pid) as pids, (
    select d.deadlocks from pg_stat_database as d where d.datname = current_database()
) as deadlocks
from pg_stat_activity as a
"""
DROPPED = "select count(*) as slices from pg_class where relname ~ '^(history|job_logs)_1970'"


@dataclass
class Sampler:
    dsn: str
    records: Path
    pids: Callable[[], dict[str, int]]
    seen: Counter[str] = field(default_factory=Counter)
    _conn: Conn | None = None
    _ended: tuple[float, int] | None = None
    _cpu: dict[tuple[str, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tail = Tail(self.records)
        self._began = time.monotonic()

    def take(self, phase: str, **more: Any) -> dict[str, Any]:
        now = time.monotonic()
        sample: dict[str, Any] = {"at": round(now - self._began, 2), "phase": phase, **more}
        missed = {}
        for part in (
            self._throughput,
            self._waits,
            self._sizes,
            self._dead_rows,
            self._server,
            self._processes,
        ):
            try:
                sample |= part()
            except Exception as error:  # whatever it is, a look that failed does not end the run
                missed[part.__name__.strip("_")] = f"{type(error).__name__}: {error}"[:300]
                if self._conn is not None and self._conn.broken:
                    self._conn = None
        if missed:
            sample["missed"] = missed
        return sample

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()

    def rows(self, query: str) -> list[dict[str, Any]]:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self.dsn, autocommit=True, application_name="soak-sampler")
        cursor = self._conn.execute(query.encode())
        return cursor.fetchall() if cursor.description else []

    def _throughput(self) -> dict[str, Any]:
        (row,) = self.rows(TOTALS)
        now = time.monotonic()
        numbers = {name: int(number or 0) for name, number in row.items()}
        before, self._ended = self._ended, (now, numbers["ended"])
        if before is not None:
            span = max(now - before[0], 0.001)
            numbers["per_second"] = round((numbers["ended"] - before[1]) / span, 1)  # type: ignore[assignment]
        return numbers

    def _waits(self) -> dict[str, Any]:
        lines = self._tail.lines()
        seen: Counter[str] = Counter()
        for line in lines:
            seen.update(line["seen"])
        self.seen += seen
        waits = together([line["waits"] for line in lines])
        return {
            "picked_up": sum(waits.values()),
            **{name: milliseconds(percentile(waits, share)) for name, share in SHARES},
            "made": seen["made"],
            "left_out": seen["jobs left out"],
            "troubles": [each for line in lines for each in line["troubles"]][:20],
        }

    def _sizes(self) -> dict[str, Any]:
        return {"bytes": {row["relation"]: int(row["bytes"]) for row in self.rows(SIZES)}}

    def _dead_rows(self) -> dict[str, Any]:
        return {"dead_rows": {row["relation"]: int(row["rows"]) for row in self.rows(DEAD_ROWS)}}

    def _server(self) -> dict[str, Any]:
        (row,) = self.rows(SERVER)
        memory = [own for pid in row["pids"] if (own := own_megabytes(pid)) is not None]
        return {
            "deadlocks": row["deadlocks"],
            "backends": len(row["pids"]),
            "server_mb": round(sum(memory), 1) if memory else None,
            "largest_backend_mb": round(max(memory), 1) if memory else None,
        }

    def _processes(self) -> dict[str, Any]:
        memory, cpu = {}, {}
        for name, pid in self.pids().items():
            memory[name] = round(resident_megabytes(pid), 1)
            used = cpu_seconds(pid)
            cpu[name] = round(used - self._cpu.get((name, pid), 0), 2)
            self._cpu[name, pid] = used
        return {"memory_mb": memory, "cpu_seconds": cpu, "load": os.getloadavg()[0]}


SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("longest", 1.0))


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def own_megabytes(pid: int) -> float | None:
    """The memory of a server's process without what it shares; None where it cannot be seen."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("Pss_Anon:")), None)
