"""A virtual environment of its own, to install wheels into."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
