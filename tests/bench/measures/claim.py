"""What the measures of claiming share: a backlog, and pgbench working most of it off."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.bench.measure import Sample
from tests.bench.pgbench import Load
from tests.bench.rig import Rig
from tests.bench.subjects import SUBJECTS

# A claim that finds nothing would count as a fast one, so some jobs are never reached.
REACHED = 0.9


def work_off(
    rig: Rig,
    subject: str,
    script: str,
    *,
    connections: int,
    batch: int,
    per_second: float,
    variables: Mapping[str, object] = MappingProxyType({}),
) -> Sample:
    """Fill the queue with what lasts for about a spell at the given speed, and take it out."""
    least = 10 * connections * batch
    jobs = rig.options.backlog(per_second, least=least)
    load = Load(
        script=script,
        clients=connections,
        each=int(jobs * REACHED / connections / batch),
        variables=variables,
    )
    with rig.database(subject) as database:
        SUBJECTS[subject].fill(database, jobs)
        database.settle()
        return Sample({"jobs/s": rig.pgbench(database, load).per_second * batch})
