"""Recorded traffic as scripted answers.

The container is ``recorded-exchange/1``: ``exchanges[]`` with ``request`` and ``response``; a body stands under
``body_text``, ``body_base64`` or ``body_json``; ``chunk_lengths`` lists the network pieces.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from ima2_kit.upstreams.answer import Answer, events, json_answer

_STREAM = {"Content-Type": "text/event-stream"}


def exchanges(path: Path) -> list[dict[str, Any]]:
    """The exchanges of a ``recorded-exchange/1`` file."""
    recorded = json.loads(path.read_text("utf-8"))
    if recorded.get("format") != "recorded-exchange/1":
        raise ValueError(f"{path.name} is no recorded-exchange/1 file")
    found: list[dict[str, Any]] = recorded["exchanges"]
    return found


def replay(path: Path, exchange: int = 0) -> Answer:
    """The answer a recording holds, in any of the forms in use.

    ``*.sse`` is event-stream text, ``*.chunks.txt`` one event a line, ``*.events.json`` an array of events,
    ``*.body.json`` a bare body whose status is in the name (``error-429-…``), all else the container.
    """
    text = path.read_text("utf-8")
    if path.name.endswith(".sse"):
        return Answer(200, _STREAM, text.encode())
    if path.name.endswith(".chunks.txt"):
        return events(json.loads(line) for line in text.splitlines() if line.strip())
    if path.name.endswith(".events.json"):
        return events(json.loads(text))
    if path.name.endswith(".body.json"):
        return json_answer(json.loads(text), _status_in(path.name))
    return _exchange(exchanges(path)[exchange]["response"])


def _exchange(response: dict[str, Any]) -> Answer:
    headers = {name: str(value) for name, value in response["headers"].items() if not isinstance(value, list)}
    lengths = tuple(response.get("chunk_lengths", ()))
    return Answer(response["status"], headers, body_of(response), pieces=lengths)


def body_of(message: dict[str, Any]) -> bytes:
    """The bytes of a recorded request or response."""
    if "body_text" in message:
        return str(message["body_text"]).encode()
    if "body_base64" in message:
        return base64.b64decode(message["body_base64"])
    return json.dumps(message["body_json"]).encode()


def _status_in(name: str) -> int:
    return next((int(part) for part in name.split("-") if part.isdigit() and len(part) == 3), 200)
