"""Open things with what the desktop has for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

from ima2.errors import Ima2Error, NotFound


def open_url(url: str) -> None:
    """In the browser. ``NOTHING_TO_OPEN_WITH`` when there is none."""
    if not webbrowser.open(url):
        raise _nothing(url)


def open_path(path: Path) -> None:
    """A file or a folder with its program. ``NOTHING_TO_OPEN_WITH`` when there is none."""
    if sys.platform == "win32":
        os.startfile(path)  # noqa: S606 - opening is what was asked for
        return
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        raise _nothing(str(path))
    subprocess.run([program, str(path)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def reveal_file(path: str | None) -> None:
    """The folder that a file lies in."""
    if path is None:
        raise NotFound("The file is on the server's machine, not on this one.")
    open_path(Path(path).parent)


def _nothing(what: str) -> Ima2Error:
    return Ima2Error("Nothing on this machine opens it.", code="NOTHING_TO_OPEN_WITH", hint=what)
