"""A folder for results under way."""

from __future__ import annotations

import secrets
from pathlib import Path

from ima2.errors import StorageFailed


class SpoolFolder:
    """A :class:`~ima2.hookspecs.Spool` on ``folder``, which is made 0700 when the first path is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, suffix: str = "") -> Path:
        """A path in the folder that no one else was given, in this process or another; no file is made.

        :raises StorageFailed: the folder can't be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"{self.folder} can't be made: {error.strerror}."
            raise StorageFailed(text, retryable=True, hint="ima2 doctor") from error
        return self.folder / f"{secrets.token_hex(12)}{suffix}"
