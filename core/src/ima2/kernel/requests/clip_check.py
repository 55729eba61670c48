"""What a video model can make of a request: its mode by operation and number of images, before money is spent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.alias_generators import to_camel

from ima2.hookspecs import Capabilities, ClipMode, ModelInfo, Problem
from ima2.models import Request, Warning

_INPUT = "videoUrl"


def mode_of(request: Request, caps: Capabilities) -> ClipMode | None:
    """The way in which the model would work; None when it has none for these inputs, or names no ways at all."""
    images = _images(request)
    fitting = (mode for mode in caps.modes if mode.operation == request.operation)
    return next((mode for mode in fitting if mode.images[0] <= images <= mode.images[1]), None)


def fitted(request: Request, model: ModelInfo) -> tuple[Request, tuple[Warning, ...]]:
    """A new clip that is longer than its mode allows, though not than the model does, is made shorter.

    Existing clients count on that; the warning says it.
    """
    mode = mode_of(request, model.capabilities)
    longest = model.capabilities.duration
    if mode is None or mode.duration is None or longest is None or request.operation != "generate":
        return request, ()
    if request.duration is None or not mode.duration[1] < request.duration <= longest[1]:
        return request, ()
    warning = Warning(
        code="DURATION_LOWERED",
        field="duration",
        normalized_to=f"{mode.duration[1]:g}",
        message=f"{model.id} makes at most {mode.duration[1]:g} s {_from(mode)}; "
        f"{request.duration:g} s were asked for.",
    )
    return request.model_copy(update={"duration": mode.duration[1]}), (warning,)


def clip_problems(request: Request, model: ModelInfo) -> Iterator[Problem]:
    """What the model can't do of a request for a video."""
    caps = model.capabilities
    if request.source_url and not caps.remote_sources:
        field = "providerUrl" if request.operation == "generate" else _INPUT
        yield Problem("SOURCE_URL_UNSUPPORTED", field, f"{model.id} fetches no inputs; give the file itself.")
    yield from _inputs(request)
    if not caps.modes or request.operation not in caps.operations:
        return
    mode = mode_of(request, caps)
    if mode is None:
        if _images(request) <= caps.max_references:
            yield _no_mode(request, model)
        return
    yield from _limits(request, model, mode)


def limits_length(request: Request, model: ModelInfo) -> bool:
    """Whether the mode has its own words for how long a clip may be."""
    mode = mode_of(request, model.capabilities) if request.kind == "video" else None
    return mode is not None and mode.duration is not None


def unheeded(request: Request, caps: Capabilities) -> dict[str, Any]:
    """What was asked for and has no effect in the mode that its inputs make it, by field."""
    mode = mode_of(request, caps) if request.kind == "video" else None
    asked = {name: getattr(request, name) for name in (mode.ignores if mode else ())}
    return {name: value for name, value in asked.items() if value not in (None, False, "auto")}


def unheeding(request: Request, model: ModelInfo) -> Iterator[Warning]:
    """A warning for each of them."""
    for name, value in unheeded(request, model.capabilities).items():
        mode = mode_of(request, model.capabilities)
        what = f"{value:g} s" if name == "duration" else "it" if value is True else value
        text = f"{model.id} heeds no {name.replace('_', ' ')} {_from(mode) if mode else ''}; {what} was left out."
        yield Warning(code="FIELD_IGNORED", field=to_camel(name), message=text)


def _inputs(request: Request) -> Iterator[Problem]:
    images, clips = len(request.inputs("reference")), len(request.inputs("clip"))
    if request.operation == "generate":
        if images and request.source_url:
            yield Problem("INVALID_VIDEO_MODE", "providerUrl", "An address and images together make no clip.")
        return
    if clips + bool(request.source_url) != 1:
        yield Problem("VIDEO_REQUIRED", _INPUT, f"To {request.operation} takes one clip.")
    if images:
        text = f"To {request.operation} a clip takes no images; {images} were given."
        yield Problem("INVALID_VIDEO_MODE", "referenceImages", text)


def _no_mode(request: Request, model: ModelInfo) -> Problem:
    modes = [mode for mode in model.capabilities.modes if mode.operation == request.operation]
    offered = "; ".join(_from(mode) for mode in modes) or "nothing of the kind"
    return Problem(
        "INVALID_VIDEO_MODE", "referenceImages", f"{model.id} takes no {_images(request)} images; it works {offered}."
    )


def _limits(request: Request, model: ModelInfo, mode: ClipMode) -> Iterator[Problem]:
    if mode.resolutions and request.resolution and request.resolution not in mode.resolutions:
        text = f"{model.id} makes no {request.resolution} {_from(mode)}; it makes {', '.join(mode.resolutions)}."
        yield Problem("INVALID_VIDEO_RESOLUTION", "resolution", text)
    if mode.duration and request.duration is not None and not mode.duration[0] <= request.duration <= mode.duration[1]:
        low, high = mode.duration
        text = f"{model.id} makes {low:g} to {high:g} s {_from(mode)}; {request.duration:g} s were asked for."
        yield Problem("INVALID_VIDEO_DURATION", "duration", text)
    for clip in request.inputs("clip"):
        if mode.clip and clip.duration is not None and not mode.clip[0] <= clip.duration <= mode.clip[1]:
            low, high = mode.clip
            text = f"To {request.operation}, a clip lasts {low:g} to {high:g} s; this one lasts {clip.duration:.1f} s."
            yield Problem("INVALID_VIDEO_SOURCE", _INPUT, text)


def _images(request: Request) -> int:
    """An address stands for one image, except where it stands for the clip."""
    return len(request.inputs("reference")) + (request.operation == "generate" and request.source_url is not None)


def _from(mode: ClipMode) -> str:
    """In words: ``from 2 to 7 images``."""
    few, many = mode.images
    if mode.operation != "generate":
        return f"when it is to {mode.operation}"
    if not many:
        return "from text alone"
    return f"from {few} to {many} images" if few < many else f"from {few} image{'s' if few > 1 else ''}"
