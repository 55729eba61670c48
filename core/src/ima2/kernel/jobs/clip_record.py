"""What is told of a clip beside what is told of any file: lineage, models, ``video`` as existing clients know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ima2.hookspecs import ProviderInfo
from ima2.kernel.requests.lineage import lineage_to
from ima2.models import Artifact, CallRow, Job, Request

_TOLD = ("requestedModel", "effectiveModel", "modelFallback", "videoContinuity")


def models_of(job: Job, effective: str) -> dict[str, Any]:
    """Which model was asked for and which one ran."""
    requested = job.request.model
    fallback = {"from": requested, "to": effective} if requested and requested != effective else None
    return {"requestedModel": requested, "effectiveModel": effective, "modelFallback": fallback}


def upstream_names(info: ProviderInfo, upstream_id: str | None) -> dict[str, str | None]:
    """The upstream id under our name and under that of this provider's existing clients."""
    return {"upstreamId": upstream_id, **({info.upstream_alias: upstream_id} if info.upstream_alias else {})}


def clip_sidecar(job: Job, row: CallRow, media: Mapping[str, Any], filename: str, info: ProviderInfo) -> dict[str, Any]:
    """Fields of a clip's sidecar. The store completes ``video`` with what the file itself says."""
    request, call = job.request, row.call
    models = models_of(job, media.get("claimed", {}).get("model") or call.model)
    lineage = lineage_to(job, filename, media.get("revisedPrompt"))
    asked = {name: call.parameters.get(name, getattr(request, name)) for name in ("resolution", "aspect_ratio")}
    video = {
        "operation": call.operation,
        "resolution": media.get("claimed", {}).get("resolution") or asked["resolution"],
        "aspectRatio": media.get("claimed", {}).get("aspectRatio") or asked["aspect_ratio"] or "auto",
        "requestedDuration": request.duration,
        "sourceImageFilename": request.labels.get("sourceFilename"),
        "source": lineage.parent_filename,
        "leadIn": media.get("leadIn") or None,
        "cutFrom": media.get("cutFrom"),
        "sourceUrl": request.source_url,
        **upstream_names(info, row.upstream_id),
        **models,
    }
    return {
        "video": video,
        "videoContinuity": lineage.model_dump(by_alias=True),
        "presetIds": request.labels.get("presetIds"),
        "storyboard": request.storyboard,
        **_series(request),
        **models,
    }


def _series(request: Request) -> dict[str, Any]:
    """What finds the clip again when the next one of its topic is made."""
    if request.series is None:
        return {}
    return {"videoSeries": {"topic": request.series.topic, "chainIndex": request.series.chain_index}}


def without_lead_in(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """Of a clip that is stored whole and once more without its lead-in, the latter alone."""
    whole = {(artifact.sidecar.get("video") or {}).get("cutFrom") for artifact in artifacts}
    return [artifact for artifact in artifacts if artifact.filename not in whole]


def clip_answer(artifact: Artifact | None) -> dict[str, Any]:
    """The part of an answer that clips alone have; ``mediaType`` is the word existing clients expect."""
    sidecar = artifact.sidecar if artifact else {}
    return {
        "mediaType": "video",
        **{name: sidecar.get(name) for name in _TOLD},
        "video": sidecar.get("video"),
        **{name: sidecar[name] for name in ("videoSeries",) if name in sidecar},
    }
