"""Wheels of every distribution, what they need, and an environment that has nothing else."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from distributions import DISTRIBUTIONS, ROOT
from environments import Environment


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel for each distribution, as ``make wheels`` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    sources = [str(distribution.folder) for distribution in DISTRIBUTIONS]
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), *sources)
    return folder


@pytest.fixture(scope="session")
def wheelhouse(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those wheels and everything they need."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    constraints = str(ROOT / "constraints.txt")
    _pip("wheel", "--constraint", constraints, "--wheel-dir", str(folder), *map(str, wheels.iterdir()))
    return folder


@pytest.fixture(scope="module")
def environment(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Has pip and nothing else, at first."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    return Environment(folder, wheelhouse)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
