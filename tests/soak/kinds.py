"""What the load is made of: jobs by lot, with what grows with the load. The rest is in sides."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Job = dict[str, Any]

# Pulled from by each worker, with so many jobs at once.
QUEUES = {
    "plain": 20,
    "posted": 10,
    "unique": 5,
    "keyed": 10,
    "limited": 10,
    "flows": 10,
    "failing": 5,
    "later": 5,
    "sql": 5,
    "rated": 5,
    "paused": 5,
    "full": 5,
    "strict": 5,
    "changes": 5,
    "long": 4,
}
# Those that grow with the load; the others are filled at a pace of their own.
SCALING = ("plain", "posted", "unique", "keyed", "limited", "flows", "failing", "later", "sql")
TEXT = "x" * 120


@dataclass
class Basket:
    """Jobs of one step, by how they are sent."""

    bulk: list[Job] = field(default_factory=list)
    single: list[Job] = field(default_factory=list)
    posted: list[Job] = field(default_factory=list)
    batch: list[Job] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.bulk) + len(self.single) + len(self.posted) + len(self.batch)


def _job(queue: str, do: str | None = None, **more: Any) -> Job:
    payload = {"text": TEXT} if do is None else {"do": do}
    return {"type": "soak", "queue": queue, "payload": payload, **more}


def _plain(dice: random.Random, basket: Basket) -> None:
    kind = "soak.thread" if dice.random() < 0.02 else "soak"
    basket.bulk.append(
        {**_job("plain", tags=["soak"]), "type": kind, "priority": dice.choice([0, 0, 0, 5, -5])}
    )


def _single(dice: random.Random, basket: Basket) -> None:
    basket.single.append(_job("plain", priority=dice.choice([0, 9])))


def _posted(dice: random.Random, basket: Basket) -> None:
    basket.posted.append(_job("posted"))


def _unique(dice: random.Random, basket: Basket) -> None:
    job = _job("unique", unique_key=f"u{dice.randrange(300)}")
    how = dice.choice(["keep", "replace", "merge", "debounce", "spent"])
    if how == "debounce":
        job |= {"debounce": "200 milliseconds", "debounce_max": "1 second"}
    elif how == "spent":
        job["unique_for"] = "1 second"
    else:
        job["on_conflict"] = how
    basket.bulk.append(job)


def _keyed(dice: random.Random, basket: Basket) -> None:
    basket.bulk.append(_job("keyed", concurrency_key=f"k{dice.randrange(200)}"))


def _limited(dice: random.Random, basket: Basket) -> None:
    basket.bulk.append(_job("limited", concurrency_key=f"t{dice.randrange(40)}"))


def _flow(dice: random.Random, basket: Basket) -> None:
    name = f"f{len(basket.bulk)}"
    basket.bulk += [
        _job("flows", handle=name),
        _job("flows", handle=f"{name}a", depends_on=[name]),
        _job("flows", handle=f"{name}b", depends_on=[name]),
        _job("flows", do="children", depends_on=[f"{name}a", f"{name}b"]),
    ]


def _batch(dice: random.Random, basket: Basket) -> None:
    basket.batch += [_job("flows") for _ in range(5)]


def _talk(dice: random.Random, basket: Basket) -> None:
    basket.bulk.append(_job("plain", do="talk"))


def _failing(dice: random.Random, basket: Basket) -> None:
    do = dice.choice(["fail", "fail", "busy", "later", "snooze", "die"])
    job = _job("failing", do=do)
    job["payload"]["times"] = dice.choice([1, 1, 2, 9])  # of the last, all its attempts
    basket.bulk.append(job)


def _later(dice: random.Random, basket: Basket) -> None:
    due = datetime.now(UTC) + timedelta(seconds=dice.uniform(0.5, 4))
    basket.bulk.append(_job("later", scheduled_at=due.isoformat(), tags=[dice.choice("abcde")]))


def _sql(dice: random.Random, basket: Basket) -> None:
    basket.bulk.append({"type": "greet", "queue": "sql", "payload": {"name": "Ada"}})


KINDS: tuple[tuple[int, Callable[[random.Random, Basket], None]], ...] = (
    (44, _plain),
    (6, _single),
    (6, _posted),
    (8, _unique),
    (7, _keyed),
    (7, _limited),
    (2, _flow),
    (1, _batch),
    (5, _talk),
    (4, _failing),
    (4, _later),
    (4, _sql),
)


def draw(dice: random.Random, many: int) -> Basket:
    """At least so many jobs."""
    basket = Basket()
    while len(basket) < many:
        (make,) = dice.choices([make for _, make in KINDS], [weight for weight, _ in KINDS])
        make(dice, basket)
    return basket
