"""Step two: a model that writes the final prompt, by a tool call it can't avoid. Only its ``prompt`` is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.errors import UpstreamError
from ima2.models import Usage
from ima2.upstream.redact import redact

from ima2_grok.errors import PLAN
from ima2_grok.exchange import ask
from ima2_grok.fencing import fenced
from ima2_grok.instructions import instructions
from ima2_grok.reading import listed, mapping, text
from ima2_grok.sizes import AUTO, Shape
from ima2_grok.spent import usage

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.models import Request

TOOL = "generate_image"
MAX_PROMPT = 16_000
"""Characters that the first image models take (xAI's model list, 2026-09)."""
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Order:
    """What the planner is told. ``pictures`` are data URLs; the first ``changed`` of them are to be changed."""

    request: Request
    model: str
    shape: Shape
    brief: str
    pictures: Sequence[str] = ()
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The final prompt."""

    prompt: str
    usage: Usage


def body(order: Order, planner: str) -> dict[str, Any]:
    """The body of ``POST /chat/completions``."""
    images = [{"type": "image_url", "image_url": {"url": url, "detail": "high"}} for url in order.pictures]
    return {
        "model": planner,
        "stream": False,
        "parallel_tool_calls": False,
        "messages": [
            {"role": "system", "content": instructions("image")},
            {"role": "user", "content": [{"type": "text", "text": told(order)}, *images]},
        ],
        "tools": [{"type": "function", "function": _tool(order.model)}],
        "tool_choice": {"type": "function", "function": {"name": TOOL}},
    }


def _tool(model: str) -> dict[str, Any]:
    return {
        "name": TOOL,
        "description": "Draw the picture.",
        "parameters": {
            "type": "object",
            "required": ["prompt", "model"],
            "properties": {
                "prompt": {"type": "string", "description": "The final prompt, in English but for readable words."},
                "model": {"type": "string", "enum": [model]},
            },
        },
    }


def told(order: Order) -> str:
    """The user message: facts, brief, and last the wish."""
    request = order.request
    facts = [f"Drawing model: {order.model}", f"Shape: {_shape(order)}", f"Input images: {_inputs(order)}"]
    if request.n > 1:
        facts.append(f"Pictures: {request.n}, all from this one prompt")
    if request.storyboard:
        facts.append("Storyboard: yes")
    if request.mode == "direct":
        facts.append("Mode: direct")
    return "\n".join([*facts, "", fenced("brief", order.brief), "", "<wish>", request.prompt, "</wish>"])


def _shape(order: Order) -> str:
    if len(order.pictures) == 1:
        return "that of the input image"
    return "as suits the subject" if order.shape.aspect == AUTO else f"{order.shape.aspect} (width to height)"


def _inputs(order: Order) -> str:
    total, changed = len(order.pictures), order.changed
    if not total:
        return "none"
    if not changed:
        return f"{total}, attached in order; {'it is a reference' if total == 1 else 'all are references'}"
    rest = total - changed
    others = f"; the {'other is a reference' if rest == 1 else 'others are references'}" if rest else ""
    return f"{total}, attached in order; the first is the picture to change{others}"


async def plan(order: Order, planner: str, context: Context) -> Planned:
    """Ask, repeated at most once.

    :raises UpstreamError: ``GROK_PLANNER_EMPTY_TOOL_CALL``, ``GROK_PLANNER_INVALID_TOOL_ARGS``, or any refusal of
        :mod:`errors`. No picture has been paid for.
    """
    return read(await ask(PLAN, "chat/completions", body(order, planner), context))


def read(value: Mapping[str, Any], tool: str = TOOL) -> Planned:
    """The prompt that an answer hands to ``tool``. Raises like :func:`plan`."""
    choice = mapping(next(iter(listed(value.get("choices"))), None))
    message = mapping(choice.get("message"))
    calls = [mapping(mapping(call).get("function")) for call in listed(message.get("tool_calls"))]
    call = next((call for call in calls if call.get("name") == tool), None)
    if call is None:
        raise _no_call(message, value)
    prompt = _prompt(call.get("arguments"))
    if not prompt or len(prompt) > MAX_PROMPT or choice.get("finish_reason") == "length":
        raise _bad_call(value)
    return Planned(prompt, usage(value))


def _prompt(arguments: Any) -> str:
    """Arguments are JSON in a string; some gateways send the object itself."""
    try:
        parsed = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return ""
    return text(mapping(parsed).get("prompt")).strip()


def _no_call(message: Mapping[str, Any], value: Mapping[str, Any]) -> UpstreamError:
    words = redact(" ".join((text(message.get("refusal")) or text(message.get("content"))).split()))[:_SHOWN]
    return UpstreamError(
        "The planner wrote no prompt." + (f" It said: {words}" if words else ""),
        code="GROK_PLANNER_EMPTY_TOOL_CALL",
        step=PLAN.name,
        retryable=True,
        hint="run the command again, or change the prompt",
        details=PLAN.cost(value),
    )


def _bad_call(value: Mapping[str, Any]) -> UpstreamError:
    return UpstreamError(
        "The planner's tool call has no usable prompt.",
        code="GROK_PLANNER_INVALID_TOOL_ARGS",
        step=PLAN.name,
        retryable=True,
        hint="run the command again, or name another model with --planner-model",
        details=PLAN.cost(value),
    )
