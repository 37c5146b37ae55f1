"""14_schema against the library `jsonschema`: any schema of the subset, any document."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from psycopg.types.json import Jsonb

from tests.database import Conn

KEYS = ("a", "b", "c", "a/b", "~")
# Where both dialects of regular expressions mean the same, and the texts are ASCII.
PATTERNS = ("^a", "b$", "^[a-c]+$", r"\d", "(ab|ba)*", "^.{2}$", "x?y", r"^\w+$")
TEXTS = st.text(alphabet="abcxy01 _", max_size=5)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -1.5, 2.0])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "object", "array", "number", "string", "integer"])
LENGTHS = st.integers(0, 3)
# More than once, so that such rules meet documents that they are about.
REFS = st.sampled_from(["#/$defs/one", "#/$defs/a~1b"])


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "properties": st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
            "required": st.lists(st.sampled_from(KEYS), max_size=2, unique=True),
            "additionalProperties": inner,
            "items": inner,
            "enum": st.lists(DOCUMENTS, max_size=4),
            "const": DOCUMENTS,
            "minimum": NUMBERS,
            "maximum": NUMBERS,
            "exclusiveMinimum": NUMBERS,
            "exclusiveMaximum": NUMBERS,
            "minLength": LENGTHS,
            "maxLength": LENGTHS,
            "pattern": st.sampled_from(PATTERNS),
            "minItems": LENGTHS,
            "maxItems": LENGTHS,
            "uniqueItems": st.booleans(),
            "minProperties": LENGTHS,
            "maxProperties": LENGTHS,
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "title": TEXTS,
        },
    )


LEAVES = st.booleans() | keywords(st.booleans())
PARTS = st.recursive(LEAVES, keywords, max_leaves=4)
# References only from the outside in, as one that leads to itself in place is refused.
WHOLES = st.builds(
    lambda schema, one, other, ref, at: {
        **schema,
        "$defs": {"one": one, "a/b": other},
        "properties": {**schema.get("properties", {}), at: {"$ref": ref}},
    },
    keywords(PARTS),
    PARTS,
    PARTS,
    REFS,
    st.sampled_from(KEYS),
)


def fault(tx: Conn, document: Any, schema: Any) -> str | None:
    row = tx.execute(
        "select forge._fault(%(d)s, %(s)s, %(s)s) as fault",
        {"d": Jsonb(document), "s": Jsonb(schema)},
    ).fetchone()
    assert row is not None
    found: str | None = row["fault"]
    return found


def refused(tx: Conn, schema: Any) -> str | None:
    row = tx.execute(
        "select coalesce(forge._schema_fault(%(s)s, %(s)s), forge._looping_ref(%(s)s)) as fault",
        {"s": Jsonb(schema)},
    ).fetchone()
    assert row is not None
    found: str | None = row["fault"]
    return found


BOUNDED = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@BOUNDED
@given(schema=PARTS | WHOLES, documents=st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_the_verdict_is_that_of_the_library(tx: Conn, schema: Any, documents: list[Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert refused(tx, schema) is None
    validator = Draft202012Validator(schema)
    for document in documents:
        mine = fault(tx, document, schema)
        assert (mine is None) == validator.is_valid(document), (json.dumps(document), mine)


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/node"}},
            "additionalProperties": False,
        }
    },
    "type": "array",
    "items": {"anyOf": [{"$ref": "#/$defs/node"}, {"$ref": "#"}]},
}
NODES = st.recursive(
    st.fixed_dictionaries({"a": st.integers(0, 2) | st.just("x")}),
    lambda inner: st.fixed_dictionaries({"a": st.just(1), "b": inner}),
    max_leaves=3,
)


@BOUNDED
@given(document=st.recursive(st.lists(NODES, max_size=2), lambda i: st.lists(i, max_size=2)))
def test_a_schema_that_refers_to_itself_goes_as_deep_as_the_document(
    tx: Conn, document: Any
) -> None:
    assert refused(tx, TREE) is None
    assert (fault(tx, document, TREE) is None) == Draft202012Validator(TREE).is_valid(document)
