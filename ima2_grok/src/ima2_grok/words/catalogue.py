"""xAI's text models that can see, as data with a date: 2026-11, from xAI's documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ima2.hookspecs import Capabilities, ModelInfo

from ima2_grok.catalogue import PLANNER

_CAPABILITIES = Capabilities(operations=("analyze",), max_references=16)

MODELS = (
    ModelInfo(
        id=PLANNER,
        kind="text",
        use="looks at clips and answers in words; searches the web and plans",
        capabilities=_CAPABILITIES,
    ),
)


def speaks(name: str) -> bool:
    """Whether it may be a text model's name: that of an image or video model, or of another vendor, may not."""
    return "imagine" not in name and not name.startswith("gpt-")


def live(entries: Iterable[Mapping[str, Any]]) -> list[ModelInfo]:
    """Of the text models that xAI lists (``id``, ``aliases``, ``input_modalities``) those that can see."""
    known = {model.id: model.use for model in MODELS}
    found = []
    for entry in entries:
        if "image" not in (entry.get("input_modalities") or ()):
            continue
        name = str(entry["id"])
        aliases = tuple(str(alias) for alias in entry.get("aliases") or () if alias != name)
        use = known.get(name, "listed by xAI")
        found.append(ModelInfo(id=name, kind="text", use=use, capabilities=_CAPABILITIES, aliases=aliases))
    return found
