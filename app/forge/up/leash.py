"""Runs a `forge` command that ends when its parent does, however that ended.

    python -m forge.up.leash FD COMMAND …

FD is the reading end of a pipe whose other end only the parent holds: it closes with the parent,
killed or not, on every system. (A parent-death signal would do on Linux alone.)
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from forge.cli import main


def _wait_for_the_end(fd: int) -> None:
    os.read(fd, 1)  # nobody writes: it returns at end of file
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_wait_for_the_end, args=(int(sys.argv[1]),), daemon=True).start()
    main(sys.argv[2:])
