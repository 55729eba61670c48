"""What a refusal of xAI says, read from any of the shapes in use.

``{"code", "error": "text"}``, ``{"error": {code, message}}``, ``{"detail"}``, ``{"message"}``, a bare JSON string,
plain text, and the web page of a gateway. Recorded 2026-04 to 2026-08.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ima2.upstream.redact import redact

from ima2_grok.reading import mapping

MAX_WORDS = 300
"""Characters of xAI's words that are shown."""
_MARKER = re.compile(r"\s*\[WKE=([^\]\s]+)\]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The facts of a refusal; absent ones are empty. ``code`` is a slug, a number or, in older replies, a sentence."""

    message: str = ""
    code: str = ""
    page: bool = False


def read(body: bytes) -> Envelope:
    """The envelope of a body, whatever it is."""
    words = body.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if words.startswith("<"):
        return Envelope("a web page", page=True)
    try:
        return parse(json.loads(words))
    except (ValueError, RecursionError):
        return _made(words, "")


def parse(value: Any) -> Envelope:
    """The envelope of a parsed body."""
    outer = mapping(value)
    inner = outer.get("error") or outer.get("message") or outer.get("detail") or ("" if outer else value)
    if isinstance(inner, Mapping):
        message = inner.get("message") or inner.get("error") or inner.get("detail")
        return _made(message, inner.get("code") or outer.get("code"))
    return _made(inner, outer.get("code"))


def _made(message: Any, code: Any) -> Envelope:
    """A marker ``[WKE=slug]`` in the text is the true code; the one beside it is then a number or a sentence."""
    told = _flat(message)
    marker = _MARKER.search(told)
    return Envelope(_MARKER.sub("", told).strip()[:MAX_WORDS].strip(), marker[1] if marker else _flat(code))


def _flat(value: Any) -> str:
    """On one line, without anything that looks like a key."""
    if value is None:
        return ""
    return redact(" ".join((value if isinstance(value, str) else json.dumps(value)).split()))
