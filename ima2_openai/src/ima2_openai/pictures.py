"""Pictures as they stand in an answer: base64 in JSON, or already a file of the spool when they were long."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ima2.upstream.sse import Spooled

if TYPE_CHECKING:
    from ima2.hookspecs import Spool

_HEAD = 16
_SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole picture file in the spool; ``media_type`` comes from its first bytes, never from a label."""

    path: Path
    media_type: str
    sha256: str


def picture(value: Any, spool: Spool) -> Picture | None:
    """The picture in a ``result`` or ``partial_image_b64``; None when it does not decode to one.

    A data-URL prefix, line breaks and missing padding are forgiven; foreign characters are not: they mean that
    somebody cut the text.
    """
    if isinstance(value, Spooled):
        return _from_file(value)
    if not isinstance(value, str) or (data := _decode(value)) is None or (kind := sniff(data)) is None:
        return None
    path = spool.new(_SUFFIX[kind])
    path.write_bytes(data)
    return Picture(path, kind, hashlib.sha256(data).hexdigest())


def _from_file(spooled: Spooled) -> Picture | None:
    if spooled.encoding != "base64":
        return None
    with spooled.path.open("rb") as file:
        kind = sniff(file.read(_HEAD))
    return Picture(spooled.path, kind, spooled.sha256) if kind else None


def _decode(text: str) -> bytes | None:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    text = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None


def sniff(head: bytes) -> str | None:
    """The media type a file's first 16 bytes announce; None when it is no picture."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if head.startswith((b"GIF87a", b"GIF89a")) else None
