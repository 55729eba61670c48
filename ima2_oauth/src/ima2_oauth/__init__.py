"""The provider oauth for ima2: images with your ChatGPT plan."""

from __future__ import annotations

__version__ = "0.1.0"
