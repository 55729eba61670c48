"""What a refusal says, read from any of the shapes the services use.

``{"error": {message, type, param, code}}``, ``{"error": "text"}``, ``{"detail": "text"}``, ``{"detail": {"code": …}}``,
the same fields flat, plain text, and HTML of a gateway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ima2.upstream.redact import redact

MAX_WORDS = 600
"""Characters of an upstream message that are shown."""
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The facts of a refusal; absent ones are empty.

    :ivar stage: of a moderation block: ``input``, ``output`` or ``unknown``.
    :ivar html: the body was a web page, so it comes from a gateway and not from the service.
    """

    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""
    stage: str = ""
    categories: tuple[str, ...] = ()
    html: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)


def read(body: bytes | str) -> Envelope:
    """The envelope of an answer's body, whatever it is."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        title = _TITLE.search(text)
        return Envelope(message=title[1].strip() if title else "a web page", html=True)
    try:
        value = json.loads(text)
    except ValueError:
        return Envelope(message=words(text))
    return parse(value)


def parse(value: Any) -> Envelope:
    """The envelope of a parsed body, of an ``error`` event or of an item's ``error``."""
    if not isinstance(value, Mapping):
        return Envelope(message=words(value))
    inner = value.get("error") or value.get("detail") or value
    if not isinstance(inner, Mapping):
        return Envelope(message=words(inner), code=_text(value.get("code")), raw=value)
    moderation = inner.get("moderation_details")
    blocked = moderation if isinstance(moderation, Mapping) else {}
    kind = _text(inner.get("type"))
    return Envelope(
        message=words(inner.get("message") or inner.get("error_description")),
        code=_text(inner.get("code")),
        type="" if kind == "error" else kind,
        param=_text(inner.get("param")),
        stage=_text(blocked.get("moderation_stage")),
        categories=tuple(str(each) for each in blocked.get("categories") or ()),
        raw=inner,
    )


def words(value: Any) -> str:
    """Upstream's words, short, on one line and without anything that looks like a key."""
    if value is None:
        return ""
    text = " ".join((value if isinstance(value, str) else json.dumps(value)).split())
    return redact(text)[:MAX_WORDS]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
