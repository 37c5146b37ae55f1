"""What a small shop would enqueue: the jobs of the demo, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

_NAMES = "ada ben cleo dan eve finn gus hana ivan june kofi lena max nora omar pia".split()  # noqa: SIM905
_ITEMS = ("green tea", "oat cake", "blue mug", "lemon jam", "wool socks", "map of the moon")

_BY_QUEUE = """
select queue, ready, processing, scheduled, dead from forge.stats() order by queue
"""
_SALES = """
select day::date as day, orders, orders * $1::numeric as revenue
from generate_series(current_date - 29, current_date, '1 day') as day,
    lateral (select 40 + (extract(day from day)::int * 7) % 60 as orders) as sold
"""


def demo_jobs(seed: int, receiver: str) -> Iterator[dict[str, Any]]:
    """Jobs without end, as `enqueue_many` takes them; `receiver` is where webhooks go."""
    draw = random.Random(seed)  # noqa: S311 - a demo
    for number in count(1):
        kind = draw.choices((_mail, _urgent_mail, _webhook, _report), (40, 8, 45, 7))[0]
        job = kind(draw, number, receiver)
        if draw.random() < 0.08:
            later = timedelta(seconds=draw.randint(10, 90))
            job["scheduled_at"] = datetime.now(UTC) + later
        yield job | {"tags": ["demo", *job.get("tags", [])]}


def _mail(draw: random.Random, number: int, receiver: str) -> dict[str, Any]:
    name = draw.choice(_NAMES)
    # One in thirty has moved away (a permanent error), one in ten has a busy mailbox (a retry).
    mailbox = draw.choices((name, "nobody", "busy"), (87, 3, 10))[0]
    item = draw.choice(_ITEMS)
    return {
        "type": "email",
        "queue": draw.choices(("emails", "default"), (80, 20))[0],
        "priority": draw.choice((0, 0, 0, -5)),
        "payload": {
            "to": f"{name.title()} <{mailbox}@example.com>",
            "from": "Demo Shop <shop@example.com>",
            "subject": f"Order {number}: your {item} is on its way",
            "text": f"Dear {name.title()},\n\nyour {item} left our house today.\n",
        },
        "tags": ["shipping"],
    }


def _urgent_mail(draw: random.Random, number: int, receiver: str) -> dict[str, Any]:
    return {
        "type": "email",
        "queue": "emails",
        "priority": 10,
        "max_retries": 5,
        "payload": {
            "to": f"{draw.choice(_NAMES)}@example.com",
            "subject": "Your new password",
            "html": f"<p>Use the code <b>{draw.randint(100000, 999999)}</b> within an hour.</p>",
        },
        "tags": ["password"],
    }


def _webhook(draw: random.Random, number: int, receiver: str) -> dict[str, Any]:
    event = draw.choice(("order.paid", "order.shipped", "stock.low"))
    # Two in fifty have been switched off, one is broken for ever: they fill the dead-letter queue.
    path = draw.choices(("hooks", "gone", "broken"), (94, 4, 2))[0]
    return {
        "type": "webhook",
        "queue": draw.choices(("webhooks", "default"), (85, 15))[0],
        "priority": 5 if event == "order.paid" else 0,
        "max_retries": draw.choice((1, 2, 5)) if path == "broken" else 8,
        "payload": {
            "url": f"{receiver}/{path}/{event}/{number}",
            "json": {
                "type": event,
                "timestamp": datetime.now(UTC).isoformat(),
                "data": {"order": number, "item": draw.choice(_ITEMS)},
            },
        },
        "tags": [event],
    }


def _report(draw: random.Random, number: int, receiver: str) -> dict[str, Any]:
    query, params = draw.choice(((_BY_QUEUE, []), (_SALES, [draw.randint(5, 30)])))
    format = draw.choice(("csv", "json", "html"))
    return {
        "type": "report",
        "queue": "reports",
        "priority": -1,
        "max_retries": 3,
        "payload": {
            "query": query,
            "params": params,
            "format": format,
            "filename": "queues" if query == _BY_QUEUE else "sales",
        },
    }
