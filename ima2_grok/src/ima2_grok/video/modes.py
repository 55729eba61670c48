"""How a clip is made: by the operation and the number of images. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from ima2.models import Reference, Request, Warning

from ima2_grok.inputs import EDITS, as_it_is
from ima2_grok.video.catalogue import ADDED_SECONDS, AUTO, RESOLUTION, SECONDS

Mode = Literal["text", "image", "reference", "edit", "extend"]
WORDS: dict[Mode, str] = {
    "text": "text-to-video",
    "image": "image-to-video",
    "reference": "reference-to-video",
    "edit": "video edit",
    "extend": "video extension",
}
"""What each is called by xAI and by existing clients."""
_SHAPED: tuple[Mode, ...] = ("text", "reference")
"""Where a shape can be chosen. One image keeps its own: another would stretch it, or be ignored (xAI says both)."""
LEAD_IN = 1.0
"""Seconds in which a storyboard's clip fades in from its black first panel, as the planner is told to begin it."""
_NEW: tuple[Mode, ...] = ("text", "image", "reference")


def mode_of(request: Request) -> Mode:
    """The mode; a remote source of a new clip is its one image."""
    match request.operation:
        case "edit" | "extend" as change:
            return change
    count = len(images(request)) + bool(request.source_url)
    return "text" if not count else "image" if count == 1 else "reference"


def images(request: Request) -> tuple[Reference, ...]:
    """The input images in order."""
    return request.inputs("reference")


def parameters(request: Request) -> dict[str, Any]:
    """What goes upstream beside model, prompt and files; what is left open is decided here.

    ``mode`` and ``lead_in`` stay here.
    """
    mode = mode_of(request)
    chosen = request.aspect_ratio if request.aspect_ratio != AUTO else None
    fields = {
        "mode": mode,
        "duration": _seconds(request, mode),
        "resolution": (request.resolution or RESOLUTION) if mode in _NEW else None,
        "aspect_ratio": chosen if mode in _SHAPED else None,
        "source_url": request.source_url,
        "lead_in": LEAD_IN if request.storyboard and mode == "image" else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _seconds(request: Request, mode: Mode) -> int | None:
    """Whole seconds; of an extension, those that are added."""
    if mode == "edit":
        return None
    return int(request.duration or (ADDED_SECONDS if mode == "extend" else SECONDS))


def remarks(request: Request) -> Iterator[Warning]:
    """What is changed on the way."""
    if shrunk(request):
        text = f"An input image larger than xAI has use for is sent with a longest edge of {EDITS.edge} pixels."
        yield Warning(code="REFERENCE_SHRUNK", field="referenceImages", message=text)


def shrunk(request: Request) -> bool:
    """Whether an input image is not sent as it is."""
    return any(not as_it_is(image, EDITS) for image in images(request))
