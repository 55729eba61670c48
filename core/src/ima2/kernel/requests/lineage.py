"""The chain of clips that a clip goes on from: read from its parent, kept short, and ended with the clip itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ima2.errors import InvalidRequest
from ima2.models import Artifact, Job, Lineage, LineageEntry
from ima2.models.lineage import MAX_ENTRIES, LineageRole

_KNOWN = frozenset(field.alias for field in Lineage.model_fields.values())
_KNOWN_OF_ENTRY = frozenset(field.alias for field in LineageEntry.model_fields.values())


def lineage_from(parent: Artifact, *, frame: bool) -> Lineage:
    """The chain up to ``parent``. ``frame``: the new clip begins with its last frame."""
    try:
        known = _parsed(parent.sidecar.get("videoContinuity"))
    except (ValidationError, TypeError):
        known = Lineage(lineage_id=f"lineage_{parent.job_id or parent.id}")
    entries = known.entries
    if not entries or entries[-1].filename != parent.filename:
        entries = (*entries, _entry_of(parent))
    return known.model_copy(
        update={
            "parent_filename": parent.filename,
            "source_frame": "last" if frame else None,
            "entries": _kept(entries, last="parent"),
        }
    )


def lineage_given(given: object) -> Lineage:
    """The chain as a client tells it.

    :raises InvalidRequest: it is none.
    """
    try:
        lineage = _parsed(given)
    except (ValidationError, TypeError):
        raise InvalidRequest(
            "continuityLineage is no lineage of clips.", code="INVALID_LINEAGE", field="continuityLineage"
        ) from None
    return lineage.model_copy(update={"entries": _kept(lineage.entries, last="parent")})


def lineage_to(job: Job, filename: str, revised_prompt: str | None) -> Lineage:
    """The chain that ends with the clip that ``job`` made."""
    before = job.request.lineage or Lineage(lineage_id=f"lineage_{job.id}")
    entry = LineageEntry(
        id=job.id,
        ordinal=1,
        role="current",
        filename=filename,
        user_prompt=job.request.prompt,
        revised_prompt=revised_prompt,
        created_at=job.created_at,
    )
    return before.model_copy(update={"entries": _kept((*before.entries, entry), last="current")})


def _parsed(given: object) -> Lineage:
    """Older and newer clients may know more than we do."""
    if not isinstance(given, Mapping) or not isinstance(entries := given.get("entries", []), list):
        raise TypeError
    known = [_only(entry, _KNOWN_OF_ENTRY) for entry in entries[-MAX_ENTRIES * 4 :]]
    fields = {name: value for name, value in given.items() if name not in ("maxEntries", "retention")}
    return Lineage.model_validate({**_only(fields, _KNOWN), "entries": known})


def _only(given: object, names: frozenset[str | None]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError
    return {name: value for name, value in given.items() if name in names}


def _entry_of(artifact: Artifact) -> LineageEntry:
    revised = artifact.sidecar.get("revisedPrompt")
    return LineageEntry(
        id=artifact.job_id or artifact.id,
        ordinal=1,
        role="parent",
        filename=artifact.filename,
        user_prompt=artifact.prompt,
        revised_prompt=revised if isinstance(revised, str) else None,
        created_at=artifact.created_at,
    )


def _kept(entries: Sequence[LineageEntry], *, last: LineageRole) -> tuple[LineageEntry, ...]:
    """The first and the latest three, counted and named anew."""
    few = [*entries[:1], *entries[1:][-(MAX_ENTRIES - 1) :]]
    return tuple(
        entry.model_copy(update={"ordinal": place + 1, "role": _role(place, len(few), last)})
        for place, entry in enumerate(few)
    )


def _role(place: int, count: int, last: LineageRole) -> LineageRole:
    if place == 0:
        return "start"
    if place == count - 1:
        return last
    return "parent" if last == "current" and place == count - 2 else "ancestor"
