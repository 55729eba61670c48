"""Clips of one topic."""

from __future__ import annotations

from ima2.models.frozen import Frozen

MAX_TOLD = 4
"""So many of the latest clips are told of."""


class Series(Frozen):
    """``chain_index`` counts the clips of ``topic`` from 1; ``prompts`` are what the latest before it showed."""

    topic: str
    chain_index: int = 1
    prompts: tuple[str, ...] = ()
