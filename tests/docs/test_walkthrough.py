"""What the tutorial and the how-to pages tell the reader to type is typed here, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from distributions import ROOT

BLOCK = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
RUNNABLE = re.compile(r"^(printf|echo|cat)?.*\bima2 ", re.MULTILINE)
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="needs sh")
pytestmark = [needs_sh, pytest.mark.timeout(300)]


def blocks(page: str) -> list[str]:
    """The blocks of a page that call ima2 and do not only show what it prints."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    typed = [match["text"] for match in BLOCK.finditer(text) if match["language"] in ("", "sh")]
    return [block for block in typed if RUNNABLE.search(block) and "ima2 serve" not in block]


@pytest.fixture
def env(tmp_path: Path) -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "OPENAI_"))}
    programs = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", "")])
    return {**own, "PATH": programs, "IMA2_CONFIG_DIR": str(tmp_path / "home")}


def run(block: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-e", "-c", block]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def newest(home: Path) -> str:
    pictures = [path for path in (home / "generated").iterdir() if path.suffix == ".png"]
    return max(pictures, key=lambda path: path.name).name


def test_the_first_tutorial_works_as_written(tmp_path: Path, env: Mapping[str, str]) -> None:
    for block in blocks("tutorial/first-picture.md"):
        text = re.sub(r"\d+_[0-9a-f]{8}_0\.png", lambda _: newest(tmp_path / "home"), block)
        done = run(text, tmp_path, env)
        # The doctor's verdict depends on the machine: the key of a provider may be missing, the disk nearly full.
        assert done.returncode == 0 or "ima2 doctor" in block, f"{text}\n{done.stdout}{done.stderr}"
    assert {"fox.png", "fox.webp", "foxes", "night.png"} <= {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / "foxes").iterdir())) == 3


def test_the_pipes_work_as_written(tmp_path: Path, env: Mapping[str, str]) -> None:
    ran = 0
    for block in blocks("how-to/scripts-and-agents.md"):
        if "--provider sketch" in block:
            done = run(block, tmp_path, env)
            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
            ran += 1
    assert ran == 3
    assert (tmp_path / "night.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "answer.json").exists()
