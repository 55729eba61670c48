"""``POST /v1/responses`` of the bridge: any request of OpenAI's API made into one that the service takes.

The service only streams, and its last event leaves ``output`` empty. Who asked for no stream gets one object, with the
items put together from those that came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web
from ima2.errors import InvalidRequest, UpstreamError
from ima2.upstream import sse
from ima2.upstream.bridge import Answer, Forwarder, Message, Target, Whole, pass_on
from ima2_openai.envelope import parse

from ima2_oauth import hosted
from ima2_oauth.bridge_body import json_object, refused
from ima2_oauth.catalogue import clamp, host

if TYPE_CHECKING:
    from ima2.hookspecs import Context, Spool

LEFT_OUT = (
    "max_output_tokens",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "user",
    "metadata",
    "truncation",
    "temperature",
    "top_p",
    "background",
)
"""The service answers 400 to them."""


async def responses(context: Context, request: web.BaseRequest, forwarder: Forwarder) -> web.StreamResponse:
    """A stream when one was asked for, else one object.

    :raises InvalidRequest: ``STATE_UNSUPPORTED``: it builds on an answer that the service does not keep.
    """
    asked = await json_object(request)
    body = fitted(asked, context)
    lite = "additional_tools" in {item.get("type") for item in body["input"] if isinstance(item, Mapping)}
    headers = {"Content-Type": "application/json", **hosted.headers({"lite": lite})}
    content = Whole(json.dumps(body).encode())
    message = Message("POST", forwarder.address(Target("responses")), tuple(headers.items()), content)
    async with forwarder.exchange(message) as answer:
        if not answer.response.is_success:
            return await refused(answer)
        if asked.get("stream") is True:
            return await pass_on(request, answer)
        return await _collected(answer, context.spool)


def fitted(asked: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The request as the service takes it."""
    if asked.get("previous_response_id") or any(_is_reference(item) for item in _items(asked.get("input"))):
        text = "The service keeps no answers; send the earlier items again."
        raise InvalidRequest(text, code="STATE_UNSUPPORTED", field="previous_response_id")
    kept = {name: value for name, value in asked.items() if name not in (*LEFT_OUT, "previous_response_id")}
    body = {
        **kept,
        "instructions": asked.get("instructions") or "",
        "input": _items(asked.get("input")),
        "store": False,
        "stream": True,
    }
    known = host(str(asked.get("model")), context.live_models)
    if known is None:
        return body
    reasoning = body.get("reasoning")
    if isinstance(reasoning, Mapping) and isinstance(reasoning.get("effort"), str):
        body["reasoning"] = {**reasoning, "effort": clamp(reasoning["effort"], known.efforts)}
    return hosted.lite(body) if known.lite and body.get("tools") else body


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}]
    return list(value) if isinstance(value, list) else []


def _is_reference(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("type") == "item_reference"


async def _collected(answer: Answer, spool: Spool) -> web.Response:
    """The last ``response`` object, whole. Strings stay in memory here: they go out again as they came."""
    items: dict[int, Any] = {}
    async for event in sse.events(answer.stream(), spool, threshold=sse.MAX_EVENT):
        said = event.data if isinstance(event.data, Mapping) else {}
        match said.get("type"):
            case "response.output_item.done":
                items[int(said.get("output_index", len(items)))] = said.get("item")
            case "response.completed" | "response.incomplete" | "response.failed":
                return _object(said.get("response"), items)
            case "error":
                return _failed(said)
    if items:
        return _object({"object": "response", "status": "incomplete", "incomplete_details": {"reason": "cut"}}, items)
    raise UpstreamError("ChatGPT ended the answer before it was whole.", code="STREAM_TRUNCATED", step="bridge")


def _object(response: Any, items: Mapping[int, Any]) -> web.Response:
    whole = dict(response) if isinstance(response, Mapping) else {}
    if not whole.get("output"):
        whole["output"] = [items[place] for place in sorted(items)]
    return web.json_response(whole, headers={"Server": "ima2"})


def _failed(event: Mapping[str, Any]) -> web.Response:
    """A failure inside an accepted stream; some say the status they would have had."""
    said, status = parse(event), event.get("status_code")
    kind = said.type or "upstream_error"
    error = {"message": said.message, "type": kind, "param": said.param or None, "code": said.code or None}
    told = status if isinstance(status, int) and 400 <= status < 600 else 502
    return web.json_response({"error": error}, status=told, headers={"Server": "ima2", "X-Should-Retry": "false"})
