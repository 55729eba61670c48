"""Index rows from files alone: sidecar, else metadata inside, else name and time of the file.

Reads what existing clients wrote as well as our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ulid import ULID

from ima2.errors import InvalidRequest
from ima2.models import Artifact
from ima2.storage.codec import dump
from ima2.storage.metadata import read_metadata
from ima2.storage.names import sidecar_of
from ima2.storage.storing import completed
from ima2.storage.worker import Facts

_MAX_SIDECAR = 4 * 1024 * 1024
_MAX_TIME = 253_402_300_799_999
"""The end of the year 9999 in epoch milliseconds."""
_NAMED_TIME = re.compile(r"(\d{13})_")
_TEXTS = {
    "job_id": ("requestId",),
    "call_key": ("callKey",),
    "session_id": ("sessionId",),
    "provider": ("provider",),
    "model": ("model",),
    "prompt": ("userPrompt", "prompt"),
}


def artifact_of(path: Path, filename: str, sha256: str, found: Facts, *, trashed_at: int | None = None) -> Artifact:
    """The row of a file that has none."""
    sidecar = read_sidecar(path)
    texts = {field: _text(sidecar, keys) for field, keys in _TEXTS.items()}
    return Artifact.model_validate(
        {
            **{field: text for field, text in texts.items() if text is not None},
            "id": str(ULID()),
            "filename": filename,
            "sha256": sha256,
            "media_type": found.media_type,
            "kind": found.kind,
            "size": path.stat().st_size,
            "width": found.width,
            "height": found.height,
            "duration": found.duration,
            "created_at": _time_of(path, sidecar),
            "trashed_at": trashed_at,
            "sidecar": completed(sidecar, sha256, found),
        }
    )


def read_sidecar(path: Path) -> dict[str, Any]:
    """What is written beside ``path``, or inside it; empty when nothing is."""
    for place in (sidecar_of(path), path.with_suffix(".json")):
        if (content := _object(place)) is not None:
            return content
    if path.suffix == ".mp4":
        return {}
    try:
        embedded = read_metadata(path.read_bytes())
    except InvalidRequest:
        return {}
    return embedded.metadata if embedded is not None else {}


def _object(place: Path) -> dict[str, Any] | None:
    if place.is_symlink() or not place.is_file() or place.stat().st_size > _MAX_SIDECAR:
        return None
    try:
        content = json.loads(place.read_bytes())
        dump(content)
    except (ValueError, RecursionError):
        # Cut, no JSON, or nested too deep to be written again.
        return None
    return content if isinstance(content, dict) else None


def _text(sidecar: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    values = (sidecar.get(key) for key in keys)
    return next(
        (value.encode("utf-8", "replace").decode() for value in values if isinstance(value, str) and value), None
    )


def _time_of(path: Path, sidecar: Mapping[str, Any]) -> int:
    """Epoch milliseconds."""
    named = _NAMED_TIME.match(path.name)
    candidates = (
        _milliseconds(sidecar.get("createdAt")),
        _milliseconds(sidecar.get("createdAtIso")),
        int(named[1]) if named else None,
    )
    return next((time for time in candidates if time is not None), path.stat().st_mtime_ns // 10**6)


def _milliseconds(value: object) -> int | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MAX_TIME:
        return None
    return int(value)
