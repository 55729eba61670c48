"""What a person at a terminal sees, on a pseudo-terminal."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ima2.cli.terminal import clean, json_text, one_line

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
RENDERABLE = """
class TGPImage:
    def __init__(self, path, width=None):
        self.path = path

    def __rich__(self):
        return f"PICTURE {open(self.path, 'rb').read(4)!r}"


class SixelImage: ...
Image = TGPImage
"""


def _on_a_terminal(cli: Any, *args: str, **env: str) -> tuple[int, bytes, bytes]:
    """Exit status, stdout (a pipe) and what the terminal at stderr got."""
    import pty

    ours, theirs = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                return
            if not part:
                return
            seen.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    process = cli.start(*args, stderr=theirs, env={"TERM": "xterm-256color", "COLUMNS": "100", **env})
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    reader.join(10)
    os.close(ours)
    return process.returncode, out, b"".join(seen)


LINE = ("gen", "kite", "--provider", "sketch", "--size", "64x64", "--delay", "1")


@posix
def test_progress_is_one_line_that_goes_away(cli: Any) -> None:
    code, out, seen = _on_a_terminal(cli, *LINE)
    assert code == 0
    assert out.decode() == f"✓ {cli.gallery[0]}\n"
    assert "waiting for the provider" in seen.decode()
    assert b"25%" in seen
    assert b"\x1b[2K" in seen
    assert b"sketch-1" in seen.splitlines()[-1]


@posix
def test_no_colour(cli: Any) -> None:
    _, _, seen = _on_a_terminal(cli, *LINE, "--background", "transparent", NO_COLOR="1")
    assert b"\x1b[3" not in seen
    assert b"\x1b[9" not in seen


@posix
@pytest.mark.parametrize(("wanted", "count"), [("auto", 3), ("always", 3), ("never", 0)])
def test_pictures_and_drafts(cli: Any, tmp_path: Path, wanted: str, count: int) -> None:
    package = tmp_path / "site" / "textual_image"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "renderable.py").write_text(RENDERABLE)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    code, _, seen = _on_a_terminal(cli, *LINE, "--partial-images", "2", "--preview", wanted, **env)
    assert code == 0
    assert seen.count(b"PICTURE b'") == count
    assert seen.count(b"draft:") == (2 if count else 0)


@posix
def test_drafts_of_a_server(cli: Any, tmp_path: Path, serve: Any) -> None:
    package = tmp_path / "site" / "textual_image"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "renderable.py").write_text(RENDERABLE)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    with serve():
        code, _, seen = _on_a_terminal(cli, *LINE, "--partial-images", "3", **env)
    assert code == 0
    assert seen.count(b"PICTURE b'") == 4


def test_clean() -> None:
    assert clean("a\x1b[31m\x07\x9b\x7f\r\u202eb") == r"a\x1b[31m\x07\x9b\x7f\x0d\u202eb"
    assert clean("tab\tnew\nline 한국어 👩‍🚀") == "tab\tnew\nline 한국어 👩‍🚀"
    assert clean("\ud800") == r"\ud800"


def test_one_line() -> None:
    assert one_line(" a\n b\x1b ", 10) == r"a b\x1b"
    assert one_line("abcdef", 4) == "abc…"


def test_json_text_is_json(capsys: Any) -> None:
    import json

    value = {"prompt": "a\x1b\x9b\u202e한\u2028"}
    text = json_text(value)
    assert json.loads(text) == value
    assert not set("\x1b\x9b\u202e\u2028") & set(text)
