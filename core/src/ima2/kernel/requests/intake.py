"""A body becomes a request: the same parse for the API, the page and the command line.

A body is the JSON object of ``POST /api/generate``. Input images are data URLs or base64; from inside the process
they may also be bytes or a path, which JSON can't express, so no web client can name a local file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from ulid import ULID

from ima2.errors import InvalidRequest
from ima2.hookspecs import ProviderInfo
from ima2.kernel.requests.analysis import take_frames, with_question
from ima2.kernel.requests.clip_intake import (
    CLIP_FIELDS,
    CLIP_LABELS,
    IMAGE_FIELDS,
    clip_body,
    clip_operation,
    take_clip_inputs,
)
from ima2.kernel.requests.inputs import take_inputs
from ima2.models import Request, Warning
from ima2.models.request import MAX_PROMPT, REQUEST_ID_FORM, Surface
from ima2.storage.protocols import ArtifactStore

_QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
_MODERATIONS = ("auto", "low")

_DIRECT = {
    "provider": "provider",
    "model": "model",
    "n": "n",
    "size": "size",
    "format": "format",
    "compression": "compression",
    "background": "background",
    "moderation": "moderation",
    "reasoningEffort": "reasoning_effort",
    "webSearchEnabled": "web_search",
    "partialImages": "partial_images",
    "prefer": "prefer",
    "seed": "seed",
    "duration": "duration",
    "resolution": "resolution",
    "aspectRatio": "aspect_ratio",
    "timeout": "timeout",
    "sessionId": "session_id",
    "parentNodeId": "parent_id",
    "storyboard": "storyboard",
}
"""Body field → request field, taken as it is."""
_LABELS = frozenset(
    {
        "clientNodeId",
        "composerPrompt",
        "composerInsertedPrompts",
        "presetIds",
        "contextMode",
        "searchMode",
    }
)
"""Stored with the job for clients that want them back."""
_IGNORED = frozenset({"backgroundPreset", "sizeNudge", "elementIds", "imageToolModel", "async", "inline", "stream"})
"""Fields of newer clients without meaning here, and those that speak to the HTTP layer alone."""
_OWN = frozenset({"prompt", "quality", "mode", "requestId", "references", "image", "mask"})

_OF_VIDEO = {
    "duration": "INVALID_VIDEO_DURATION",
    "resolution": "INVALID_VIDEO_RESOLUTION",
    "aspect_ratio": "INVALID_VIDEO_ASPECT_RATIO",
}
"""Codes of values of the wrong type where a video is asked for."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A parsed body and what was replaced on the way."""

    request: Request
    warnings: tuple[Warning, ...]


async def take(
    body: Mapping[str, Any],
    *,
    surface: Surface,
    store: ArtifactStore,
    providers: tuple[ProviderInfo, ...],
) -> Taken:
    """Parse, and store the input images.

    :raises InvalidRequest: with the code of the field at fault. Nothing has been sent.
    """
    video = surface == "video"
    body = clip_body(with_question(body)) if video else body
    operation = clip_operation(body) if video else "edit" if body.get("image") is not None else "generate"
    options = _options(body, providers)
    _refuse_unknown(body, options, video=video)
    quality, warnings = _quality(body.get("quality"))
    labels = _LABELS | CLIP_LABELS if video else _LABELS
    fields: dict[str, Any] = {
        "id": _request_id(body.get("requestId")),
        "kind": "text" if operation == "analyze" else "video" if video else "image",
        "operation": operation,
        "surface": surface,
        "prompt": _prompt(body.get("prompt")),
        "quality": quality,
        "mode": "direct" if body.get("mode") == "direct" else "auto",
        "options": {name: value for name, (_, value) in options.items()},
        "labels": {name: body[name] for name in sorted(labels & body.keys()) if body[name] is not None},
        **{field: body[name] for name, field in _DIRECT.items() if body.get(name) is not None},
        "model": None if body.get("model") == "auto" else body.get("model"),
    }
    _moderation(fields.get("moderation"))
    request = _validated(fields)
    if not video:
        references = await take_inputs(body, store)
        return Taken(request.model_copy(update={"references": references}), warnings)
    inputs = await (take_frames if operation == "analyze" else take_clip_inputs)(body, store)
    return Taken(request.model_copy(update=inputs.fields()), warnings)


def _options(body: Mapping[str, Any], providers: tuple[ProviderInfo, ...]) -> dict[str, tuple[str, Any]]:
    """Setting name → (body field, value) for the per-request settings of any installed provider."""
    names = {
        setting.name: setting.field
        for info in providers
        for setting in info.settings
        if setting.per_request and setting.name not in Request.model_fields
    }
    return {name: (field, body[field]) for name, field in names.items() if body.get(field) is not None}


def _refuse_unknown(body: Mapping[str, Any], options: Mapping[str, tuple[str, Any]], *, video: bool) -> None:
    own = (_OWN - IMAGE_FIELDS) | CLIP_FIELDS if video else _OWN
    known = own | _DIRECT.keys() | _LABELS | _IGNORED | {field for field, _ in options.values()}
    unknown = sorted(str(name) for name in body.keys() - known if body[name] is not None)
    if unknown:
        raise InvalidRequest(
            f"Unknown field: {', '.join(name[:80] for name in unknown[:5])}.",
            code="UNKNOWN_FIELD",
            field=unknown[0][:80],
        )


def _request_id(given: Any) -> str:
    if isinstance(given, str) and REQUEST_ID_FORM.fullmatch(given):
        return given
    return f"req_{ULID()}"


def _prompt(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidRequest(
            "A prompt is needed.", code="INVALID_PROMPT", field="prompt", hint='ima2 generate "a red kite"'
        )
    if len(given) > MAX_PROMPT:
        raise InvalidRequest(
            f"The prompt has {len(given):,} characters; {MAX_PROMPT:,} are the most.",
            code="PROMPT_TOO_LONG",
            field="prompt",
        )
    # A lone surrogate can't be written to disk or sent; it says nothing a person typed.
    return given.encode("utf-8", "replace").decode()


def _quality(given: Any) -> tuple[str | None, tuple[Warning, ...]]:
    """Existing clients rely on an odd quality being replaced, not refused."""
    if given is None or given in _QUALITIES:
        return given, ()
    return "medium", (
        Warning(
            code="QUALITY_DEFAULTED",
            field="quality",
            normalized_to="medium",
            reason="invalid-quality",
            message=f"Quality {str(given)[:40]!r} is unknown; medium was used.",
        ),
    )


def _moderation(given: Any) -> None:
    if given is not None and given not in _MODERATIONS:
        raise InvalidRequest("Moderation is auto or low.", code="INVALID_MODERATION", field="moderation")


def _validated(fields: Mapping[str, Any]) -> Request:
    try:
        return Request.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        code = {"n": "INVALID_COUNT", **(_OF_VIDEO if fields["kind"] == "video" else {})}.get(name, "INVALID_FIELD")
        field = next((body for body, own in _DIRECT.items() if own == name), name)
        raise InvalidRequest(f"{field}: {first['msg']}.", code=code, field=field) from None
