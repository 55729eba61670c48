"""Whose favourites the command line sees."""

from __future__ import annotations

import hashlib

from ima2.settings.paths import Paths


def identity(paths: Paths) -> str:
    """As existing clients name it: by the folder of the settings."""
    return f"cli-{hashlib.sha1(str(paths.config).encode(), usedforsecurity=False).hexdigest()[:16]}"
