"""The ChatGPT service as Codex clients see it: what it refuses, and answers in its manner.

It is undocumented; the rules are those that recorded traffic and public reports agree on (2025-11 to 2026-10). Give
:func:`refuse` to the stand-in, so that a request the real service would refuse gets no picture here either::

    ScriptedUpstream({f"POST {BASE}/responses": [hosted(png)]}, refuse=refuse)
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ima2_kit.upstreams import openai
from ima2_kit.upstreams.answer import Answer, events, json_answer, text_answer
from ima2_kit.upstreams.server import Received

BASE = "/backend-api/codex"
LITE_HEADER = "x-openai-internal-codex-responses-lite"
_FORBIDDEN = (
    "max_output_tokens",
    "previous_response_id",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
    "user",
    "metadata",
    "truncation",
    "temperature",
    "top_p",
)
_IMAGE_FIELDS = frozenset({"prompt", "model", "size", "quality", "background", "n", "images"})
NO_TOOL = "Tool choice 'image_generation' not found in 'tools' parameter."


def refuse(received: Received) -> Answer | None:
    """The service's refusal of a request that it does not take as it is; None when it would go on."""
    if not received.headers.get("authorization", "").startswith("Bearer "):
        return json_answer({"detail": "Unauthorized"}, 401)
    if received.method != "POST":
        return None
    body = received.json
    if not isinstance(body, dict):
        return json_answer({"detail": "The body is not a JSON object"}, 400)
    if received.path.endswith("/responses"):
        return next(_of_responses(body, received.headers), None)
    return next(_of_images(body, received.path), None) if "/images/" in received.path else None


def _of_responses(body: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Answer]:
    if body.get("store") is not False:
        yield json_answer({"detail": "Store must be set to false"}, 400)
    if body.get("stream") is not True:
        yield json_answer({"detail": "Stream must be set to true"}, 400)
    if not isinstance(body.get("instructions"), str):
        yield json_answer({"detail": "Instructions are required"}, 400)
    if not isinstance(body.get("input"), list):
        yield json_answer({"detail": "Input must be a list"}, 400)
    for name in _FORBIDDEN:
        if name in body:
            yield json_answer({"detail": f"Unsupported parameter: {name}"}, 400)
    if (effort := body.get("reasoning", {}).get("effort")) in ("none", "minimal"):
        yield _invalid(f"Unsupported value: '{effort}'", "reasoning.effort", "unsupported_value")
    for tool in body.get("tools", ()):
        yield from _of_tool(tool)
    if headers.get(LITE_HEADER) == "true" and body.get("tools"):
        yield _invalid("Tools are an item of the input for this model.", "tools", "invalid_value")
    if body.get("tool_choice") == {"type": "image_generation"} and not _offers_images(body):
        yield no_tool()


def _of_tool(tool: Mapping[str, Any]) -> Iterator[Answer]:
    if "n" in tool:
        yield _invalid("Unknown parameter: 'tools[0].n'.", "tools[0].n", "unknown_parameter")
    if tool.get("background") == "transparent":
        yield _invalid("Transparent background is not supported for this model.", "tools", "invalid_value")
    if tool.get("output_compression") not in (None, 100) and tool.get("output_format", "png") == "png":
        yield _invalid("Compression is not supported for PNG.", "tools", "invalid_value")


def _of_images(body: Mapping[str, Any], path: str) -> Iterator[Answer]:
    for name in sorted(body.keys() - _IMAGE_FIELDS):
        yield _invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    images = body.get("images", [])
    if not body.get("prompt"):
        yield _invalid("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    if path.endswith("/edits") and not images:
        yield _invalid("Missing required parameter: 'images'.", "images", "missing_required_parameter")
    if len(images) > 5:
        yield _invalid("Too many images.", "images", "invalid_value")
    if any(not str(image.get("image_url", "")).startswith("data:image/") for image in images):
        yield _invalid("Invalid image URL.", "images[0].image_url", "invalid_value")


def _offers_images(body: Mapping[str, Any]) -> bool:
    return any(tool.get("type") == "image_generation" for tool in body.get("tools", ()))


def _invalid(message: str, param: str, code: str | None) -> Answer:
    return json_answer(openai.error(code, message, param=param), 400)


def no_tool() -> Answer:
    """The account has no image tool: it was taken out of the request, and the forced choice no longer finds it."""
    return _invalid(NO_TOOL, "tool_choice", None)


def hosted(data: bytes | str, *, partials: Sequence[bytes] = (), **more: Any) -> Answer:
    """A picture on the Responses route: the item says ``generating`` for good, and the last event has no output."""
    item = openai.image_item(data, status="generating", output_format="png", **more)
    made = openai.stream([item, openai.message_item("")], partials=partials, output=[])
    return events([event for event in made if event["type"] != "response.image_generation_call.completed"])


def drawn(*data: bytes, size: str = "1254x1254", quality: str = "low", tokens_in: int = 0, **headers: str) -> Answer:
    """Pictures on the images route; ``tokens_in`` are image tokens counted of the input."""
    text = 40
    spent = {
        "input_tokens": text + tokens_in,
        "input_tokens_details": {"text_tokens": text, "image_tokens": tokens_in},
        "output_tokens": 900,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 900},
        "total_tokens": 940 + tokens_in,
    }
    made = [{"b64_json": base64.b64encode(each).decode(), "generation_id": "gen_1"} for each in data]
    facts = {"background": "opaque", "output_format": "png", "quality": quality, "size": size}
    document = {"created": 1795341600, "data": made, **facts, "usage": spent}
    return json_answer(document, 200, **{"x_codex_imagegen_request_id": "imgreq_1", **headers})


def models(*entries: Mapping[str, Any]) -> Answer:
    """The models route; each entry needs no more than its ``slug``."""
    usual = {"visibility": "list", "input_modalities": ["text", "image"], "use_responses_lite": False}
    return json_answer({"models": [{**usual, **entry} for entry in entries]}, ETag='"1"')


def usage_limit(seconds: int = 4200) -> Answer:
    """The plan's limit is reached."""
    said = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus"}
    return json_answer({"error": {**said, "resets_at": 1795428000, "resets_in_seconds": seconds}}, 429)


def web_page(status: int = 403) -> Answer:
    """The layer in front of the service, which speaks HTML."""
    return text_answer("<!DOCTYPE html><html><title>Just a moment...</title></html>", status, "text/html")
