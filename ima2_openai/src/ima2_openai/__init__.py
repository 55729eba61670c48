"""The provider api for ima2: OpenAI with your own key."""

from __future__ import annotations

__version__ = "0.1.0"
