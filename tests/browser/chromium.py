"""The browser of the tests: finds a Chromium, or as a script sees to it that there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DEBIAN_PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-cjk")


def find() -> Path | None:
    """A Chromium on PATH, else the one that Playwright installed for itself."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's plain API refuses to run where an event loop does
        own = elsewhere.submit(_playwrights).result()
    return own if own.exists() else None


def _playwrights() -> Path:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def may_use_apt() -> bool:
    """Whether this is root on a Debian or one of its relatives."""
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def install() -> None:
    """Install one with its fonts; Korean text would be boxes without them."""
    if may_use_apt():
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN_PACKAGES]
        subprocess.run(packages, check=True, env=quiet, stdout=subprocess.DEVNULL)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    """Find or install; a machine where neither works fails here, before any test is skipped for want of it."""
    if find():
        return 0
    print("No Chromium for the browser tests: installing one.", file=sys.stderr)
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as failure:
        print(f"It could not be installed: {failure}", file=sys.stderr)
    if find():
        return 0
    print("The browser tests need a Chromium. Install one, or put one on PATH.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
