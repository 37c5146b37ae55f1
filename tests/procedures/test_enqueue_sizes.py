"""10_enqueue: how large a payload may be, and what no text can hold."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls

MIB = 1024 * 1024


@pytest.mark.parametrize("letter", ["x", "é", "ab"])
def test_a_payload_of_a_mebibyte_is_the_largest(letter: str, call: Calls) -> None:
    room = MIB - 2  # the quotes
    text = (letter * room).encode()[:room].decode(errors="ignore")

    call.enqueue(payload=Jsonb(text))
    diag = call.refusal("JQ005", "enqueue", type="email", payload=Jsonb(text + "xx"))

    size = len((text + "xx").encode()) + 2
    assert diag.message_primary == "payload is too large"
    assert diag.message_detail == f"{size} of at most {MIB}"
    assert diag.message_hint == "store it elsewhere and pass a reference"


def test_one_byte_over_is_too_large(call: Calls) -> None:
    call.enqueue(payload=Jsonb("x" * (MIB - 2)))
    call.refusal("JQ005", "enqueue", type="email", payload=Jsonb("x" * (MIB - 1)))


def test_what_compresses_well_is_measured_as_text(call: Calls) -> None:
    call.select("create temporary table stored (payload jsonb) on commit drop")
    call.select("insert into stored values (to_jsonb(repeat('x', 1048575)))")
    assert call.one("select pg_column_size(payload) from stored") < MIB / 50

    with pytest.raises(Exception, match="payload is too large"), call.connection.transaction():
        call.select("select forge.enqueue('email', s.payload) from stored as s")


def test_a_short_number_with_a_long_text_is_measured_as_text(call: Calls) -> None:
    payload = "[" + ",".join(["1e131071"] * 9) + "]"

    call.refusal("JQ005", "enqueue", type="email", payload=payload)


def test_the_limit_can_be_set_below_two_kilobytes(call: Calls) -> None:
    call.select("update forge.settings set payload_limit = 1024")

    call.enqueue(payload=Jsonb("x" * 1022))
    call.refusal("JQ005", "enqueue", type="email", payload=Jsonb("x" * 1023))


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_what_no_text_can_hold_is_no_payload(text: str, call: Calls) -> None:
    code = "22P05" if text == "\\u0000" else "22P02"
    call.refusal(code, "enqueue", type="email", payload=f'"{text}"')
