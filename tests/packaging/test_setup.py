"""What a fresh machine meets: the Makefile's messages, the pins, the script of continuous integration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from distributions import DISTRIBUTIONS, ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)")
needs_make = pytest.mark.skipif(
    (shutil.which("make") is None or os.name == "nt") and not os.environ.get("CI"), reason="needs make and sh"
)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [PIN.fullmatch(line) for line in lines if line and not line.startswith("#")]
    assert all(found), "constraints.txt has name==version lines and nothing else, above all no addresses"
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def needed() -> list[Requirement]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    ours = {distribution.name for distribution in DISTRIBUTIONS}
    listed = [requirement for distribution in DISTRIBUTIONS for requirement in distribution.project["dependencies"]]
    wanted = [Requirement(line) for line in [*groups["dev"], *listed]]
    return [requirement for requirement in wanted if requirement.name not in ours]


def test_everything_needed_is_pinned_within_its_range() -> None:
    pinned = pins()
    for requirement in needed():
        assert pinned.get(canonicalize_name(requirement.name)) in requirement.specifier, requirement


def test_the_continuous_integration_runs_what_the_readme_says() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("exec make test")
    assert "\nmake test\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    if os.name != "nt":
        assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the Makefile looks at, with nothing set up."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def a_python(folder: Path, version: str, says: str) -> Path:
    """A stand-in that tells its version, and fails whatever else it is asked."""
    path = folder / "python-stand-in"
    path.write_text(f'#!/bin/sh\ncase "$2" in *"%d.%d"*) echo {version};; *{says}*) exit 1;; esac\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@needs_make
def test_an_old_python_is_named_with_the_way_out(checkout: Path) -> None:
    done = make(checkout, "run", f"PYTHON={a_python(checkout, '3.9', 'version_info')}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "is 3.9" in done.stderr
    assert "make run PYTHON=" in done.stderr
    assert not (checkout / ".venv").exists()


@needs_make
def test_a_missing_python_is_named(checkout: Path) -> None:
    done = make(checkout, "test", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "no-such-python is missing" in done.stderr


@needs_make
def test_a_python_without_venv_is_named(checkout: Path) -> None:
    done = make(checkout, "setup", f"PYTHON={a_python(checkout, '3.12', 'ensurepip')}")
    assert done.returncode != 0
    assert "python3-venv" in done.stderr


@needs_make
def test_make_alone_only_explains(checkout: Path) -> None:
    done = make(checkout)
    assert done.returncode == 0, done.stderr
    assert {"make run", "make test", "make serve"} <= {line[:10].strip() for line in done.stdout.splitlines()}
    assert not (checkout / ".venv").exists()
