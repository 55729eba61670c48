"""The template is what it says: copied elsewhere and installed, its own tests pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "plugins" / "template"


def test_a_copy_of_the_template_passes_its_own_tests(tmp_path: Path) -> None:
    copy, site = tmp_path / "ima2-acme", tmp_path / "site"
    shutil.copytree(TEMPLATE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    run("pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--no-build-isolation", "-t", site, copy)
    done = run("pytest", "-q", "-c", os.devnull, "--rootdir", copy, copy / "tests", site=site)
    passed = re.search(r"(\d+) passed", done)
    assert passed
    assert int(passed[1]) > 30, done


def run(module: str, *arguments: object, site: Path | None = None) -> str:
    """A module of this Python in a process of its own, with ``site`` importable."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PIP_"))}
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, **({"PYTHONPATH": str(site)} if site else {})},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
