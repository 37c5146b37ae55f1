"""The half of the protocol that all scripts in Python share. Needs nothing but Python."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

PACE = 0.02  # seconds between two reports of a worker
PATIENCE = 30.0

Task = dict[str, Any]
Done = Callable[[Task], Coroutine[Any, Any, Task]]


def say(**words: Any) -> None:
    """One line of JSON."""
    print(json.dumps(words), flush=True)


def main(tasks: Mapping[str, Done]) -> None:
    """Do the task of the command line, on uvloop where there is one."""
    task: Task = json.loads(sys.argv[1])
    try:
        import uvloop

        factory: Any = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        say(**runner.run(tasks[task["task"]](task)))


class Counter:
    """Counts the jobs that were handled, and reports them from time to time."""

    def __init__(self) -> None:
        self.done = 0
        self.first: int | None = None

    def count(self) -> None:
        if self.first is None:
            self.first = time.monotonic_ns()
        self.done += 1

    def report(self) -> Task:
        return {"done": self.done, "first": self.first}


async def handle_until_told(counter: Counter, start: Callable[[asyncio.Event], Any]) -> Task:
    """Run a worker from the first line of standard input to its end."""
    loop = asyncio.get_running_loop()
    go, stop = asyncio.Event(), asyncio.Event()

    def listen() -> None:
        sys.stdin.readline()
        loop.call_soon_threadsafe(go.set)
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    # A daemon, as a worker that fails must not wait for the end of standard input.
    threading.Thread(target=listen, daemon=True).start()
    say(ready=True)
    await go.wait()
    worker = asyncio.create_task(start(stop))
    told = -1
    while not (stop.is_set() or worker.done()):
        if counter.done != told:
            told = counter.done
            say(**counter.report())
        await asyncio.sleep(PACE)
    await worker
    return counter.report()


async def enqueue_for(task: Task, single: Callable[[], Any], bulk: Callable[[int], Any]) -> Task:
    """Enqueue until the time is over: so many tasks at once, or one with so many jobs a call."""
    size: int = task.get("bulk", 0)
    jobs = 0
    deadline = 0.0

    async def one_by_one() -> None:
        nonlocal jobs
        while time.monotonic() < deadline:
            await single()
            jobs += 1

    async def by_many() -> None:
        nonlocal jobs
        while time.monotonic() < deadline:
            await bulk(size)
            jobs += size

    await (bulk(size) if size else single())  # connections and plans are made
    started = time.monotonic()
    deadline = started + task["seconds"]
    producers = [by_many()] if size else [one_by_one() for _ in range(task["connections"])]
    await asyncio.gather(*producers)
    return {"jobs": jobs, "seconds": time.monotonic() - started}


async def pick_ups(task: Task, enqueue: Callable[[], Any], picked: asyncio.Queue[int]) -> Task:
    """How long each of so many jobs takes from its enqueue to its handler, in ms."""
    spans = []
    await asyncio.sleep(task["pause"])
    for number in range(task["jobs"] + 1):
        await asyncio.sleep(task["pause"])
        started = time.monotonic_ns()
        await enqueue()
        span = await asyncio.wait_for(picked.get(), PATIENCE) - started
        if number:  # the first one makes plans and connections
            spans.append(span / 1e6)
    return {"ms": spans}
