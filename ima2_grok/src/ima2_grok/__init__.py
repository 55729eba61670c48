"""The provider grok for ima2: xAI's images and videos with your Grok subscription."""

from __future__ import annotations

__version__ = "0.1.0"
