"""14_schema, 15_schema_rules: what a broken rule says, formats, and schemas that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.database import Conn
from tests.procedures.calls import Calls
from tests.procedures.test_schema_model import fault, refused

TO_B = {"$ref": "#/$defs/b"}
TO = {"properties": {"to": {"type": "string", "minLength": 3}}, "required": ["to"]}


@pytest.mark.parametrize(
    ("schema", "document", "said"),
    [
        (TO, {}, 'path=# rule=required: "to" is missing'),
        (TO, {"to": 5}, 'path=#/to rule=type: number is not "string"'),
        (TO, {"to": "a"}, "path=#/to rule=minLength: 1 characters"),
        ({"maxLength": 1}, "ab", "path=# rule=maxLength: 2 characters"),
        ({"pattern": "^a"}, "b", "path=# rule=pattern: it does not match ^a"),
        ({"format": "date"}, "b", "path=# rule=format: it does not match date"),
        ({"minimum": 3}, 2, "path=# rule=minimum: 2 is out of range of 3"),
        ({"maximum": 3}, 4, "path=# rule=maximum: 4 is out of range of 3"),
        ({"exclusiveMinimum": 3}, 3, "path=# rule=exclusiveMinimum: 3 is out of range of 3"),
        ({"exclusiveMaximum": 3}, 3, "path=# rule=exclusiveMaximum: 3 is out of range of 3"),
        ({"const": 1}, 2, "path=# rule=const: 2 is not 1"),
        ({"enum": [1, 2]}, 3, "path=# rule=enum: 3 is none of [1, 2]"),
        ({"minItems": 1}, [], "path=# rule=minItems: 0 items"),
        ({"maxItems": 1}, [1, 2], "path=# rule=maxItems: 2 items"),
        ({"uniqueItems": True}, [1, 1.0], "path=# rule=uniqueItems: two items are equal"),
        ({"items": {"const": 1}}, [1, 2], "path=#/1 rule=const: 2 is not 1"),
        ({"minProperties": 1}, {}, "path=# rule=minProperties: 0 properties"),
        ({"maxProperties": 0}, {"a": 1}, "path=# rule=maxProperties: 1 properties"),
        (
            {"additionalProperties": False},
            {"a": 1},
            'path=# rule=additionalProperties: "a" is not expected',
        ),
        ({"additionalProperties": {"const": 1}}, {"a/~": 2}, "path=#/a~1~0 rule=const: 2 is not 1"),
        ({"allOf": [{"const": 1}]}, 2, "path=# rule=const: 2 is not 1"),
        ({"oneOf": [True, True]}, 2, "path=# rule=oneOf: it keeps to 2 of them"),
        ({"not": True}, 2, "path=# rule=not: it keeps to what it must not"),
        (False, 2, "path=# rule=false: nothing is allowed here"),
        (
            {"anyOf": [{"const": 1}]},
            2,
            "path=# rule=anyOf: it keeps to none of them; the last says path=# rule=const: "
            "2 is not 1",
        ),
    ],
)
def test_a_broken_rule_is_named_with_its_place(
    tx: Conn, schema: Any, document: Any, said: str
) -> None:
    assert fault(tx, document, schema) == said


def test_a_document_that_is_nested_too_deeply_is_refused(tx: Conn) -> None:
    document: Any = 1
    for _ in range(101):
        document = [document]

    found = fault(tx, document, {"items": {"$ref": "#"}, "type": ["array", "integer"]})

    assert found is not None
    assert "rule=depth" in found


@pytest.mark.parametrize(
    ("name", "text", "valid"),
    [
        ("date", "2024-02-29", True),
        ("date", "2023-02-29", False),
        ("date", "2024-13-01", False),
        ("date", "0000-01-01", False),
        ("date", "2024-1-1", False),
        ("time", "23:59:60Z", True),
        ("time", "12:00:00.5+02:00", True),
        ("time", "24:00:00Z", False),
        ("time", "12:00:00", False),
        ("date-time", "2024-02-29T12:00:00Z", True),
        ("date-time", "2024-02-30T12:00:00Z", False),
        ("date-time", "2024-02-29 12:00:00Z", False),
        ("email", "a@b.c", True),
        ("email", "a b@c", False),
        ("email", "a", False),
        ("uuid", "01234567-89AB-cdef-0123-456789abcdef", True),
        ("uuid", "0123456789abcdef0123456789abcdef", False),
        ("uri", "https://example.com/a?b#c", True),
        ("uri", "example.com", False),
        ("uri", "http://a b", False),
        ("ipv4", "255.0.10.1", True),
        ("ipv4", "256.0.0.1", False),
        ("ipv4", "1.2.3", False),
        ("ipv4", "1.2.3.4.", False),
        ("ipv4", "01.2.3.4", False),
        ("ipv6", "::1", True),
        ("ipv6", "2001:db8::ffff:1.2.3.4", True),
        ("ipv6", "::1/64", False),
        ("ipv6", "fe80::1%eth0", False),
        ("ipv6", "1.2.3.4", False),
        ("ipv6", ":::", False),
    ],
)
def test_formats_are_held_to(tx: Conn, name: str, text: str, valid: bool) -> None:
    schema = {"format": name}
    assert refused(tx, schema) is None
    assert (fault(tx, text, schema) is None) == valid
    assert fault(tx, 5, schema) is None
    checker = Draft202012Validator.FORMAT_CHECKER
    if name in ("date", "uuid", "ipv4", "ipv6"):
        assert checker.conforms(text, name) == valid


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (5, "path=# rule=schema: it is neither an object nor a boolean"),
        (None, "path=# rule=schema: it is neither an object nor a boolean"),
        ({"requird": ["a"]}, "path=# rule=requird: no such keyword is known here"),
        ({"if": True}, "path=# rule=if: no such keyword is known here"),
        ({"$id": "x"}, "path=# rule=$id: no such keyword is known here"),
        ({"$schema": "http://json-schema.org/schema#"}, "path=# rule=$schema: it cannot be "),
        ({"type": "text"}, "path=# rule=type: it cannot be "),
        ({"type": []}, "path=# rule=type: it cannot be "),
        ({"type": ["null", "null"]}, "path=# rule=type: it cannot be "),
        ({"properties": []}, "path=# rule=properties: it cannot be "),
        ({"properties": {"a": 5}}, "path=#/properties/a rule=schema: it is neither"),
        ({"required": [1]}, "path=# rule=required: it cannot be "),
        ({"required": ["a", "a"]}, "path=# rule=required: it cannot be "),
        ({"items": [True]}, "path=# rule=items: it cannot be "),
        ({"allOf": []}, "path=# rule=allOf: it cannot be "),
        ({"anyOf": [{"x": 1}]}, "path=#/anyOf/0 rule=x: no such keyword"),
        ({"not": {"x": 1}}, "path=#/not rule=x: no such keyword"),
        ({"minimum": "1"}, "path=# rule=minimum: it cannot be "),
        ({"minLength": -1}, "path=# rule=minLength: it cannot be "),
        ({"minLength": 1.5}, "path=# rule=minLength: it cannot be "),
        ({"maxItems": 10**12}, "path=# rule=maxItems: it cannot be "),
        ({"pattern": "("}, "path=# rule=pattern: it cannot be "),
        ({"pattern": 5}, "path=# rule=pattern: "),
        ({"format": "iban"}, "path=# rule=format: "),
        ({"uniqueItems": 1}, "path=# rule=uniqueItems: it cannot be "),
        ({"$ref": "#/$defs/none"}, "path=# rule=$ref: "),
        ({"$ref": "http://example.com"}, "path=# rule=$ref: "),
        ({"items": {"$defs": {}}}, "path=#/items rule=$defs: no such keyword"),
        ({"$ref": "#"}, "#"),
        ({"$defs": {"a": {"allOf": [TO_B]}, "b": {"not": {"$ref": "#/$defs/a"}}}}, "#/$defs/a"),
        ({"$defs": {"a/b": {"anyOf": [{"$ref": "#/$defs/a~1b"}]}}}, "#/$defs/a~1b"),
    ],
)  # fmt: skip
def test_a_schema_that_says_what_cannot_be_held_is_refused(
    tx: Conn, schema: Any, said: str
) -> None:
    assert (refused(tx, schema) or "").startswith(said)


def test_a_schema_that_is_nested_too_deeply_is_refused(tx: Conn) -> None:
    schema: Any = True
    for _ in range(52):
        schema = {"items": schema}
    assert "nested over 50 levels" in (refused(tx, schema) or "")


def test_every_annotation_is_taken_and_says_nothing(tx: Conn) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "c",
        "title": "t",
        "description": "d",
        "default": 1,
        "examples": [1],
        "deprecated": True,
        "readOnly": True,
        "writeOnly": False,
    }
    assert refused(tx, schema) is None
    assert fault(tx, {"any": "thing"}, schema) is None


def test_set_schema_refuses_and_keeps_what_was_set(call: Calls) -> None:
    call.row("set_schema", type="email", schema=TO)

    said = call.refusal("JQ001", "set_schema", type="email", schema={"requird": []})

    assert "rule=requird" in (said.message_detail or "")
    assert call.row("list_payload_checks")["schema"] == TO
    loop = {"$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert "leads back" in (
        call.refusal("JQ001", "set_schema", type="email", schema=loop).message_detail or ""
    )
    call.refusal("JQ001", "set_schema", type="", schema=TO)
    call.refusal("JQ005", "set_schema", type="email", schema={"title": "x" * 1_100_000})
