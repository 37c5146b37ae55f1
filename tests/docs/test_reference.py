"""The manual is what the functions say of themselves."""

from __future__ import annotations

from tests.database import Database
from tests.docs.reference import TARGET, render


def test_the_reference_is_what_the_catalog_says(db: Database) -> None:
    assert TARGET.read_text(encoding="utf-8") == render(db.dsn), "run `make reference`"


def test_the_diagrams_draw_every_transition(db: Database) -> None:
    diagram = (TARGET.parent / "README.md").read_text(encoding="utf-8")
    drawn = {
        (source if source != "[*]" else None, target, by)
        for line in diagram.splitlines()
        if " --> " in line
        for source, rest in [line.strip().split(" --> ")]
        for target, words in [rest.split(": ")]
        for by in [word.split(" ")[0] for word in words.split(", ")]
    }
    legal = {
        (row["from_status"], row["to_status"], row["by"])
        for row in db.rows("select * from forge.transitions()")
    }
    assert drawn == legal
