"""Where a clip comes from: the chain of clips that were continued one from the other."""

from __future__ import annotations

from typing import Literal

from ima2.models.frozen import Frozen

LineageRole = Literal["start", "ancestor", "parent", "current"]
MAX_ENTRIES = 4
"""The first clip and the latest three; existing clients expect no more."""


class LineageEntry(Frozen):
    """One clip of the chain. ``id`` is the job that made it, ``ordinal`` counts from 1 among the entries kept."""

    id: str
    ordinal: int
    role: LineageRole
    filename: str
    user_prompt: str = ""
    revised_prompt: str | None = None
    created_at: int = 0


class Lineage(Frozen):
    """The chain up to one clip. ``source_frame`` is ``last`` when the clip begins with its parent's last frame."""

    lineage_id: str
    parent_filename: str | None = None
    source_frame: Literal["last"] | None = None
    max_entries: int = MAX_ENTRIES
    retention: Literal["keep-start-plus-latest-3"] = "keep-start-plus-latest-3"
    entries: tuple[LineageEntry, ...] = ()
