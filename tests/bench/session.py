"""One run of the bench, from its server's start to its server's end."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from tests.bench import machine
from tests.bench.measure import Measure
from tests.bench.options import Options
from tests.bench.peers.install import PeersMissing
from tests.bench.result import Found, Report
from tests.bench.rig import Rig
from tests.bench.run import run
from tests.bench.server import open_server
from tests.bench.store import load, merged, publish, save
from tests.bench.subjects import PEERS, SUBJECTS

Tell = Callable[[str], object]


def measure(measures: Sequence[Measure], options: Options, command: str, tell: Tell) -> Report:
    """Take the measures; what is found is kept one by one."""
    present, left_out = _present(options, measures, tell)
    found: list[Found] = []
    before = load(options.out)
    with open_server(options.dsn) as server:
        report = Report(
            machine=machine.machine(server.dsn),
            versions=machine.versions(server.dsn, present),
            settings=machine.settings(server.dsn),
            configurations={name: json.dumps(PEERS[name]) for name in present if name in PEERS},
            left_out=left_out,
            measures=found,
        )
        rig = Rig(server, options)
        try:
            for each in measures:
                found.append(run(each, rig, present, command, tell))
                save(merged(before, report), options.out)
        finally:
            rig.close()
            if found:
                publish(merged(before, report), options.out)
    return report


def _present(
    options: Options, measures: Sequence[Measure], tell: Tell
) -> tuple[list[str], dict[str, str]]:
    """The subjects that can be measured here, and why the others cannot."""
    needed = {case.subject for each in measures for case in each.cases}
    present, left_out = [], {}
    for name in options.subjects or SUBJECTS:
        if name not in needed:
            continue
        try:
            tell(f"preparing {name}")
            SUBJECTS[name].command()
        except PeersMissing as error:
            left_out[name] = str(error)
            tell(f"LEFT OUT: {name}: {error}")
        else:
            present.append(name)
    return present, left_out
