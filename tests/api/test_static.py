"""The dashboard's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from forge.api.static import dashboard
from tests.api.conftest import Client


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "js" / "main.js").write_text("export {}")
    (tmp_path / "notes.txt").write_text("not for the web")
    (tmp_path.parent / "secret.js").write_text("no")
    return tmp_path


def test_files_are_served_with_their_types_and_kept_until_they_change(site: Path) -> None:
    with TestClient(Litestar(dashboard(site), openapi_config=None)) as client:
        page = client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-cache"
        script = client.get("/js/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.text == "export {}"
        seen = {"If-None-Match": script.headers["etag"]}
        again = client.get("/js/main.js", headers=seen)
        assert (again.status_code, again.content) == (304, b"")
        (site / "js" / "main.js").write_text("export default 1")
        assert client.get("/js/main.js", headers=seen).status_code == 200
        head = client.head("/")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/notes.txt", "/../secret.js", "/%2e%2e/secret.js", "/js/..%2f..%2fsecret.js", "/js"]
)
def test_nothing_else_is_served(site: Path, path: str) -> None:
    with TestClient(Litestar(dashboard(site), openapi_config=None)) as client:
        assert client.get(path).status_code == 404


def test_without_a_dashboard_there_is_no_page(tmp_path: Path) -> None:
    assert dashboard(tmp_path / "none") == []


def test_the_dashboard_is_the_front_page(api: Client) -> None:
    page = api.get("/?page=jobs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
