"""Drawing, apart from ima2: a prompt, a seed and a size in, a Pillow image out."""

from __future__ import annotations

from ima2_sketch.drawing.sketch import Sketch, draw

__all__ = ["Sketch", "draw"]
