"""What a model can't be told of a tale in pictures: earlier clips of its topic, or that an image is a storyboard."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import ModelInfo
from ima2.models import Request, Warning
from ima2.storage.clips import INSTALL, can_decode


def untold(request: Request, model: ModelInfo) -> Iterator[Warning]:
    """A warning for each; the request stands."""
    heeded = model.capabilities.story
    if request.series and request.series.prompts and "series" not in heeded:
        text = f"{model.id} is not told of the earlier clips of this topic; the clip is counted among them."
        yield Warning(code="FIELD_IGNORED", field="topic", message=text)
    if request.storyboard and "storyboard" not in heeded:
        text = f"{model.id} knows nothing of storyboards; it goes by the prompt and the images as they are."
        yield Warning(code="FIELD_IGNORED", field="storyboard", message=text)
    elif request.storyboard and request.kind == "video" and not can_decode():
        text = f"The clip will begin a second too early: to cut it takes PyAV ({INSTALL})."
        yield Warning(code="VIDEO_EXTRA_MISSING", field="storyboard", message=text)
