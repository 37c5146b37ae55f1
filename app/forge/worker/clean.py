"""Makes any text and any result fit to be stored: failing must never fail."""

from __future__ import annotations

import re
import traceback
from typing import Any, Final

import msgspec

ERROR_LIMIT: Final = 8_000
TRACEBACK_LIMIT: Final = 16_000
RESULT_LIMIT: Final = 1024 * 1024  # the limit that forge.complete sets, in bytes
MESSAGE_LIMIT: Final = 4_000  # of a line of a job's log, in characters, as in forge.log
DATA_LIMIT: Final = 4_096  # of its data, in bytes

_NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def clean_text(text: str, limit: int) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses, and with its middle cut out."""
    if len(text) > limit:
        keep = limit // 2 - 25
        left_out = len(text) - 2 * keep
        text = f"{text[:keep]}\n… {left_out} characters left out …\n{text[-keep:]}"
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def error_type(error: BaseException) -> str:
    """The qualified name of the error's class; built-in ones without their module."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _qualified(kind)
    return clean_text(name, 200)


def _qualified(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def error_text(error: BaseException) -> str:
    """What the error says, or its class where it says nothing or cannot speak."""
    try:
        text = str(error)
    except BaseException:  # a handler's own __str__ may raise anything
        text = "(the error's text could not be read)"
    return clean_text(text or type(error).__name__, ERROR_LIMIT)


def error_traceback(error: BaseException) -> str:
    """The traceback as Python prints it."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException:
        text = "".join(traceback.format_tb(error.__traceback__))
    return clean_text(text, TRACEBACK_LIMIT)


def result_json(result: Any) -> msgspec.Raw | None:
    """A handler's result as JSON.

    The job's effect has happened, so a result that cannot be stored does not fail the job (that
    would run it again): its place is taken by `{"forge_result_error": "why"}`.
    """
    if result is None:
        return None
    try:
        text = _encoded(result)
    except Exception as error:  # anything that an object's own encoding may raise
        return result_error(error_text(error))
    if len(text) > RESULT_LIMIT:
        return result_error(f"the result has {len(text)} bytes; {RESULT_LIMIT} are allowed")
    return msgspec.Raw(text)


def data_json(data: Any) -> msgspec.Raw | None:
    """The data of a line of a job's log as JSON; what cannot be stored is replaced by why."""
    if data is None:
        return None
    try:
        text = _encoded(data)
    except Exception as error:
        return msgspec.Raw(msgspec.json.encode({"forge_data_error": error_text(error)[:1_000]}))
    if len(text) > DATA_LIMIT:
        why = f"the data has {len(text)} bytes; {DATA_LIMIT} are kept"
        return msgspec.Raw(msgspec.json.encode({"forge_data_error": why}))
    return msgspec.Raw(text)


def _encoded(value: Any) -> bytes:
    text = msgspec.json.encode(value)
    return _NUL_ESCAPE.sub(rb"\1\\ufffd", text) if b"\\u0000" in text else text


def result_error(why: str) -> msgspec.Raw:
    """What is stored in place of a result that cannot be."""
    return msgspec.Raw(msgspec.json.encode({"forge_result_error": why[:1_000]}))
