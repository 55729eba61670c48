"""What xAI's image models can do, as data with a date: 2026-11, from xAI's documentation and recorded traffic.

Names come and go, so this is only a first list with the live one over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ima2.hookspecs import Capabilities, ModelInfo, SizeRule

from ima2_grok.sizes import ASPECTS, SIZES

BASE = "grok-imagine-image"
QUALITY = "grok-imagine-image-quality"
SECOND = "grok-imagine-image-2.0"
PLANNER = "grok-4.3"

MAX_INPUTS = 3
"""Input images of one request in all: references, and the picture that is changed."""

CAPABILITIES = Capabilities(
    operations=("generate", "edit"),
    sizes=SizeRule(fixed=SIZES, multiple_of=1, mapped=True),
    qualities=("auto", "low", "medium", "high"),
    resolutions=("1k", "2k"),
    aspect_ratios=("auto", *ASPECTS),
    story=("storyboard",),
    max_references=MAX_INPUTS,
    web_search="always",
    codes={"REF_TOO_MANY": "GROK_REF_TOO_MANY", "MASK_UNSUPPORTED": "GROK_MASK_UNSUPPORTED"},
)

_USES = {
    BASE: "quick and cheap; quality high goes to grok-imagine-image-quality",
    QUALITY: "finer detail; since November 2026 xAI answers for it with grok-imagine-image-2.0 at low",
    SECOND: "the newest; has a quality of its own",
}
_RETIRED = {
    "grok-imagine-image-pro": QUALITY,
    "grok-2-image": BASE,
    "grok-2-image-1212": BASE,
    "grok-2-image-latest": BASE,
}
"""Ids that xAI has shut down, in February and May 2026, and what it names in their place."""

MODELS = (
    ModelInfo(id=BASE, use=_USES[BASE], capabilities=CAPABILITIES, aliases=("grok-imagine-image-2026-03-02",)),
    ModelInfo(
        id=QUALITY,
        use=_USES[QUALITY],
        capabilities=CAPABILITIES,
        aliases=("grok-imagine-image-quality-latest", "grok-imagine-image-quality-20260403"),
    ),
    ModelInfo(id=SECOND, use=_USES[SECOND], capabilities=CAPABILITIES),
    *(
        ModelInfo(id=name, use=f"retired; {after} in its place", capabilities=CAPABILITIES, successor=after)
        for name, after in _RETIRED.items()
    ),
)


def draws(name: str) -> bool:
    """Whether it may be an image model's name: an unknown one may, one of a film or text model may not."""
    known_other = name.startswith(("grok-", "gpt-")) and "image" not in name
    return not known_other and "video" not in name


def promoted(model: str, quality: str | None) -> str:
    """The model that runs: quality ``high`` of the base model is another model."""
    return QUALITY if model == BASE and quality == "high" else model


def own_quality(model: str, quality: str | None) -> str | None:
    """What goes upstream as ``quality``: only the 2.0 line knows the field."""
    return quality if model.startswith(SECOND) else None


def live(entries: Iterable[Mapping[str, Any]]) -> list[ModelInfo]:
    """The list of image models that xAI gives (``id``, ``aliases``)."""
    known = {model.id: model for model in MODELS}
    found = []
    for entry in entries:
        name = str(entry["id"])
        model = known.get(name) or ModelInfo(id=name, use="listed by xAI", capabilities=CAPABILITIES)
        aliases = tuple(str(alias) for alias in entry.get("aliases") or () if alias != name)
        found.append(replace(model, aliases=aliases, successor=None))
    return found
