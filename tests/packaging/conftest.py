"""Wheels of every distribution, what they need, and an environment that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributions import DISTRIBUTIONS, ROOT


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment and a home of its own."""

    folder: Path
    wheelhouse: Path

    @property
    def programs(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**self.own_environment(), **env},
        )

    def pip(self, *arguments: str) -> str:
        """pip without a network and without the settings of this machine."""
        done = self.run("python", "-m", "pip", "--isolated", "--disable-pip-version-check", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *names: str) -> None:
        self.pip("install", "--no-index", "--find-links", str(self.wheelhouse), *names)

    def uninstall(self, *names: str) -> None:
        self.pip("uninstall", "--yes", *names)

    def own_environment(self) -> Mapping[str, str]:
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "OPENAI_", "PIP_"))
        }
        return {**outside, "IMA2_CONFIG_DIR": str(self.folder / "home"), "PYTHONNOUSERSITE": "1"}


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


@pytest.fixture(scope="session")
def new_environment(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """Makes environments that have pip and nothing else."""

    def make() -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=True)
        return Environment(folder, wheelhouse)

    return make


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
