"""Offline drawings for ima2: no account, no network."""

from __future__ import annotations

__version__ = "0.1.0"
