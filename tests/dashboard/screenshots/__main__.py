"""`make screenshots`: the pictures of the README, of a demo that has run for a minute."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from tests.dashboard.conftest import FLAGS, MISSING, NAMES

HERE = Path(__file__).parent
SIZE: ViewportSize = {"width": 1280, "height": 900}
RATE = "12"  # jobs a second
FILLED_AFTER = 100  # seconds, so that the charts have something to show


def up(home: str) -> tuple[subprocess.Popen[str], str]:
    """A demo of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "forge", "up", "--json", "--port", "0", "--demo", "--rate", RATE],
        env={**os.environ, "FORGE_HOME": home},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


def take(
    browser: Browser, url: str, page_name: str, scheme: Literal["light", "dark"], picture: str
) -> None:
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{url}/#/{page_name}")
    expect(page.locator("#connection")).to_have_text("Live")
    page.wait_for_timeout(2000)
    page.screenshot(path=HERE / picture)
    context.close()


def main() -> None:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        process, url = up(home)
        try:
            time.sleep(FILLED_AFTER)
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            take(browser, url, "", "light", "overview.png")
            take(browser, url, "dead", "dark", "dead-letters.png")
            browser.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


if __name__ == "__main__":
    main()
