"""The two pluggy markers of the project ``ima2``."""

from __future__ import annotations

import pluggy

PROJECT = "ima2"
"""pluggy project name and entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
