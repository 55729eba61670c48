"""What is known of ChatGPT's models before anybody asks, and what its models route says. Dated 2026-11.

The *host model* reads the prompt and calls the image tool of the Responses route. The images route has no host: there
:data:`DRAWER` draws. Names rotate monthly, so nothing here is a closed list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ima2.hookspecs import Capabilities, ModelInfo, SizeRule

DEFAULT_HOST = "gpt-5.4-mini"
DRAWER = "gpt-image-2"
"""What the images route is asked for; the service may draw with another and says nothing of it."""

MAX_PICTURES = 5
"""Input images of one call, the source of an edit included."""
SIZES = ("1024x1024", "1536x1024", "1024x1536", "1360x1024", "1024x1360", "1824x1024", "1024x1824", "2048x2048")
EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")
LADDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra")
"""Every effort seen on any model, from the least to the most."""
USUAL_EFFORTS = ("low", "medium", "high", "xhigh")
"""Of a model whose own list nobody has fetched: what all of them take."""
NO_IMAGE_TOOL = frozenset({"gpt-5.3-codex-spark"})

HOST_CAPABILITIES = Capabilities(
    operations=("generate", "edit"),
    # A size is a wish here, so none is refused.
    sizes=SizeRule(fixed=SIZES, multiple_of=1),
    qualities=("auto", "low", "medium", "high"),
    formats=("png", "jpeg", "webp"),
    moderations=("auto", "low"),
    reasoning_efforts=EFFORTS,
    backgrounds=("auto", "opaque", "transparent"),
    max_references=MAX_PICTURES,
    mask=True,
    compression=True,
    partial_images=3,
    web_search="optional",
)
_USES = {
    DEFAULT_HOST: "fast drafts, the default",
    "gpt-5.4": "balanced",
    "gpt-5.5": "strongest, uses more of the plan",
    DRAWER: "draws without a host model: no search, no reasoning, no drafts",
}
MODELS = tuple(ModelInfo(id=name, use=use, capabilities=HOST_CAPABILITIES) for name, use in _USES.items())

_VERSION = re.compile(r"gpt-(\d+(?:\.\d+)?)")
_SMALL = re.compile(r"mini|nano|luna|flare|spark")


@dataclass(frozen=True, slots=True)
class Host:
    """A host model as the Responses route takes it.

    :ivar efforts: reasoning efforts it accepts.
    :ivar lite: it wants its tools as an input item.
    :ivar draws: it may call the image tool.
    """

    id: str
    efforts: tuple[str, ...] = USUAL_EFFORTS
    lite: bool = False
    draws: bool = True


def is_drawer(name: str) -> bool:
    """Whether it is the name of a model that draws, which can't host the image tool."""
    return name.startswith(("gpt-image-", "chatgpt-image-"))


def live(document: Any) -> list[ModelInfo]:
    """The models that an answer of the models route offers to people, best first, and :data:`DRAWER`, never listed.

    :raises ValueError: it is no such answer.
    """
    entries = document.get("models") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ValueError("no list of models")
    shown = sorted((entry for entry in entries if _shown(entry)), key=_priority)
    return [*map(_info, shown), next(model for model in MODELS if model.id == DRAWER)]


def host(name: str, models: Sequence[ModelInfo]) -> Host | None:
    """What the account's catalogue says of a model; None when it lacks it."""
    return next((found for found in hosts(models) if found.id == name), None)


def hosts(models: Sequence[ModelInfo]) -> Iterator[Host]:
    """The host models of a live catalogue, best first."""
    for model in models:
        if not is_drawer(model.id):
            told = model.capabilities.extra
            efforts = tuple(map(str, told.get("efforts") or USUAL_EFFORTS))
            yield Host(model.id, efforts, bool(told.get("lite")), bool(told.get("imageTool", True)))


def nearest(name: str, models: Sequence[ModelInfo]) -> Host | None:
    """What the account has in place of a model it lacks: one that can draw, not lite, of about its age and size.

    None when there is none.
    """
    wanted, small = _version(name), bool(_SMALL.search(name))

    def distance(candidate: Host) -> tuple[bool, float, bool]:
        return candidate.lite, abs(_version(candidate.id) - wanted), bool(_SMALL.search(candidate.id)) is not small

    return min((each for each in hosts(models) if each.draws), key=distance, default=None)


def clamp(effort: str, accepted: Sequence[str]) -> str:
    """The most that is accepted and no more than ``effort``; else the least that is accepted."""
    known = sorted((each for each in accepted if each in LADDER), key=LADDER.index)
    if effort in known or not known or effort not in LADDER:
        return effort
    below = [each for each in known if LADDER.index(each) < LADDER.index(effort)]
    return below[-1] if below else known[0]


def _shown(entry: Any) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("slug"), str) and entry.get("visibility") != "hide"


def _priority(entry: Mapping[str, Any]) -> float:
    found = entry.get("priority")
    return float(found) if isinstance(found, int | float) else 1e6


def _info(entry: Mapping[str, Any]) -> ModelInfo:
    name, modalities = str(entry["slug"]), entry.get("input_modalities")
    sees = not isinstance(modalities, list) or "image" in modalities
    facts = {
        "efforts": _efforts(entry),
        "lite": entry.get("use_responses_lite") is True,
        "imageTool": sees and name not in NO_IMAGE_TOOL,
    }
    return ModelInfo(
        id=name,
        title=_text(entry.get("display_name")),
        use=_USES.get(name) or _text(entry.get("description")),
        capabilities=replace(HOST_CAPABILITIES, extra=facts),
    )


def _efforts(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """``[{"effort": "low", …}]``, or plain words."""
    listed = entry.get("supported_reasoning_levels")
    levels = listed if isinstance(listed, list) else []
    named = (level.get("effort") if isinstance(level, Mapping) else level for level in levels)
    return tuple(each for each in named if isinstance(each, str)) or USUAL_EFFORTS


def _text(value: Any) -> str:
    return " ".join(value.split())[:120] if isinstance(value, str) else ""


def _version(name: str) -> float:
    found = _VERSION.match(name)
    return float(found[1]) if found else 0.0
