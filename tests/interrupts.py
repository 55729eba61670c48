"""Ctrl+C for processes under test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def _default() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


heard: Callable[[], None] | None = _default if os.name == "posix" else None
"""To be run in a child before its program: a shell in the background hands SIGINT down ignored, and a test must not
depend on who runs it."""
