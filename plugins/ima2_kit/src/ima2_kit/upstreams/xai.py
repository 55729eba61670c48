"""Answers as xAI gives them, made-up content: search, planner, images, refusals.

Shapes follow recorded traffic of 2026-04 to 2026-08.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ima2_kit.upstreams.answer import Answer, json_answer

SEARCH = "POST /v1/responses"
PLAN = "POST /v1/chat/completions"
GENERATE = "POST /v1/images/generations"
EDIT = "POST /v1/images/edits"
PICTURE_PATH = "/xai-imgen/picture.jpeg"
PICTURE = f"GET {PICTURE_PATH}"
BRIEF = "Kites are held by a line of braided nylon."
PROMPT = "A crimson kite above a lake at noon, 24 mm lens."
SEARCH_TICKS, PLAN_TICKS, IMAGE_TICKS = 161_508_500, 539_500, 200_000_000
Item = dict[str, Any]


def searched(
    text: str = BRIEF, *, calls: int = 2, sources: Sequence[str] = ("https://kites.example/",), **more: Any
) -> Item:
    """An answer of the Responses API. With ``calls=0`` nothing was searched: no item, and 0 in the count."""
    notes = [{"type": "url_citation", "url": url, "title": "1", "start_index": 0, "end_index": 0} for url in sources]
    part = {"type": "output_text", "text": text, "annotations": notes, "logprobs": []}
    action = {"type": "search", "query": "kites", "sources": [{"type": "url", "url": url} for url in sources]}
    items = [
        {"id": f"ws_{n}", "type": "web_search_call", "status": "completed", "action": action} for n in range(calls)
    ]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    usage = {
        "input_tokens": 5913,
        "output_tokens": 364,
        "total_tokens": 6277,
        "num_sources_used": 0,
        "num_server_side_tools_used": calls,
        "server_side_tool_usage_details": {"web_search_calls": calls, "x_search_calls": 0},
        "cost_in_usd_ticks": SEARCH_TICKS,
    }
    output = [{"id": "rs_1", "type": "reasoning", "summary": [], "status": "completed"}, *items, message]
    answer = {"id": "resp_1", "object": "response", "status": "completed", "model": "grok-4.3", "error": None}
    return {**answer, "output": output, "usage": usage, **more}


def planned(prompt: str = PROMPT, *, arguments: Any = None, name: str = "generate_image", **more: Any) -> Item:
    """An answer of the chat API: one tool call. ``arguments`` stand in the place of good ones."""
    given = json.dumps({"prompt": prompt, "model": "some-other-model"}) if arguments is None else arguments
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": given}}
    return chatted({"role": "assistant", "content": "", "refusal": None, "tool_calls": [call]}, "tool_calls", **more)


def chatted(message: Mapping[str, Any], finish: str = "stop", **more: Any) -> Item:
    """An answer of the chat API with this message."""
    usage = {"prompt_tokens": 406, "completion_tokens": 40, "total_tokens": 446, "cost_in_usd_ticks": PLAN_TICKS}
    choice = {"index": 0, "finish_reason": finish, "message": dict(message)}
    return {
        "id": "chat_1",
        "object": "chat.completion",
        "model": "grok-4.3",
        "choices": [choice],
        "usage": usage,
        **more,
    }


def drawn(*items: Mapping[str, Any], ticks: int | None = IMAGE_TICKS, **more: Any) -> Item:
    """An answer of the image API; without items its ``data`` is empty."""
    usage = {} if ticks is None else {"usage": {"cost_in_usd_ticks": ticks}}
    return {"data": [dict(item) for item in items], **usage, **more}


def at(url: str, **more: Any) -> Item:
    """An item with an address."""
    return {"url": url, "mime_type": "image/jpeg", "revised_prompt": "", **more}


def inline(data: bytes, **more: Any) -> Item:
    """An item with its bytes."""
    return {"b64_json": base64.b64encode(data).decode(), "mime_type": "image/jpeg", "revised_prompt": "", **more}


def refusal(code: str, error: str, status: int, ticks: int | None = None, **headers: str) -> Answer:
    """``{"code", "error"}``, as most refusals are; ``ticks`` is what it cost all the same."""
    usage = {} if ticks is None else {"usage": {"cost_in_usd_ticks": ticks}}
    return json_answer({"code": code, "error": error, **usage}, status, **headers)


def good_run(
    url: str, picture: bytes, *, n: int = 1, prompt: str = PROMPT, repeat: bool = False
) -> dict[str, list[Answer]]:
    """Answers of a whole run by route: search, plan, ``n`` pictures by an address below ``url``, their downloads.

    :param repeat: for any number of runs.
    """
    image = json_answer(drawn(at(url + PICTURE_PATH)), x_request_id="img_1").but(repeat=repeat)
    file = Answer(headers={"Content-Type": "image/jpeg"}, body=picture).but(repeat=repeat)
    return {
        SEARCH: [json_answer(searched(), x_request_id="search_1").but(repeat=repeat)],
        PLAN: [json_answer(planned(prompt), x_request_id="plan_1").but(repeat=repeat)],
        GENERATE: [image] * n,
        EDIT: [image] * n,
        PICTURE: [file] * n,
    }
