"""A turn of a conversation, answered in words by a text model of xAI that can see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ima2.errors import UpstreamError
from ima2.hookspecs import Problem
from ima2.models import ConverseEvent, Message, Reply, Request, Step, Turn, Warning

from ima2_grok.catalogue import PLANNER
from ima2_grok.errors import REPLY, refused
from ima2_grok.exchange import ask
from ima2_grok.inputs import PLANNER as EYES
from ima2_grok.inputs import data_url
from ima2_grok.reading import mapping, text
from ima2_grok.responses import words
from ima2_grok.spent import usage
from ima2_grok.words.catalogue import speaks

if TYPE_CHECKING:
    from ima2.hookspecs import Context


async def converse(turn: Turn, context: Context) -> AsyncIterator[ConverseEvent]:
    """One ``POST /responses``, repeated at most once; it buys tokens alone.

    :raises UpstreamError: ``GROK_REPLY_EMPTY_RESPONSE``, or any refusal of :mod:`errors`.
    """
    value = await ask(REPLY, "responses", await asyncio.to_thread(body, turn, context), context)
    yield usage(value)
    said = read(value)
    if reason := _cut(value):
        yield Warning(code="REPLY_CUT", message=f"xAI cut the answer short: {reason}.")
    yield Reply(text=said)


def body(turn: Turn, context: Context) -> dict[str, Any]:
    """The body of ``POST /responses``; nothing is stored at xAI."""
    system = [{"role": "system", "content": turn.instructions}] if turn.instructions else []
    return {
        "model": turn.model or PLANNER,
        "stream": False,
        "store": False,
        "input": [*system, *(_message(message, context) for message in turn.messages)],
    }


def _message(message: Message, context: Context) -> dict[str, Any]:
    if not message.references:
        return {"role": message.role, "content": message.text}
    urls = (data_url(context.open(each), each, EYES) for each in message.references)
    images = [{"type": "input_image", "image_url": url, "detail": "high"} for url in urls]
    return {"role": message.role, "content": [*images, {"type": "input_text", "text": message.text}]}


def read(value: Mapping[str, Any]) -> str:
    """The words of an answer. Raises like :func:`converse`."""
    if value.get("status") == "failed":
        raise refused(REPLY, 200, value.get("error") or "The answer failed.")
    if found := words(value):
        return found
    raise UpstreamError(
        "xAI answered without a word.",
        code="GROK_REPLY_EMPTY_RESPONSE",
        step=REPLY.name,
        hint="run the command again",
        details=REPLY.cost(value),
    )


def _cut(value: Mapping[str, Any]) -> str:
    if value.get("status") != "incomplete":
        return ""
    return text(mapping(value.get("incomplete_details")).get("reason")) or "it does not say why"


def check(request: Request) -> Iterator[Problem]:
    """What keeps the chosen model from answering. Pure."""
    if request.model and not speaks(request.model):
        why = f"{request.model} answers no questions: that takes a text model of xAI."
        yield Problem("INVALID_GROK_TEXT_MODEL", "model", why, hint=f"--model {PLANNER}")


def steps(request: Request) -> list[Step]:
    """What would be sent, for a dry run."""
    count = len(request.references)
    summary = f"POST /responses: {request.model or PLANNER} looks at {count} image{'s' if count > 1 else ''} (tokens)"
    return [Step(name="reply", summary=summary, paid=True)]
