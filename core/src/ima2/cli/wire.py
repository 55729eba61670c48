"""Bodies, streams and errors as they travel between the command line and a server."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from ima2.cli.backend import Answer, Body
from ima2.errors import Forbidden, Ima2Error
from ima2.kernel.jobs.faults import from_dict
from ima2.upstream.lines import LineSplitter

_ADDED = frozenset({"ok", "message", "jobId", "at"})
"""What the wire adds to an error."""


def data_url(source: Path | bytes) -> str:
    """An input image as JSON can carry it; the server finds out the type itself."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    return f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"


def on_the_wire(body: Body) -> dict[str, Any]:
    """The body with its input images as JSON can carry them."""
    return {name: _as_text(value) for name, value in body.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, Path | bytes):
        return data_url(value)
    return [_as_text(each) for each in value] if isinstance(value, list) else value


async def frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, str, dict[str, Any]]]:
    """``(id, event, data)`` of each frame of a stream whose data is one line of JSON."""
    fields: dict[str, str] = {}
    async for line in _lines(chunks):
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            number = fields.get("id", "")
            yield int(number) if number.isdigit() else 0, fields.get("event", "message"), json.loads(fields["data"])
            fields = {}


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Lines end at CR and LF alone: JSON may hold U+2028 and U+0085 as they are."""
    splitter, parts = LineSplitter(), []
    async for chunk in chunks:
        for part, ended in splitter.split(chunk):
            parts.append(part)
            if ended:
                yield b"".join(parts).decode()
                parts = []


def answer_of(response: httpx.Response) -> Answer:
    """The body of a good answer; a bad one raises what the server said."""
    if response.is_redirect:
        raise Forbidden(f"{response.url} answers with a redirect; it is not followed.", code="SERVER_REDIRECT_REJECTED")
    try:
        content = response.json()
    except ValueError:
        content = {}
    if response.is_success and isinstance(content, dict):
        return content
    raise error_of(content if isinstance(content, dict) else {}, response.status_code)


def error_of(content: Mapping[str, Any], status: int) -> Ima2Error:
    """Of the three forms errors have on the wire."""
    inner = content.get("error")
    nested = inner if isinstance(inner, dict) else {}
    return from_dict(
        {
            "status": status,
            **{name: value for name, value in content.items() if name not in _ADDED},
            "error": nested.get("message") or (inner if isinstance(inner, str) else f"The server answered {status}."),
            "code": content.get("code") or nested.get("code") or "UNKNOWN",
        }
    )
