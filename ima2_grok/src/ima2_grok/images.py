"""Step three: one paid call for one picture, and bringing it home."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ima2.models import Call, CallEvent, Media, Phase, Sending, Submitted, Warning

from ima2_grok.answer import Drawn, read
from ima2_grok.errors import IMAGE
from ima2_grok.exchange import buy
from ima2_grok.fetching import fetch, named
from ima2_grok.inputs import EDITS, data_url, in_order
from ima2_grok.session import authorized
from ima2_grok.spent import usage

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_FIELDS = ("aspect_ratio", "resolution", "quality")


def endpoint(inputs: int) -> str:
    """``generations`` drops input images without a word, and charges; ``edits`` needs one."""
    return "images/edits" if inputs else "images/generations"


def body(call: Call, pictures: list[str]) -> dict[str, Any]:
    """The body of either. One input image stands under ``image``, several under ``images``; never both."""
    known = {name: call.parameters[name] for name in _FIELDS if call.parameters.get(name)}
    whole = {"model": call.model, "prompt": call.prompt, "n": 1, "response_format": "url", **known}
    images = [{"type": "image_url", "url": url} for url in pictures]
    if not images:
        return whole
    return {**whole, "image": images[0]} if len(images) == 1 else {**whole, "images": images}


async def generate(call: Call, context: Context) -> AsyncIterator[CallEvent]:
    """One paid request, then a download that may be tried again."""
    pictures = await asyncio.to_thread(_pictures, call, context)
    headers = await authorized(context)
    yield Phase(name="generate")
    yield Sending()
    reply = await buy(IMAGE, endpoint(len(pictures)), body(call, pictures), context, headers)
    if reply.request_id:
        yield Submitted(upstream_id=reply.request_id)
    yield usage(reply.value)
    for drawn in read(reply.value):
        if drawn.model and not same_model(call.model, drawn.model):
            text = f"xAI drew with {drawn.model}, not with {call.model}."
            yield Warning(code="MODEL_SUBSTITUTED", field="model", normalized_to=drawn.model, message=text)
        yield Phase(name="download")
        yield _media(await _home(drawn, context), drawn, call)


def same_model(asked: str, ran: str) -> bool:
    """Whether what ran is what was asked for: a dated snapshot is the model; ``…-quality`` and ``…-2.0`` are others."""
    return re.fullmatch(re.escape(asked) + r"(-\d[\d-]*)?", ran) is not None


def _pictures(call: Call, context: Context) -> list[str]:
    return [data_url(context.open(ref), ref, EDITS) for ref in in_order(call)]


async def _home(drawn: Drawn, context: Context) -> Path:
    if drawn.data is None:
        return await fetch(drawn.url or "", context)
    path = context.spool.new(".part")
    await asyncio.to_thread(path.write_bytes, drawn.data)
    return await asyncio.to_thread(named, path)


def _media(path: Path, drawn: Drawn, call: Call) -> Media:
    claimed = {"model": drawn.model, "mime_type": drawn.media_type}
    return Media(
        path=path,
        revised_prompt=drawn.revised_prompt or call.prompt,
        provider_url=drawn.url,
        claimed={name: value for name, value in claimed.items() if value},
    )
