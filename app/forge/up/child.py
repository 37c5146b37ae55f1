"""What runs in a process that `forge up` starts: `python -m forge.up.child LIFELINE api|worker …`.

LIFELINE is the reading end of a pipe whose other end only `forge up` holds. When that process
dies, however it dies, the pipe ends, and so do we, as gracefully as after SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)  # returns when the other end is gone: nobody writes
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(listener: socket.socket) -> None:
    from forge.api import access_log, serve
    from forge.embedded import resolve_dsn
    from forge.settings import Settings

    settings = Settings.from_env()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # In the terminal of somebody who tries it out, only what is refused or fails.
    access_log.configure("warning" if settings.log_level == "info" else settings.log_level)
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    # The socket was bound, and its openness judged, by the parent.
    host = listener.getsockname()[0]
    await serve(settings, resolve_dsn(settings), host=host, listener=listener, stop=stop)


def main() -> None:
    lifeline, role, *rest = sys.argv[1:]
    threading.Thread(target=_end_with_parent, args=(int(lifeline),), daemon=True).start()
    if role == "api":
        asyncio.run(_serve(socket.socket(fileno=int(rest[0]))))
    else:
        from forge.cli import main as command_line

        command_line([role, *rest])


if __name__ == "__main__":
    main()
