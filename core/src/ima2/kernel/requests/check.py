"""Everything that can be decided before money is spent: a request against a model's capability table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic.alias_generators import to_camel

from ima2.hookspecs import Capabilities, ModelInfo, Problem, ProviderInfo
from ima2.kernel.requests.clip_check import clip_problems, limits_length, unheeded, unheeding
from ima2.kernel.requests.sizes import size_problem
from ima2.kernel.requests.story import untold
from ima2.models import Request, Warning

_CHOICES = {
    "quality": ("qualities", "INVALID_QUALITY"),
    "format": ("formats", "INVALID_FORMAT"),
    "moderation": ("moderations", "INVALID_MODERATION"),
    "reasoning_effort": ("reasoning_efforts", "INVALID_REASONING_EFFORT"),
    "background": ("backgrounds", "INVALID_BACKGROUND"),
    "resolution": ("resolutions", "INVALID_RESOLUTION"),
    "aspect_ratio": ("aspect_ratios", "INVALID_ASPECT_RATIO"),
}
"""Request field → (capability, code of a value outside it)."""
_NOTHING = {"partial_images": 0, "storyboard": False}
"""Request field → what it says when nothing is asked; else None."""
_FIELDS = {"web_search": "webSearchEnabled"}
"""Names on the wire that are not simply the field's."""
_KEPT = ("size", "web_search")
"""Fields that stay: the answer tells the size asked for, and the kernel settles searching."""
_OF_VIDEO = {"resolution": "INVALID_VIDEO_RESOLUTION", "aspect_ratio": "INVALID_VIDEO_ASPECT_RATIO"}
"""Codes that differ where a video is asked for."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. Problems refuse the request; warnings travel with the job.

    :ivar left_out: what the request should say instead of what the model can't be told, by field.
    """

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Warning, ...] = ()
    left_out: Mapping[str, Any] = field(default_factory=dict)


def check_table(request: Request, info: ProviderInfo, model: ModelInfo) -> Checked:
    """Hold a filled request against what the model says it can do."""
    caps = model.capabilities
    unheard = {name: _NOTHING.get(name) for name in unheeded(request, caps)}
    warnings = unheeding(request, model)
    request = request.model_copy(update=unheard)
    problems = (
        *_operation(request, info, caps),
        *_inputs(request, model),
        *_count(request, model),
        *_size(request, caps),
        *_duration(request, model),
        *_choices(request, model),
        *(clip_problems(request, model) if request.kind == "video" else ()),
    )
    named = tuple(replace(problem, code=caps.codes.get(problem.code, problem.code)) for problem in problems)
    ignored = _ignored(request, caps)
    empty = {name: _NOTHING.get(name) for name in ignored if name not in _KEPT}
    told = (*_ignorance(ignored, info), *warnings, *untold(request, model))
    return Checked(named, told, {**empty, **unheard})


def _operation(request: Request, info: ProviderInfo, caps: Capabilities) -> Iterator[Problem]:
    if request.operation not in caps.operations:
        text = f"{info.title} can't {request.operation} with {request.model}."
        yield Problem("OPERATION_UNSUPPORTED", "model", text, hint=f"ima2 models --provider {info.id}")


def _inputs(request: Request, model: ModelInfo) -> Iterator[Problem]:
    count, limit = len(request.inputs("reference")), model.capabilities.max_references
    if count > limit:
        said = f"at most {limit} references" if limit else "no references"
        field = "references" if request.kind == "image" else "referenceImages"
        yield Problem("REF_TOO_MANY", field, f"{model.id} takes {said}; {count} were given.")
    if request.inputs("mask") and not model.capabilities.mask:
        yield Problem("MASK_UNSUPPORTED", "mask", f"{model.id} takes no mask.")


def _count(request: Request, model: ModelInfo) -> Iterator[Problem]:
    if request.n > model.capabilities.max_count:
        limit = model.capabilities.max_count
        yield Problem("INVALID_COUNT", "n", f"{model.id} makes at most {limit} at once; {request.n} were asked for.")


def _size(request: Request, caps: Capabilities) -> Iterator[Problem]:
    if request.size and caps.sizes and (why := size_problem(request.size, caps.sizes)):
        yield Problem("INVALID_SIZE", "size", why)


def _duration(request: Request, model: ModelInfo) -> Iterator[Problem]:
    span = model.capabilities.duration
    if request.duration is None or span is None or limits_length(request, model):
        return
    low, high = span
    if not low <= request.duration <= high:
        yield Problem("INVALID_VIDEO_DURATION", "duration", f"A clip lasts {low:g} to {high:g} seconds.")


def _choices(request: Request, model: ModelInfo) -> Iterator[Problem]:
    for name, (capability, code) in _CHOICES.items():
        value, allowed = getattr(request, name), getattr(model.capabilities, capability)
        if value is not None and allowed and value not in allowed:
            text = f"{model.id} has no {name.replace('_', ' ')} {value!r}; it takes {', '.join(allowed)}."
            named = _OF_VIDEO.get(name, code) if request.kind == "video" else code
            yield Problem(named, to_camel(name), text)


def _ignored(request: Request, caps: Capabilities) -> dict[str, Any]:
    """What was asked and can't be chosen, by field."""
    asked = {
        name: getattr(request, name) for name, (capability, _) in _CHOICES.items() if not getattr(caps, capability)
    }
    asked["size"] = None if caps.sizes else request.size
    asked["compression"] = None if caps.compression else request.compression
    asked["seed"] = None if caps.seed else request.seed
    asked["duration"] = None if caps.duration or any(mode.duration for mode in caps.modes) else request.duration
    asked["partial_images"] = None if caps.partial_images else request.partial_images or None
    asked["web_search"] = True if request.web_search and caps.web_search == "never" else None
    if request.web_search is False and caps.web_search == "always":
        asked["web_search"] = False
    return {name: value for name, value in asked.items() if value is not None}


def _ignorance(ignored: Mapping[str, Any], info: ProviderInfo) -> Iterator[Warning]:
    for name, value in ignored.items():
        text = f"{info.title} does not let {name.replace('_', ' ')} be chosen; {value!r} was left out."
        yield Warning(code="FIELD_IGNORED", field=_FIELDS.get(name) or to_camel(name), message=text)
