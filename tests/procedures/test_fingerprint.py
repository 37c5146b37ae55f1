"""08_fingerprint: what is left of an error once all that differs between two times is taken out."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.procedures.calls import Calls


def title(call: Calls, error: str | None, error_type: str | None = None) -> str:
    found: str = call.row("fingerprint", error_type=error_type, error=error)["title"]
    return found


def prints(call: Calls, *errors: str) -> set[str]:
    return {call.row("fingerprint", error_type="E", error=e)["fingerprint"] for e in errors}


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (
            "no answer after 30.1 s, code -5, 1,234.5 EUR",
            "no answer after <n> s, code <n>, <n> EUR",
        ),
        ("user 6F1C1f7e-1111-2222-3333-444455556666 is gone", "user <uuid> is gone"),
        ("at 2030-01-02T03:04:05.678Z and 2030-01-02 03:04:05+02:00", "at <time> and <time>"),
        ("born on 2030-1-2, at 12:30:01,5 sharp", "born on <time>, at <time> sharp"),
        ("no route to 10.0.0.7:5432", "no route to <address>"),
        ("no route to [2001:db8::7]:443", "no route to <address>"),
        ("no route to 2001:db8:0:0:1:2:3:4 nor fe80::1", "no route to <address> nor <address>"),
        ("<Foo object at 0x7F3A9c>", "<Foo object at <hex>>"),
        ("mail to a.b+c@mail.example.org bounced", "mail to <email> bounced"),
        ("GET https://api.example.org/v1/7?x=[1] gave 503", "GET <url> gave <n>"),
        (
            "cannot open /var/lib/x-1/y.txt or ~/x/ or ../x",
            "cannot open <path> or <path> or <path>",
        ),
        (r"C:\Users\x\y.txt is locked", "<path> is locked"),
        ("no such customer: cus_9s6XKzkNRiz8i3", "no such customer: <id>"),
        ("commit 7d865e959b2466918c9863afca942d0f is bad", "commit <id> is bad"),
        ("key \"users_pkey\" of 'x' and `y`", "key <text> of <text> and <text>"),
        ("unknown key: f('a b', \"c\")", "unknown key: f(<text>, <text>)"),
    ],
)
def test_what_differs_between_two_times_is_taken_out(call: Calls, error: str, left: str) -> None:
    assert title(call, error) == left


@pytest.mark.parametrize(
    "error",
    [
        "can't connect to the user's host",
        "read/write and/or",
        "std::io::Error of core::fmt",
        'an unbalanced "quote',
        "ünïcode 日本",
        "\\",
    ],
)
def test_words_stay_as_they_are(call: Calls, error: str) -> None:
    assert title(call, error) == error


def test_errors_of_a_kind_have_one_fingerprint_and_others_have_others(call: Calls) -> None:
    same = [f"row {n} of tenant_{n}ab{n} at 10.0.{n}.1: 'x{n}'" for n in range(1, 9)]

    assert len(prints(call, *same)) == 1
    assert len(prints(call, "disk full", "disk empty", "")) == 3


def test_the_class_is_part_of_it_and_stays_as_it_is(call: Calls) -> None:
    assert title(call, "no answer", "Http503") == "Http503: no answer"
    assert title(call, None, "Http503") == "Http503"
    assert title(call, "no answer", " ") == "no answer"
    assert title(call, None) == ""
    kinds = [
        call.row("fingerprint", error_type=kind, error="x")["fingerprint"]
        for kind in ("Http503", "Http504", None)
    ]
    assert len(set(kinds)) == 3


def test_only_the_beginning_counts_on_one_line(call: Calls) -> None:
    head = "cannot parse:\n" + "lorem ipsum " * 40

    assert len(prints(call, head + "dolor", head + "sit amet" * 10_000)) == 1
    assert len(title(call, head)) <= 200
    assert "\n" not in title(call, head)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=600),
    st.text(st.sampled_from("a1f:./\\@'\"`-<>[](){}0x TZ+\n"), max_size=600),
)
def test_any_text_has_one(call: Calls, anything: str, nasty: str) -> None:
    """Failing must never fail."""
    for text in (anything, nasty):
        found = call.row("fingerprint", error_type=text, error=text)
        assert len(found["fingerprint"]) == 16
        assert found["title"] is not None
