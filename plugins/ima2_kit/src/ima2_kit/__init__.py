"""Contract tests, fixtures and scripted upstreams for authors of ima2 providers."""

from __future__ import annotations

__version__ = "0.1.0"
