"""What the planner of a clip is told, and the tool it can't avoid. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2_grok.fencing import fenced
from ima2_grok.instructions import instructions
from ima2_grok.video.catalogue import first_tag
from ima2_grok.video.modes import WORDS, Mode

if TYPE_CHECKING:
    from ima2.models import Request

TOOL = "generate_video"


@dataclass(frozen=True, slots=True)
class Order:
    """``parameters`` as they will be sent; ``pictures`` are data URLs of the input images, in order."""

    request: Request
    model: str
    mode: Mode
    parameters: Mapping[str, Any]
    brief: str
    pictures: Sequence[str] = ()


def body(order: Order, planner: str) -> dict[str, Any]:
    """The body of ``POST /chat/completions``."""
    images = [{"type": "image_url", "image_url": {"url": url, "detail": "high"}} for url in order.pictures]
    return {
        "model": planner,
        "stream": False,
        "parallel_tool_calls": False,
        "messages": [
            {"role": "system", "content": instructions("video")},
            {"role": "user", "content": [{"type": "text", "text": told(order)}, *images]},
        ],
        "tools": [{"type": "function", "function": _tool()}],
        "tool_choice": {"type": "function", "function": {"name": TOOL}},
    }


def _tool() -> dict[str, Any]:
    """Nothing but the prompt: model, length and shape are the request's."""
    prompt = {"type": "string", "description": "The final prompt, in English but for quoted words."}
    return {
        "name": TOOL,
        "description": "Film the clip.",
        "parameters": {"type": "object", "required": ["prompt"], "properties": {"prompt": prompt}},
    }


def told(order: Order) -> str:
    """The user message: facts, brief, the clips before it, and last the wish."""
    request = order.request
    others = [("brief", order.brief), ("series", _series(request)), ("chain", _chain(request))]
    blocks = [f"\n{fenced(name, words)}" for name, words in others if words]
    return "\n".join([*_facts(order), *blocks, f"\n<wish>\n{request.prompt}\n</wish>"])


def _facts(order: Order) -> Iterator[str]:
    request, given = order.request, order.parameters
    yield f"Filming model: {order.model}"
    yield f"Way of working: {WORDS[order.mode]}"
    if seconds := given.get("duration"):
        yield f"Length: {seconds} s{' to add' if order.mode == 'extend' else ''}"
    if resolution := given.get("resolution"):
        yield f"Resolution: {resolution}"
    if order.mode in ("text", "reference"):
        yield f"Shape: {given.get('aspect_ratio', 'as the filming model chooses')}"
    yield f"Input images: {_inputs(order)}"
    if request.storyboard and order.mode == "image":
        yield "Storyboard: yes"
    if request.n > 1:
        yield f"Clips: {request.n}, all from this one prompt"
    if request.mode == "direct":
        yield "Mode: direct"


def _inputs(order: Order) -> str:
    if order.mode == "reference":
        first = first_tag(order.model)
        tags = ", ".join(f"<IMAGE_{first + place}>" for place in range(len(order.pictures)))
        return f"{len(order.pictures)}, attached in order, called {tags}"
    if order.mode == "image":
        return "1, attached" if order.pictures else "1, which you can't see"
    return "none"


def _series(request: Request) -> str:
    """What the latest clips of the topic showed, the newest last."""
    series = request.series
    if series is None or not series.prompts:
        return ""
    first = max(1, series.chain_index - len(series.prompts))
    earlier = [f"{first + place}. {prompt}" for place, prompt in enumerate(series.prompts)]
    return "\n".join([f"Topic: {series.topic}. This clip is number {series.chain_index}.", *earlier])


def _chain(request: Request) -> str:
    """The clips before, the newest last; of each the prompt that it was made from."""
    if request.lineage is None:
        return ""
    entries = [
        f"{entry.ordinal}. ({entry.role}) {entry.revised_prompt or entry.user_prompt}"
        for entry in request.lineage.entries
    ]
    if request.lineage.source_frame and entries:
        entries.append("The attached image is the last frame of the newest.")
    return "\n".join(entries)
