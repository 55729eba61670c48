"""Scripts as JSON files, for a stand-in in a process of its own.

::

    {"routes": {"POST /v1/responses": [
        {"recorded": "recorded/openai/responses-imagegen-gpt5-jpeg.json", "exchange": 0},
        {"events": [{"type": "response.created", "response": {"id": "resp_1"}}], "ending": "silence"},
        {"json": {"error": {"message": "slow down"}}, "status": 429, "headers": {"Retry-After": "3"}},
        {"text": "<html>", "headers": {"Content-Type": "text/html"}, "pieces": [1], "repeat": true}
    ]}}

Each answer has its body under one of ``json``, ``text``, ``base64``, ``events``, ``recorded`` or ``file`` (paths are
relative to the script); the other keys are the fields of :class:`~ima2_kit.upstreams.answer.Answer`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ima2_kit.upstreams.answer import Answer, events, json_answer, text_answer
from ima2_kit.upstreams.recorded import replay

_WIRE = ("pieces", "delay", "wait", "stop", "ending", "repeat", "status")


def load(path: Path) -> dict[str, list[Answer]]:
    """The answers by route.

    :raises ValueError: an answer with no body, or an unknown key; the message names the route.
    """
    routes: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))["routes"]
    return {route: [parse(item, path.parent, route) for item in items] for route, items in routes.items()}


def parse(item: Mapping[str, Any], folder: Path, route: str = "") -> Answer:
    """One answer of a script."""
    bodies: dict[str, Callable[[Any], Answer]] = {
        "json": json_answer,
        "text": text_answer,
        "base64": lambda value: Answer(body=base64.b64decode(value)),
        "events": events,
        "recorded": lambda value: replay(folder / value, int(item.get("exchange", 0))),
        "file": lambda value: Answer(body=(folder / value).read_bytes()),
    }
    kind = next((name for name in bodies if name in item), None)
    unknown = set(item) - {kind, "exchange", "headers", *_WIRE}
    if kind is None or unknown:
        raise ValueError(f"{route}: an answer needs one body and has {', '.join(sorted(unknown)) or 'none'}")
    answer = bodies[kind](item[kind])
    changes = {name: item[name] for name in _WIRE if name in item}
    if "pieces" in changes:
        changes["pieces"] = tuple(changes["pieces"])
    return answer.but(headers={**answer.headers, **item.get("headers", {})}, **changes)
