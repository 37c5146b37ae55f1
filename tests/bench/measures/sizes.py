"""How large the tables are after a million jobs at a steady state."""

from __future__ import annotations

from tests.bench.measure import Case, Measure, Sample
from tests.bench.measures.flow import flow
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE

JOBS = 1_000_000
SHOWN = 100  # kB: what is smaller is of no interest
HISTORY = "history"
HOT = "all but the history, with indexes, MB"
GOAL = Goal(title="All tables but the history after 1,000,000 jobs, MB", limit=50, at_most=True)

# Partitions count as the table that they are part of.
SIZES = """
select coalesce(p.relname, c.relname),
       sum(pg_table_size(c.oid)) / 1024, sum(pg_indexes_size(c.oid)) / 1024
from pg_class as c
left join pg_inherits as i on i.inhrelid = c.oid
left join pg_class as p on p.oid = i.inhparent
where c.relnamespace = 'forge'::regnamespace and c.relkind = 'r'
group by 1
order by 2 desc, 1
"""


def _take(rig: Rig) -> Sample:
    with rig.database(FORGE) as database:
        flow(rig, database, jobs=rig.options.jobs(JOBS))
        sizes = database.rows(SIZES)
        hot = sum(own + indexes for table, own, indexes in sizes if table != HISTORY)
        figures = {HOT: float(hot) / 1024}
        for table, own, indexes in sizes:
            if own + indexes >= SHOWN:
                figures[f"{table}: table kB"] = float(own)
                figures[f"{table}: indexes kB"] = float(indexes)
    return Sample(figures)


MEASURE = Measure(
    key="sizes",
    title="Table sizes after 1,000,000 jobs at a steady state",
    about="pgbench, 2 connections, 10 jobs in and 10 out at a time on a backlog of 10,000; "
    "autovacuum as it comes. Tables that have 100 kB or more with their indexes; the history holds "
    "all that was finished.",
    cases=[Case(subject=FORGE, name="at the end", take=_take, goals={HOT: GOAL})],
    rounds=1,
)
