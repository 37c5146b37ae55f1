"""A queue, two handlers and a producer.

forge migrate
python examples/mail.py ada@example.com    # enqueue
cd examples && forge worker mail:forge     # run
"""

import asyncio
import sys
import time
from datetime import timedelta

from forge import Forge, Job, PermanentError, RetryLater

forge = Forge()  # DATABASE_URL


@forge.handler("welcome")
async def welcome(job: Job) -> dict[str, str]:
    """An async handler. Its result is kept with the job; a failure is retried, with backoff."""
    address = job.payload["to"]
    if "@" not in address:
        raise PermanentError(f"{address} is no address")  # no retry will help
    await asyncio.sleep(0.1)
    return {"sent_to": address}


@forge.handler("invoice", queue="billing")
def invoice(job: Job) -> None:
    """A plain function runs in a thread; `queue` is where its jobs go."""
    if job.attempts == 1:
        raise RetryLater("the printer warms up", timedelta(seconds=1))
    time.sleep(0.1)


async def sign_up(address: str) -> None:
    """The user and both jobs are there when the transaction commits, or none of them is."""
    async with forge.transaction() as conn:
        await conn.execute("create table if not exists users (address text)")
        await conn.execute("insert into users values (%s)", [address])
        await forge.enqueue("welcome", {"to": address}, priority=10, connection=conn)
        await forge.enqueue("invoice", {"to": address}, unique_key=address, connection=conn)


async def main() -> None:
    async with forge:
        await sign_up(sys.argv[1])


if __name__ == "__main__":
    asyncio.run(main())
