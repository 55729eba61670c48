"""ima2: one command and one local studio for images and videos, where every provider is a plugin."""

from __future__ import annotations

from ima2.hookspecs.markers import hookimpl

__all__ = ["__version__", "hookimpl"]

__version__ = "0.1.0"
