"""History rows: an artifact in the words of existing galleries."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from ima2.kernel.studio import Studio
from ima2.models import Artifact
from ima2.storage.clips import can_decode
from ima2.storage.names import thumbnail_of

_FROM_SIDECAR = (
    "videoSeries",
    "videoContinuity",
    "userPrompt",
    "revisedPrompt",
    "promptMode",
    "composerPrompt",
    "composerInsertedPrompts",
    "quality",
    "reasoningEffort",
    "elapsed",
    "providerUrl",
    "usage",
    "nodeId",
    "parentNodeId",
    "clientNodeId",
    "requestId",
    "canvasVersion",
    "canvasSourceFilename",
    "canvasEditableFilename",
    "canvasMergedAt",
    "annotationsBaked",
    "annotationSnapshot",
    "annotationOnly",
    "setId",
    "cardId",
    "cardOrder",
    "headline",
    "body",
    "cards",
    "sequenceId",
    "sequenceIndex",
    "sequenceTotalRequested",
    "sequenceTotalReturned",
    "sequenceStatus",
    "seed",
    "sources",
    "requestedProvider",
    "requestedSize",
)
"""Taken as they are, null when absent."""
_ZERO = ("webSearchCalls", "refsCount")
_FORMATS = {"image/jpeg": "jpeg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}


def file_url(filename: str) -> str:
    """Where a stored file is served."""
    return f"/generated/{quote(filename)}"


def thumb_url(artifact: Artifact) -> str | None:
    """Where its thumbnail is served, made when asked for; None for a clip where none can be made."""
    if artifact.kind == "video" and not can_decode():
        return None
    return file_url(thumbnail_of(Path(artifact.filename)).as_posix())


async def page(
    studio: Studio,
    who: str,
    *,
    limit: int,
    before: tuple[int, str] | None = None,
    since: int | None = None,
    session: str | None = None,
    job: str | None = None,
    favorites: bool = False,
) -> dict[str, Any]:
    """``{items, total, nextCursor}``, newest first, with the marks of ``who``; ``total`` counts everything."""
    found = await studio.store.artifacts(
        limit=limit + 1,
        before=before,
        since=since,
        session_id=session,
        job_id=job,
        favorites_of=who if favorites else None,
    )
    shown = found[:limit]
    marked = await studio.store.favorites(who, [artifact.filename for artifact in shown])
    last = shown[-1] if len(found) > limit else None
    return {
        "items": [row(artifact, favorite=artifact.filename in marked) for artifact in shown],
        "total": await studio.store.count(),
        "nextCursor": {"before": last.created_at, "beforeFilename": last.filename} if last else None,
    }


def row(artifact: Artifact, *, favorite: bool = False) -> dict[str, Any]:
    """One row; sizes are measured, not claimed."""
    sidecar = artifact.sidecar
    video = sidecar.get("video")
    return {
        **{name: sidecar.get(name) for name in _FROM_SIDECAR},
        **{name: sidecar.get(name) or 0 for name in _ZERO},
        "id": artifact.id,
        "filename": artifact.filename,
        "url": file_url(artifact.filename),
        "thumb": thumb_url(artifact),
        "mediaType": "video" if artifact.kind == "video" else "image",
        "contentType": artifact.media_type,
        "video": video if isinstance(video, dict) else _video(artifact),
        "createdAt": artifact.created_at,
        "prompt": sidecar.get("prompt") or artifact.prompt or None,
        "size": f"{artifact.width}x{artifact.height}",
        "width": artifact.width,
        "height": artifact.height,
        "bytes": artifact.size,
        "sha256": artifact.sha256,
        "duration": artifact.duration,
        "format": _FORMATS.get(artifact.media_type),
        "model": artifact.model,
        "provider": artifact.provider,
        "sessionId": artifact.session_id,
        "kind": sidecar.get("kind"),
        "isFavorite": favorite,
    }


def _video(artifact: Artifact) -> dict[str, Any] | None:
    return {"duration": artifact.duration} if artifact.kind == "video" else None
