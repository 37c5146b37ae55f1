"""The machine for what the database runs and makes itself: SQL handlers, jobs of changed rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from psycopg.rows import DictRow

from tests.model.machine import Machine
from tests.model.records import Record
from tests.model.wishes import seconds
from tests.model.working import picks

# Makes an effect, which has to go where the job fails.
HANDLER = """
create table public.effects (id bigint);
create table public.orders (id bigint primary key, owner text, paid boolean);
create function public.serve(payload jsonb) returns jsonb language plpgsql as $$
begin
    insert into public.effects values (current_setting('forge.job_id')::bigint);
    if payload ? 'fails' then
        raise exception 'it does' using errcode = 'ZZ001';
    end if;
    return payload;
end
$$
"""
TYPE = "sql"


@dataclass
class Watch:
    """What was asked of changes of the table."""

    events: set[str]
    paid_only: bool
    keyed: bool


class Serving(Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.handled = False
        self.handler_queue: str | None = None
        self.worked: list[int] = []  # the jobs whose handlers came to their ends
        self.watch: Watch | None = None
        self.orders: dict[int, tuple[str, bool]] = {}

    @rule(
        register=st.sampled_from([True, True, False]),
        queue=st.sampled_from([None, None, "default", "other"]),
        timeout=seconds(None, 30),
    )
    def serve(self, register: bool, queue: str | None, timeout: timedelta | None) -> None:
        if register:
            named = {"type": TYPE, "function": "public.serve", "queue": queue, "timeout": timeout}
            (row,) = self.call("register_sql_handler", **named)
            if timeout is not None:
                self.model.policies.types[TYPE] = {"timeout": timeout}
            kept = self.model.policies.types.get(TYPE, {}).get("timeout")
            assert (row["problem"], row["queue"], row["timeout"]) == (None, queue, kept)
        else:
            (row,) = self.call("unregister_sql_handler", type=TYPE)
            assert row["unregister_sql_handler"] == self.handled
        self.handled, self.handler_queue = register, queue

    @rule(fails=st.booleans(), retries=st.sampled_from([0, 1, None]), count=st.integers(1, 2))
    def add_some_to_serve(self, fails: bool, retries: int | None, count: int) -> None:
        payload = {"fails": True} if fails else {"n": 1}
        for _ in range(count):
            named = {"type": TYPE, "payload": json.dumps(payload), "max_retries": retries}
            (row,) = self.call("enqueue", **named)
            job = self.make(row["enqueue"], TYPE, payload)
            job.max_retries = retries

    def make(self, job_id: int, type: str, payload: dict[str, Any]) -> Record:
        assert job_id not in self.model.jobs
        job = Record(job_id, 0, self.model.now, None, None, born_at=self.model.now)
        job.type, job.payload = type, payload
        self.model.jobs[job_id] = job
        return job

    @rule(count=st.integers(1, 3))
    def run(self, count: int) -> None:
        """As a worker that needs nothing but psql."""
        rows = self.call("run", "dequeue", max_jobs=count)
        self.by |= {"complete", "fail"}
        expected = self.to_run(count)
        assert [row["id"] for row in rows] == [job.id for job in expected]
        for row, job in zip(rows, expected, strict=True):
            job.attempts += 1
            job.attempted_at, job.status = self.model.now, "PROCESSING"
            job.lease = self.lease_of(job)
            self.is_served(row, job)
        self.effects_are_those_of_the_model()

    def to_run(self, count: int) -> list[Record]:
        if not self.handled or self.handler_queue == "other":
            return []
        due = self.model.next_up(10**6)
        return [job for job in due if job.type == TYPE][:count]

    def lease_of(self, job: Record) -> Any:
        """Which nobody was told: it was over when the call came back."""
        ended = b"""
            select h.lease from forge.history as h where h.id = %(id)s
            union all
            select d.lease from forge.dead_jobs as d where d.id = %(id)s
        """
        rows = self.connection.execute(ended, {"id": job.id}).fetchall()
        return rows[0]["lease"] if rows else None

    @precondition(lambda self: self.claims)
    @rule(pick=picks)
    def run_claimed(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "run_claimed", **claim)
            return
        (row,) = self.call("run_claimed", **claim)
        self.by = {"complete", "fail"}
        self.is_served(row, job)
        self.effects_are_those_of_the_model()

    def is_served(self, row: DictRow, job: Record) -> None:
        """What comes of an attempt in the database, which the clock stands still for."""
        late = self.model.is_late(job, timedelta(0))
        if not self.handled or job.type != TYPE:
            kind = "NoHandler"
        elif "fails" in job.payload:
            kind = "ZZ001"
        else:
            kind = "Timeout" if late else ""
        if kind:
            self.model.fail(job, error_type=kind)
        else:
            self.worked.append(job.id)
            self.model.complete(job)
        assert (row["status"], row["error_type"]) == (job.status, kind or None)

    def effects_are_those_of_the_model(self) -> None:
        rows = self.connection.execute("select e.id from public.effects as e").fetchall()
        assert sorted(row["id"] for row in rows) == sorted(self.worked)

    @rule(
        events=st.sets(st.sampled_from(["insert", "update", "delete"]), max_size=3),
        paid_only=st.booleans(),
        keyed=st.booleans(),
    )
    def watch_orders(self, events: set[str], paid_only: bool, keyed: bool) -> None:
        (row,) = self.call("off_change", relation="public.orders")
        assert row["off_change"] == (len(self.watch.events) if self.watch else 0)
        self.watch = None
        if not events:
            return
        condition = "coalesce(new.paid, old.paid)" if paid_only else None
        key = "coalesce(new.owner, old.owner)" if keyed else None
        (row,) = self.call(
            "on_change",
            relation="public.orders",
            events=sorted(events),
            type="changed",
            when_condition=condition,
            key=key,
        )
        assert set(row["events"]) == events
        self.watch = Watch(events, paid_only, keyed)

    @rule(order=st.integers(1, 3), owner=st.sampled_from(["ann", "bob"]), paid=st.booleans())
    def change_an_order(self, order: int, owner: str, paid: bool) -> None:
        old = self.orders.get(order)
        new: tuple[str, bool] | None = (owner, paid)
        if old is None:
            event, query = "insert", "insert into public.orders values (%s, %s, %s)"
        elif old == new:
            event, query, new = "delete", "delete from public.orders where id = %s", None
        else:
            event = "update"
            query = "update public.orders as o set (id, owner, paid) = (%s, %s, %s)"
        self.change(event, query, order, old, new)

    def change(
        self,
        event: str,
        query: str,
        order: int,
        old: tuple[str, bool] | None,
        new: tuple[str, bool] | None,
    ) -> None:
        self.by = {"enqueue"}
        if event == "update":
            query += f" where o.id = {order}"
        self.connection.execute(query.encode(), [order, *(new or ())])
        if new is None:
            del self.orders[order]
        else:
            self.orders[order] = new
        rows = self.connection.execute(
            "select j.id, j.payload from forge.jobs as j where j.type = 'changed' order by j.id"
        ).fetchall()
        made = [row for row in rows if row["id"] not in self.model.jobs]
        assert len(made) == self.makes_a_job(event, old, new)
        for row in made:
            self.changed(row, event.upper(), order, old, new)

    def makes_a_job(
        self, event: str, old: tuple[str, bool] | None, new: tuple[str, bool] | None
    ) -> bool:
        """Unless a live job of its key stands for it."""
        owner, paid = new or old or ("", False)
        watch = self.watch
        if watch is None or event not in watch.events or (watch.paid_only and not paid):
            return False
        return not watch.keyed or self.model.holder(owner) is None

    def changed(
        self,
        row: DictRow,
        operation: str,
        order: int,
        old: tuple[str, bool] | None,
        new: tuple[str, bool] | None,
    ) -> None:
        sides = [side and {"id": order, "owner": side[0], "paid": side[1]} for side in (old, new)]
        payload = {"table": "public.orders", "operation": operation}
        assert row["payload"] == payload | {"old": sides[0], "new": sides[1]}
        job = self.make(row["id"], "changed", row["payload"])
        if self.watch is not None and self.watch.keyed:
            job.unique_key, job.unique_scope = (new or old or ("",))[0], "default"
