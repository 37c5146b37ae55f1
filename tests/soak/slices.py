"""Retention in minutes: the day of the run is cut into slices, which become old days one by one.

Forge keeps finished jobs and logs by the day, and drops whole days; a run of minutes would see none
go. So today's partition gives way to slices of a few minutes. One that is over is given the name of
a day long past, by which the tick finds it and drops it: with its own statement, under load.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from tests.database import Conn, connect

PARENTS = ("history", "job_logs")
AHEAD = 2  # slices, as the tick makes days ahead
LONG_PAST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Slices:
    dsn: str
    length: timedelta
    conn: Conn = field(init=False)
    edge: datetime = field(init=False)  # up to where there are slices
    kept: list[tuple[str, datetime]] = field(default_factory=list)  # of each, its end
    passed: int = 0

    def begin(self) -> None:
        """In place of today's partitions, which are still empty."""
        self.conn = connect(self.dsn, autocommit=True)
        self.conn.execute("select forge.tick()")
        self.edge = datetime.now(UTC)
        midnight = self.edge.replace(hour=0, minute=0, second=0, microsecond=0)
        for parent in PARENTS:
            today = f"{parent}_{self.edge:%Y%m%d}"
            with self.conn.transaction():
                self.conn.execute(sql.SQL("drop table forge.{}").format(sql.Identifier(today)))
                self._create(parent, today, midnight, self.edge)
        self.turn()

    def turn(self) -> None:
        """Make the slices that are needed soon, and give up those that are over."""
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if (
            self.edge < now
        ):  # too late for those: what ended meanwhile lies in the default partition
            self.edge = now + timedelta(seconds=1)
        while self.edge < min(midnight, now + AHEAD * self.length):
            end = min(midnight, self.edge + self.length)
            with self.conn.transaction():
                self.conn.execute("set local lock_timeout = '50ms'")
                names = [f"{parent}_slice_{self.edge:%H%M%S}" for parent in PARENTS]
                for parent, name in zip(PARENTS, names, strict=True):
                    self._create(parent, name, self.edge, end)
            self.kept += [(name, end) for name in names]
            self.edge = end
        for name, end in [each for each in self.kept if each[1] + self.length < now]:
            parent = name.partition("_slice_")[0]
            day = LONG_PAST + timedelta(days=self.passed)
            with self.conn.transaction():
                self.conn.execute("set local lock_timeout = '50ms'")
                self.conn.execute(
                    sql.SQL("alter table forge.{} rename to {}").format(
                        sql.Identifier(name), sql.Identifier(f"{parent}_{day:%Y%m%d}")
                    )
                )
            self.kept.remove((name, end))
            self.passed += 1

    def try_to_turn(self) -> str | None:
        """What went wrong, if anything did: there is time until the next slice is needed."""
        try:
            if self.conn.closed:
                self.conn = connect(self.dsn, autocommit=True)
            self.turn()
        except psycopg.errors.LockNotAvailable:
            return None  # somebody is in the way, as happens to the tick
        except psycopg.Error as error:
            return f"{type(error).__name__}: {error}"
        return None

    def close(self) -> None:
        self.conn.close()

    def _create(self, parent: str, name: str, begin: datetime, end: datetime) -> None:
        self.conn.execute(
            sql.SQL(
                "create table forge.{} partition of forge.{} for values from ({}) to ({})"
            ).format(
                sql.Identifier(name),
                sql.Identifier(parent),
                sql.Literal(begin.isoformat()),
                sql.Literal(end.isoformat()),
            )
        )
        owner = sql.SQL(
            "do $do$ begin execute format('alter table forge.%I owner to %I', {}, (select"
            " pg_get_userbyid(relowner) from pg_class where oid = {}::regclass)); end $do$"
        ).format(sql.Literal(name), sql.Literal(f"forge.{parent}"))
        self.conn.execute(owner)
