"""Every SQL block of every guide runs, those of a page one after the other in one transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.serving import forge_api
from tests.database import Conn, Database
from tests.docs.blocks import BLOCK, GUIDES, sql_blocks
from tests.docs.test_readme import shell


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_sql_of_a_guide_runs(page: Path, tx: Conn) -> None:
    found = sql_blocks(page)

    assert found
    for text in found:
        tx.execute(text.encode())


def test_the_requests_of_a_worker_over_http_work_to_the_letter(
    db: Database, tmp_path: Path
) -> None:
    (page,) = [page for page in GUIDES if page.stem == "http-workers"]
    (script,) = [
        text for _, language, text in BLOCK.findall(page.read_text()) if language == "bash"
    ]
    job_id = db.value("select forge.enqueue('resize', queue => 'pictures')")
    with forge_api(db.dsn) as (url, _):
        said = shell(script.replace("http://localhost:8080", url), tmp_path)
    assert said.endswith(f'{{"items":[]}}{{"id":{job_id},"changed":true}}')
    (job,) = db.rows("select status, result, worker from forge.job(%s)", job_id)
    assert (job["status"], job["result"]) == ("COMPLETED", {"pages": 12})
    assert db.value("select message from forge.job_log(%s)", job_id) == "page 3"
