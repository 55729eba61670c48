"""What is told of a finished job: the sidecar of a file, and the answer of a request.

Field names are those that existing clients know; new ones are added beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ima2.kernel.jobs.clip_record import clip_answer, without_lead_in
from ima2.kernel.jobs.usage import numbers
from ima2.kernel.requests.analysis import METHOD
from ima2.models import Artifact, Call, CallRow, Job, Usage
from ima2.storage.protocols import ArtifactStore


def usage_facts(usage: Usage | None) -> dict[str, Any] | None:
    """Ours, then the provider's own numbers under its own names; None when nothing is known."""
    if usage is None:
        return None
    ours = {name: value for name, value in usage.model_dump(exclude={"raw"}).items() if value is not None}
    return {**numbers(usage.raw), **ours} or None


def sidecar(job: Job, call: Call, media: dict[str, Any], index: int) -> dict[str, Any]:
    """Content of ``<file>.json``, enough to rebuild the index. Never an account, a path or an upstream secret."""
    request = job.request
    return {
        "kind": request.surface,
        "mediaType": call.kind,
        "requestId": job.id,
        "callKey": call.key,
        "sequence": index,
        "sessionId": request.session_id,
        "clientNodeId": request.labels.get("clientNodeId"),
        "prompt": call.prompt,
        "userPrompt": request.prompt,
        "revisedPrompt": media.get("revisedPrompt"),
        "promptMode": request.mode,
        "composerPrompt": request.labels.get("composerPrompt"),
        "composerInsertedPrompts": request.labels.get("composerInsertedPrompts"),
        "quality": request.quality,
        "requestedSize": request.size,
        "moderation": request.moderation,
        "reasoningEffort": request.reasoning_effort,
        "model": call.model,
        "provider": job.provider,
        "requestedProvider": request.provider,
        "createdAt": job.created_at,
        "providerUrl": media.get("providerUrl"),
        "seed": media.get("claimed", {}).get("seed", request.seed),
        "webSearchEnabled": request.web_search,
        "webSearchCalls": job.plan.web_search_calls if job.plan else 0,
        "sources": _sources(job, media),
        "refsCount": len(request.references),
        "claimed": media.get("claimed", {}),
    }


def _sources(job: Job, media: dict[str, Any]) -> list[Any]:
    """Pages that planning searched, or the call itself."""
    planned = [source.model_dump() for source in job.plan.sources] if job.plan else []
    return planned or list(media.get("claimed", {}).get("sources") or [])


def afterwards(job: Job, row: CallRow | None) -> dict[str, Any]:
    """What a sidecar gets once its job has ended: seconds, tokens, searches."""
    usage = row.usage if row else None
    searched = (job.plan.web_search_calls if job.plan else 0) + ((usage and usage.web_search_calls) or 0)
    return {"elapsed": _elapsed(job), "usage": usage_facts(usage), "webSearchCalls": searched}


def _elapsed(job: Job) -> float:
    return round(((job.finished_at or job.phase_at) - job.created_at) / 1000, 1)


def picture(artifact: Artifact, store: ArtifactStore) -> dict[str, Any]:
    """One stored file in an answer. ``path`` is for clients on this machine."""
    return {
        "filename": artifact.filename,
        "url": f"/generated/{artifact.filename}",
        "path": str(store.folder / artifact.filename),
        "sha256": artifact.sha256,
        "mediaType": artifact.media_type,
        "width": artifact.width,
        "height": artifact.height,
        "duration": artifact.duration,
        "bytes": artifact.size,
        "revisedPrompt": artifact.sidecar.get("revisedPrompt"),
        "providerUrl": artifact.sidecar.get("providerUrl"),
        "createdAt": artifact.created_at,
        "claimed": artifact.sidecar.get("claimed", {}),
    }


def answer(job: Job, artifacts: Sequence[Artifact], store: ArtifactStore) -> dict[str, Any]:
    """The body of a successful answer and of the ``done`` event; pictures as paths, never as bytes.

    Stored files are listed under ``images``, clips under ``videos``; words stand under ``analysis``.
    """
    usage = job.usage
    return {
        "requestId": job.id,
        "createdAt": job.created_at,
        "elapsed": _elapsed(job),
        "provider": job.provider,
        "requestedProvider": job.request.provider,
        "resolution": job.resolution.model_dump(by_alias=True),
        "model": job.model,
        "usage": usage_facts(usage),
        "costUsd": usage.cost_usd if usage else None,
        "warnings": [warning.model_dump(by_alias=True, exclude_none=True) for warning in job.warnings],
        **(_words(job) if job.request.kind == "text" else _files(job, artifacts, store)),
    }


def _words(job: Job) -> dict[str, Any]:
    """``source`` is the clip of the gallery that was looked at; None for one that came with the request."""
    lineage = job.request.lineage
    return {
        "analysis": job.reply.text if job.reply else "",
        "method": METHOD,
        "question": job.request.prompt,
        "source": lineage.parent_filename if lineage else None,
    }


def _files(job: Job, artifacts: Sequence[Artifact], store: ArtifactStore) -> dict[str, Any]:
    request = job.request
    ordered = sorted(without_lead_in(artifacts), key=_place)
    pictures = [picture(artifact, store) for artifact in ordered]
    first = pictures[0] if pictures else {}
    usage = job.usage
    return {
        "videos" if request.kind == "video" else "images": pictures,
        "count": len(pictures),
        "requested": request.n,
        "filename": first.get("filename"),
        "url": first.get("url"),
        "createdAt": first.get("createdAt", job.created_at),
        "route": first.get("claimed", {}).get("route"),
        "quality": request.quality,
        "size": f"{first['width']}x{first['height']}" if first else request.size,
        "requestedSize": request.size,
        "moderation": request.moderation,
        "reasoningEffort": request.reasoning_effort,
        "promptMode": request.mode,
        "revisedPrompt": first.get("revisedPrompt"),
        "providerUrl": first.get("providerUrl"),
        "webSearchCalls": (job.plan.web_search_calls if job.plan else 0) + ((usage and usage.web_search_calls) or 0),
        "webSearchEnabled": bool(request.web_search),
        **(clip_answer(ordered[0] if ordered else None) if request.kind == "video" else {}),
    }


def _place(artifact: Artifact) -> tuple[int, str]:
    """Pictures come in the order they were asked for, whichever was ready first."""
    index = (artifact.call_key or "").rpartition(".")[2]
    return int(index) if index.isdigit() else 0, artifact.filename
