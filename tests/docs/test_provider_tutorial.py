"""The provider of the tutorial, made from the text of the page, works as the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from distributions import ROOT

PAGE = ROOT / "docs" / "tutorial" / "your-first-provider.md"
FILE = re.compile(r"^`(?P<name>tint/\S+)`(?:(?!^```).)*?^```\w+\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
Run = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of this Python in a folder that has the tutorial's files, with the plugin installed."""
    folder = tmp_path_factory.mktemp("tutorial")
    for match in FILE.finditer(PAGE.read_text(encoding="utf-8")):
        path = folder / match["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(match["text"], encoding="utf-8")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "OPENAI_", "PYTEST_"))}
    env = {**own, "IMA2_CONFIG_DIR": str(folder / "home"), "PYTHONPATH": str(folder / "site")}

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
    done = program("pip", "install", *quiet, "--target", "site", "./tint")
    assert done.returncode == 0, done.stdout + done.stderr
    return program


def test_it_is_listed(run: Run) -> None:
    assert re.search(r"^tint +Tint +ready", run("ima2", "providers").stdout, re.MULTILINE)


def test_it_draws(run: Run) -> None:
    done = run("ima2", "generate", "a quiet sea", "--provider", "tint", "-o", "sea.png")
    assert done.returncode == 0, done.stderr
    assert "sea.png" in done.stdout


def test_the_table_refuses_and_warns_as_the_page_says(run: Run) -> None:
    generate = ("ima2", "generate", "a quiet sea", "--provider", "tint")
    refused = run(*generate, "--size", "640x480")
    assert refused.returncode != 0
    assert "512x512, 1024x512" in refused.stderr
    warned = run(*generate, "--seed", "7")
    assert warned.returncode == 0
    assert "seed" in warned.stderr
    run(*generate, "-o", "sea.png", "--force")
    assert run("ima2", "edit", "sea.png", "-p", "darker", "--provider", "tint").returncode != 0


def test_it_passes_the_contract(run: Run) -> None:
    done = run("pytest", "tint/tests", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
