"""Answers as OpenAI's Responses API gives them: the event order of 2026, made-up content.

Event names and fields follow the public SDK's types (``openai`` 3.54, 2026-11).
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ima2_kit.upstreams.answer import Answer, events, json_answer

RESPONSE_ID = "resp_0123456789abcdef"
USAGE = {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30}
IMAGE_USAGE = {"input_tokens": 90, "output_tokens": 200, "total_tokens": 290}
Event = dict[str, Any]


def response(status: str, output: Sequence[Mapping[str, Any]] = (), **more: Any) -> Event:
    """The ``response`` object."""
    searches = sum(item.get("type") == "web_search_call" for item in output)
    spent = {"image_gen": IMAGE_USAGE, "web_search": {"num_requests": searches}}
    return {
        "id": RESPONSE_ID,
        "object": "response",
        "status": status,
        "model": "gpt-5.4-mini-2026-03-17",
        "error": None,
        "incomplete_details": None,
        "output": list(output),
        "usage": USAGE if status == "completed" else None,
        "tool_usage": spent if status == "completed" else None,
        **more,
    }


def image_item(data: bytes | str, *, index: int = 1, status: str = "completed", **more: Any) -> Event:
    """A finished ``image_generation_call``; ``data`` as bytes is written as base64, text goes out as it is."""
    result = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {
        "id": f"ig_{index}",
        "type": "image_generation_call",
        "status": status,
        "result": result,
        "revised_prompt": "A crimson kite above a lake",
        "output_format": "png",
        "size": "1024x1024",
        "quality": "low",
        "background": "opaque",
        **more,
    }


def message_item(text: str, sources: Sequence[tuple[str, str]] = ()) -> Event:
    """A message; ``sources`` are (URL, title) citations."""
    notes = [{"type": "url_citation", "url": url, "title": title} for url, title in sources]
    part = {"type": "output_text", "text": text, "annotations": notes}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def search_item(index: int = 1, urls: Sequence[str] = ()) -> Event:
    """A finished ``web_search_call``."""
    action = {"type": "search", "query": "kites", "sources": [{"type": "url", "url": url} for url in urls]}
    return {"id": f"ws_{index}", "type": "web_search_call", "status": "completed", "action": action}


def stream(
    items: Sequence[Mapping[str, Any]], *, partials: Sequence[bytes] = (), end: str | None = "completed", **more: Any
) -> list[Event]:
    """The events of one answer that brings ``items``; ``partials`` are drafts of the first picture.

    :param end: ``completed``, ``incomplete`` or ``failed``; None leaves the last event out.
    :param more: facts for the last ``response`` object.
    """
    plain = response("in_progress")
    made: list[Event] = [
        {"type": "response.created", "response": plain},
        {"type": "response.in_progress", "response": plain},
    ]
    drafts = list(partials)
    for place, item in enumerate(items):
        made.extend(_item(place, item, drafts))
        if item["type"] == "image_generation_call":
            drafts = []
    if end:
        made.append({"type": f"response.{end}", "response": {**response(end, items), **more}})
    return [{**event, "sequence_number": number} for number, event in enumerate(made)]


def _item(place: int, item: Mapping[str, Any], drafts: Sequence[bytes]) -> Iterator[Event]:
    where = {"item_id": item["id"], "output_index": place}
    begun = {name: item[name] for name in ("id", "type")} | {"status": "in_progress"}
    yield {"type": "response.output_item.added", "output_index": place, "item": begun}
    if item["type"] == "image_generation_call":
        yield {"type": "response.image_generation_call.in_progress", **where}
        yield {"type": "response.image_generation_call.generating", **where}
        for number, draft in enumerate(drafts):
            text = base64.b64encode(draft).decode()
            facts = {"partial_image_index": number, "partial_image_b64": text, **where}
            yield {"type": "response.image_generation_call.partial_image", **facts}
    if item["type"] == "web_search_call":
        yield {"type": "response.web_search_call.searching", **where}
    if item["type"] == "message":
        text = item["content"][0]["text"]
        for start in range(0, len(text), 8):
            yield {"type": "response.output_text.delta", "delta": text[start : start + 8], **where}
    yield {"type": "response.output_item.done", "output_index": place, "item": dict(item)}


def picture(data: bytes, *, partials: Sequence[bytes] = (), streamed: bool = True) -> Answer:
    """The usual good answer: one picture and an empty message."""
    items = [image_item(data), message_item("")]
    return events(stream(items, partials=partials)) if streamed else json_answer(response("completed", items))


def pictures(data: Sequence[bytes]) -> Answer:
    """Several pictures in one answer."""
    return events(stream([image_item(each, index=number) for number, each in enumerate(data, 1)]))


def error(code: str | None, message: str, kind: str = "invalid_request_error", **more: Any) -> Event:
    """The error envelope: ``{"error": {message, type, param, code}}``."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


def failing_stream(code: str, message: str, *, flat: bool = False) -> list[Event]:
    """Accepted, then refused: ``error`` (nested, or flat as the public types have it) and ``response.failed``."""
    said = {"code": code, "message": message, "param": None}
    told: Event = {"type": "error", **said} if flat else {"type": "error", "error": {"type": code, **said}}
    begun = stream([], end=None)
    failed = {"type": "response.failed", "response": response("failed", error={"code": code, "message": message})}
    return [*begun, told, failed]


def ping(items: Sequence[Mapping[str, Any]]) -> bytes:
    """The stream with a comment line before each event, as keep-alive."""
    frames = (events([item]).body for item in items)
    return b"".join(itertools.chain.from_iterable((b": ping\n\n", frame) for frame in frames))
