"""What the models are told: the taste of this provider, as text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def instructions(name: str) -> str:
    """The text of ``<name>.md``."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
