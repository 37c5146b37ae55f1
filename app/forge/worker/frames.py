"""What a worker and its child processes say to each other, over a pair of sockets.

Down go pickles, as payloads hold whatever JSON does; up comes nothing but these structs: a child
that runs somebody's code on somebody's data is not trusted with a pickle.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from forge.models import Job
from forge.worker.verdict import Delay, Failure

_LENGTH = struct.Struct(">I")
MOST: Final = 256 * 1024 * 1024  # bytes; whatever says that it is longer is no frame


class Run(Struct, frozen=True, kw_only=True):
    """Down: run this job with the function of that name in that module."""

    module: str
    name: str
    job: Job


class Stop(Struct, frozen=True, kw_only=True):
    """Down: the job that runs is to stop."""

    reason: str


class Done(Struct, frozen=True, kw_only=True, tag=True):
    """Up: the handler returned."""

    result: bytes | None
    acknowledged: bool


class Failed(Struct, frozen=True, kw_only=True, tag=True):
    """Up: the handler raised."""

    verdict: Failure | Delay
    acknowledged: bool
    worn: bool  # the process should not run another job


class Line(Struct, frozen=True, kw_only=True, tag=True):
    """Up: a line for the job's log."""

    level: str
    message: str
    data: bytes | None


class Progress(Struct, frozen=True, kw_only=True, tag=True):
    """Up: how far the job is."""

    value: float
    note: str | None


class Stack(Struct, frozen=True, kw_only=True, tag=True):
    """Up: where the handler was when it was told to stop."""

    text: str


Up = Done | Failed | Line | Progress | Stack
_decoder: msgspec.msgpack.Decoder[Up] = msgspec.msgpack.Decoder(Up)


def down(message: Run | Stop) -> bytes:
    return _framed(pickle.dumps(message))


def up(message: Up) -> bytes:
    return _framed(msgspec.msgpack.encode(message))


def _framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


async def read_up(reader: asyncio.StreamReader) -> Up:
    """The next message of a child. Raises `EOFError`, `msgspec.MsgspecError`."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MOST:
        raise EOFError(f"a frame of {length} bytes")
    return _decoder.decode(await reader.readexactly(length))


def read_down(read: Any) -> Run | Stop:
    """The next message of the worker, by a function that reads so many bytes."""
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    message: Run | Stop = pickle.loads(read(length))  # noqa: S301 - from our parent
    return message


def raw(document: bytes | None) -> Raw | None:
    """JSON that came up, as it is."""
    return None if document is None else Raw(document)


def plain(document: Raw | None) -> bytes | None:
    """JSON that is to go up."""
    return None if document is None else bytes(document)
