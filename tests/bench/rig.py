"""What a case is given to work with: the server, its pgbench, and a fresh database of a subject."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from forge.db import VACUUM
from tests.bench import pgbench
from tests.bench.databases import Database, connect
from tests.bench.options import Options
from tests.bench.server import Server
from tests.bench.subjects import SUBJECTS

TICK = 1.0  # seconds between two calls of forge.tick(), as by a worker


@dataclass
class Rig:
    """One run's server and options; templates are made when first needed."""

    server: Server
    options: Options
    tell: Callable[[str], object] = lambda _: None
    _run: str = field(default_factory=lambda: secrets.token_hex(3))
    _templates: dict[str, Database] = field(default_factory=dict)

    @contextmanager
    def database(self, subject: str, *, alone: bool = False) -> Iterator[Database]:
        """A database that holds the subject's tables and nothing else, dropped at the end.

        Where there is Forge somebody calls `forge.tick()` every second, as a worker would, unless
        the database is to be left alone.
        """
        template = self._template(subject)
        database = Database(self.server.dsn, f"forge_bench_{self._run}_{secrets.token_hex(3)}")
        with ExitStack() as stack:
            stack.callback(database.drop)
            database.create(template.name)
            SUBJECTS[subject].prepare(database)
            if SUBJECTS[subject].ticks and not alone:
                stack.enter_context(_ticking(database.dsn))
            yield database

    def pgbench(self, database: Database, load: pgbench.Load) -> pgbench.Ran:
        """Run a script to its end."""
        return pgbench.run(self.server.pgbench, database.dsn, load)

    def close(self) -> None:
        """Drop the templates."""
        for template in self._templates.values():
            template.drop()

    def _template(self, subject: str) -> Database:
        kind = SUBJECTS[subject].tables
        if kind not in self._templates:
            template = Database(self.server.dsn, f"forge_bench_{self._run}_template_{kind}")
            self._templates[kind] = template
            template.create()
            SUBJECTS[subject].install(template)
        return self._templates[kind]


@contextmanager
def _ticking(dsn: str) -> Iterator[None]:
    ended = threading.Event()

    def tick() -> None:
        with connect(dsn) as connection:
            while not ended.wait(TICK):
                tasks = connection.execute("select task from forge.tick()").fetchall()
                if ("vacuum",) in tasks:
                    connection.execute(VACUUM.encode())

    thread = threading.Thread(target=tick, name="tick")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
