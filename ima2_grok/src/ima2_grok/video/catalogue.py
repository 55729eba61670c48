"""What xAI's video models can do, as data with a date: 2026-11, from xAI's documentation and recorded traffic.

Contradictory where noted; xAI's own refusal is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ima2.hookspecs import Capabilities, ClipMode, ModelInfo

BASE = "grok-imagine-video"
SECOND = "grok-imagine-video-1.5"

AUTO = "auto"
"""The shape that suits; xAI refuses the word, so it is sent as nothing."""
ASPECTS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
RESOLUTION = "480p"
SECONDS = 5
ADDED_SECONDS = 6
"""What is asked for when the request leaves it open; xAI's own defaults (8, 480p) are never relied on."""

_LOW = ("480p", "720p")
_CODES = {
    "REF_TOO_MANY": "GROK_VIDEO_REF_TOO_MANY",
    "INVALID_VIDEO_MODE": "GROK_VIDEO_INVALID_MODE",
    "OPERATION_UNSUPPORTED": "GROK_VIDEO_INVALID_MODE",
}
_OF_NEW = ("resolution", "aspect_ratio", "storyboard")
"""What only a new clip can be given."""
_GENERATING = (
    ClipMode("text", duration=(1, 15), ignores=("storyboard",)),
    # One image keeps its shape: another would stretch it, or be ignored (xAI says both).
    ClipMode("image", images=(1, 1), duration=(1, 15), ignores=("aspect_ratio",)),
    # 1.5 is said to take 15 s; ima2 has always made 10, and existing clients count on it.
    ClipMode("reference", images=(2, 7), duration=(1, 10), resolutions=_LOW, ignores=("storyboard",)),
)
_CHANGING = (
    ClipMode("edit", operation="edit", clip=(0, 8.7), ignores=("duration", *_OF_NEW)),
    ClipMode("extend", operation="extend", duration=(2, 10), clip=(2, 15), ignores=_OF_NEW),
)

_CAPABILITIES = Capabilities(
    operations=("generate", "edit", "extend"),
    resolutions=_LOW,
    aspect_ratios=(AUTO, *ASPECTS),
    duration=(1, 15),
    modes=(*_GENERATING, *_CHANGING),
    story=("series", "storyboard"),
    remote_sources=True,
    max_references=7,
    max_count=4,
    web_search="always",
    codes=_CODES,
)
_SECOND = replace(_CAPABILITIES, operations=("generate",), resolutions=(*_LOW, "1080p"), modes=_GENERATING)

MODELS = (
    ModelInfo(
        id=BASE,
        kind="video",
        use="clips from text or images, edits and extensions, up to 720p",
        capabilities=_CAPABILITIES,
    ),
    ModelInfo(
        id=SECOND,
        kind="video",
        use="finer clips from text or images, up to 1080p where the account has it; edits nothing",
        capabilities=_SECOND,
        aliases=(f"{SECOND}-preview", f"{SECOND}-2026-05-30"),
    ),
)


def films(name: str) -> bool:
    """Whether it may be a video model's name: an unknown one may, one of an image or text model may not."""
    return "video" in name or not name.startswith(("grok-", "gpt-"))


def first_tag(model: str) -> int:
    """The number of the first ``<IMAGE_n>`` in a prompt: the base model counts from one, 1.5 from zero."""
    return 0 if model.startswith(SECOND) else 1


def live(entries: Iterable[Mapping[str, Any]]) -> list[ModelInfo]:
    """The video models that xAI lists (``id``, ``aliases``). An unknown one has the limits of its nearest kin."""
    known = {model.id: model for model in MODELS}
    found = []
    for entry in entries:
        name = str(entry["id"])
        kin = MODELS[1] if name.startswith(SECOND) else MODELS[0]
        model = known.get(name) or replace(kin, id=name, use="listed by xAI", aliases=())
        listed = (str(alias) for alias in entry.get("aliases") or () if alias != name)
        found.append(replace(model, aliases=tuple(dict.fromkeys((*model.aliases, *listed)))))
    return found
