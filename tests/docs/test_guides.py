"""Every SQL block of every guide runs, those of a page one after the other in one transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database import Conn
from tests.docs.blocks import GUIDES, sql_blocks


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_sql_of_a_guide_runs(page: Path, tx: Conn) -> None:
    found = sql_blocks(page)

    assert found
    for text in found:
        tx.execute(text.encode())
