"""What a body for a video brings beside its plain fields: prompt, operation, images and clips, lineage.

Names of the gallery are looked up in the store, so that no client can name any other file of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ima2.errors import InvalidRequest, NotFound
from ima2.kernel.requests.inputs import MAX_REFERENCES, decode
from ima2.kernel.requests.lineage import lineage_from, lineage_given
from ima2.kernel.requests.series import series_of
from ima2.models import Artifact, Lineage, Reference, Series
from ima2.models.request import Operation
from ima2.storage.protocols import ArtifactStore

CLIP_FIELDS = frozenset(
    {
        "operation",
        "sourceImage",
        "sourceFilename",
        "referenceImages",
        "referenceFilenames",
        "continueFromVideo",
        "continuityLineage",
        "providerUrl",
        "videoUrl",
        "clientRequestId",
        "topic",
    }
)
"""Fields that only bodies for videos have."""
CLIP_LABELS = frozenset({"sourceFilename"})
"""Those of them that are also stored as they came."""
IMAGE_FIELDS = frozenset({"references", "image", "mask"})
"""Fields that bodies for videos don't have."""
GUIDANCE = (
    "Say what is seen first, what moves and how, what the camera does, what is heard (music, speech, or neither), "
    "and on what picture the clip ends."
)
_NAMES = frozenset({"sourceFilename", "referenceFilenames"})
_OPERATIONS: tuple[Operation, ...] = ("generate", "edit", "extend", "analyze")
_ADDRESS = re.compile(r"https://[^\s/]+/\S*|file_[A-Za-z0-9_-]{1,200}")
_MAX_ADDRESS = 2_000


@dataclass(frozen=True, slots=True)
class ClipInputs:
    """Images in the order frame, source, references; then the clip."""

    references: tuple[Reference, ...]
    lineage: Lineage | None = None
    source_url: str | None = None
    series: Series | None = None

    def fields(self) -> dict[str, Any]:
        """As fields of a request."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def clip_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with its synonyms resolved; ``auto`` is what a service does when nothing is said.

    :raises InvalidRequest: ``PROMPT_REQUIRED``.
    """
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest(
            "A clip needs a prompt.",
            code="PROMPT_REQUIRED",
            field="prompt",
            hint=example(body),
            details={"guidance": GUIDANCE},
        )
    said = {name: value for name, value in body.items() if not (name == "aspectRatio" and value == "auto")}
    return {**said, "requestId": body.get("requestId") or body.get("clientRequestId")}


def example(body: Mapping[str, Any]) -> str:
    """A command of the kind that the body is for."""
    operation = "continue" if body.get("continueFromVideo") else body.get("operation")
    words = {
        "edit": 'edit "the same at night" --video NAME.mp4',
        "extend": 'extend "it flies on" --video NAME.mp4',
        "continue": 'continue "it lands on the beach" --video NAME.mp4',
    }
    new = '"a red kite climbs over the sea, the camera follows"'
    return f"ima2 video {words.get(str(operation), new)}"


def clip_operation(body: Mapping[str, Any]) -> Operation:
    """What is to be done.

    :raises InvalidRequest: ``INVALID_FIELD``.
    """
    given = body.get("operation") or "generate"
    if given not in _OPERATIONS:
        raise InvalidRequest("operation is generate, edit, extend or analyze.", code="INVALID_FIELD", field="operation")
    return next(each for each in _OPERATIONS if each == given)


async def take_clip_inputs(body: Mapping[str, Any], store: ArtifactStore) -> ClipInputs:
    """Look up, decode and store what the body brings.

    :raises InvalidRequest: ``INVALID_VIDEO_MODE``; a clip where none is taken, or named twice.
    :raises NotFound: ``ASSET_NOT_FOUND``.
    :raises Unsupported: ``VIDEO_EXTRA_MISSING``; the last frame of a clip is wanted and can't be taken here.
    """
    _refuse_clips(body)
    series = await series_of(body.get("topic"), store)
    images = [await _image(item, field, store) for field, item in _listed(body)]
    lineage = lineage_given(body["continuityLineage"]) if body.get("continuityLineage") is not None else None
    if body.get("continueFromVideo") is not None:
        parent = await _stored(body["continueFromVideo"], "video", "continueFromVideo", store)
        frame = await store.add_reference(await store.frame(parent.filename), field="continueFromVideo")
        images.insert(0, frame)
        lineage = lineage or lineage_from(parent, frame=True)
    clip, clip_lineage, clip_url = await _clip(body.get("videoUrl"), store)
    url = clip_url or _address(body.get("providerUrl"), "providerUrl")
    return ClipInputs((*images, *clip), lineage or clip_lineage, url, series)


def _refuse_clips(body: Mapping[str, Any]) -> None:
    """A clip that nobody would look at must not be paid for as if it had been."""
    new = clip_operation(body) == "generate"
    if not new and body.get("continueFromVideo") is not None:
        text = "A clip is gone on from (continueFromVideo) or changed (edit, extend), not both."
        raise InvalidRequest(text, code="INVALID_VIDEO_MODE", field="continueFromVideo")
    if body.get("videoUrl") is None:
        return
    if new:
        text = "A new clip is not made of a clip: edit or extend it, or go on from its last frame (continueFromVideo)."
        raise InvalidRequest(text, code="INVALID_VIDEO_MODE", field="videoUrl", hint="ima2 video --help")
    if body.get("providerUrl") is not None:
        text = "videoUrl and providerUrl both name the clip; one is enough."
        raise InvalidRequest(text, code="INVALID_VIDEO_MODE", field="providerUrl")


def _listed(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(field, image) in their order. A source given in both ways is one image, and the name tells where it is from."""
    source = next((field for field in ("sourceImage", "sourceFilename") if body.get(field) is not None), None)
    several = [(field, item) for field in ("referenceImages", "referenceFilenames") for item in _list(body, field)]
    return [*([(source, body[source])] if source else []), *several]


def _list(body: Mapping[str, Any], field: str) -> list[Any] | tuple[Any, ...]:
    given = body.get(field)
    if given is None:
        return []
    if not isinstance(given, list | tuple):
        raise InvalidRequest(f"{field} is a list.", code="REF_NOT_ARRAY", field=field)
    if len(given) > MAX_REFERENCES:
        text = f"{len(given)} images; {MAX_REFERENCES} are the most any model takes."
        raise InvalidRequest(text, code="REF_TOO_MANY", field=field)
    return given


async def _image(item: Any, field: str, store: ArtifactStore) -> Reference:
    if field in _NAMES:
        artifact = await _stored(item, "image", field, store)
        return await store.add_reference(store.folder / artifact.filename, field=field)
    return await store.add_reference(item if isinstance(item, bytes | Path) else decode(item, field), field=field)


async def _stored(name: Any, kind: str, field: str, store: ArtifactStore) -> Artifact:
    if not isinstance(name, str):
        raise InvalidRequest(f"{field} is a file name of the gallery.", code="INVALID_FILENAME", field=field)
    try:
        found = await store.artifact(name)
    except InvalidRequest as error:
        raise error.but(field=field) from None
    if found is None or found.kind != kind:
        text = f"There is no {kind} {name[:80]!a} in the gallery."
        raise NotFound(text, code="ASSET_NOT_FOUND", field=field, hint="ima2 ls")
    return found


async def _clip(given: Any, store: ArtifactStore) -> tuple[tuple[Reference, ...], Lineage | None, str | None]:
    """The clip to work on: its bytes, a name of the gallery, or where the service finds it."""
    if given is None:
        return (), None, None
    if clip := await uploaded_clip(given, store):
        return (clip,), None, None
    if isinstance(given, str) and ("://" in given or _ADDRESS.fullmatch(given)):
        return (), None, _address(given, "videoUrl")
    parent = await stored_clip(given, store)
    clip = await store.add_reference(store.folder / parent.filename, role="clip", field="videoUrl")
    return (clip,), lineage_from(parent, frame=False), None


async def uploaded_clip(given: Any, store: ArtifactStore) -> Reference | None:
    """A clip that came with the request, stored; None when it is named instead."""
    if isinstance(given, str):
        if not given.startswith("data:"):
            return None
        given = decode(given, "videoUrl")
    if not isinstance(given, bytes | Path):
        return None
    return await store.add_reference(given, role="clip", field="videoUrl")


async def stored_clip(name: Any, store: ArtifactStore) -> Artifact:
    """A clip of the gallery. ``ASSET_NOT_FOUND``, ``INVALID_FILENAME``."""
    return await _stored(name, "video", "videoUrl", store)


def _address(given: Any, field: str) -> str | None:
    """Only the service will open it; still nothing but https and its own file ids is passed on."""
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > _MAX_ADDRESS or not _ADDRESS.fullmatch(given):
        text = "An address that the service opens begins with https://, or is the id of a file it has (file_…)."
        raise InvalidRequest(text, code="INVALID_SOURCE_URL", field=field)
    return given
