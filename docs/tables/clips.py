"""What each video model can do, from its capability table."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import Capabilities, ClipMode, ModelInfo

from tables.markdown import code, table
from tables.settings import providers

_HEAD = ("provider", "model", "from", "length", "resolution", "aspect ratio")
_WORDS = {"edit": "a clip, changed", "extend": "a clip, going on"}


def all_clips() -> str:
    """A line for each way in which each model works."""
    return table(_HEAD, [row for info in providers() for model in info.models for row in _rows(info.id, model)])


def _rows(provider: str, model: ModelInfo) -> Iterator[tuple[str, ...]]:
    if model.kind != "video":
        return
    caps = model.capabilities
    for mode in caps.modes or (ClipMode("any", images=(0, caps.max_references)),):
        own = "the clip's" if mode.operation != "generate" else "the image's"
        yield (
            code(provider),
            code(model.id),
            _source(mode),
            _length(mode, caps),
            own if "resolution" in mode.ignores else ", ".join(mode.resolutions or caps.resolutions),
            own if "aspect_ratio" in mode.ignores else ", ".join(caps.aspect_ratios),
        )


def _source(mode: ClipMode) -> str:
    if words := _WORDS.get(mode.operation):
        return words + (f" ({mode.clip[0]:g} to {mode.clip[1]:g} s)" if mode.clip else "")
    few, many = mode.images
    if not many:
        return "text"
    return f"{few} to {many} images" if few < many else f"{few} image{'s' if few > 1 else ''}"


def _length(mode: ClipMode, caps: Capabilities) -> str:
    if "duration" in mode.ignores:
        return "the clip's"
    span = mode.duration or caps.duration
    return (f"{span[0]:g} to {span[1]:g} s" + (" more" if mode.operation == "extend" else "")) if span else ""
