"""What no capability table can say of a request for a clip, found before anything is spent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ima2.hookspecs import Problem
from ima2.models import Request

from ima2_grok.check import planner_problems
from ima2_grok.video.catalogue import MODELS, films
from ima2_grok.video.modes import LEAD_IN

MAX_CLIP_BYTES = 70 * 2**20
"""Of a clip to change: as base64 it stays below the 100 MiB that a request may have."""


def check(request: Request) -> list[Problem]:
    """Every reason why the clip can't be made as it is asked for."""
    return [*_model(request), *planner_problems(request), *_seconds(request), *_storyboard(request), *_clip(request)]


def _model(request: Request) -> Iterator[Problem]:
    if request.model and not films(request.model):
        known = ", ".join(model.id for model in MODELS)
        text = f"{request.model} makes no clips; {known} do."
        yield Problem("INVALID_GROK_VIDEO_MODEL", "model", text, hint="ima2 models --provider grok")


def _seconds(request: Request) -> Iterator[Problem]:
    if request.duration is not None and request.duration % 1:
        yield Problem("INVALID_VIDEO_DURATION", "duration", f"xAI counts whole seconds, not {request.duration:g}.")


def _storyboard(request: Request) -> Iterator[Problem]:
    if request.storyboard and request.duration is not None and request.duration <= LEAD_IN:
        text = f"Of a storyboard's clip the first {LEAD_IN:g} s is cut off; nothing would be left."
        yield Problem("INVALID_VIDEO_DURATION", "duration", text)


def _clip(request: Request) -> Iterator[Problem]:
    for clip in request.inputs("clip"):
        if clip.size > MAX_CLIP_BYTES:
            text = (
                f"A clip of {clip.size / 2**20:.0f} MiB is too large to send; at most {MAX_CLIP_BYTES >> 20} MiB are."
            )
            yield Problem("INVALID_VIDEO_SOURCE", "videoUrl", text)
