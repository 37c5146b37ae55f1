"""Homes for `forge up`: one that all gentle tests of a file share, and one for each rough one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forge.pgbinaries import find_binaries
from tests.up.running import Running


@pytest.fixture(autouse=True, scope="session")
def installed() -> None:
    """In CI a missing package is a failure, not a skip."""
    if find_binaries() is None and os.environ.get("CI") != "true":
        pytest.skip("the extra `embedded` is not installed")


@contextmanager
def _fresh() -> Iterator[Running]:
    # Not tmp_path, which is closed to the account that the server runs as under root.
    base = Path(tempfile.mkdtemp(prefix="fu-", dir="/tmp"))
    base.chmod(0o755)
    running = Running(base)
    try:
        yield running
    finally:
        running.clean_up()
        shutil.rmtree(base)


@pytest.fixture
def up() -> Iterator[Running]:
    """A `forge up` that has not started yet."""
    with _fresh() as running:
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    """One that runs, for tests that leave it running."""
    with _fresh() as running:
        running.start()
        yield running
