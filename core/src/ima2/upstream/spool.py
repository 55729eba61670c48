"""A folder for results under way."""

from __future__ import annotations

import secrets
from pathlib import Path


class SpoolFolder:
    """A :class:`~ima2.hookspecs.Spool` on ``folder``, which is made 0700 when the first path is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, suffix: str = "") -> Path:
        """A path in the folder that no one else was given, in this process or another; no file is made."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder / f"{secrets.token_hex(12)}{suffix}"
