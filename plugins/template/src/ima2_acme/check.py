"""What the service would refuse, found before it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ima2.hookspecs import Problem

if TYPE_CHECKING:
    from ima2.models import Request

MAX_PROMPT = 4000
"""Characters (Acme API reference)."""


def problems(request: Request) -> Iterator[Problem]:
    """A code that stays the same, the field in the API's spelling, and a sentence for a person."""
    if len(request.prompt) > MAX_PROMPT:
        text = f"Acme takes prompts of up to {MAX_PROMPT} characters; this one has {len(request.prompt)}."
        yield Problem("PROMPT_TOO_LONG", "prompt", text)
