"""Pictures inside an answer, as existing clients expect them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ima2.errors import StorageFailed

_LINKS = ("filename", "url", "path", "sha256", "mediaType", "width", "height", "bytes")


async def with_images(answer: Mapping[str, Any], *, requested: int, inline: bool) -> dict[str, Any]:
    """The answer in the shape that ``requested`` asks for: one picture flat, several under ``images``.

    ``inline`` adds every picture as a data URL; without it, path, URL and hash must do.
    """
    pictures = [await _inlined(each) if inline else dict(each) for each in answer["images"]]
    body = {**answer, "images": pictures}
    if requested > 1 or not pictures:
        return body
    flat = {name: pictures[0].get(name) for name in (*_LINKS, *(("image",) if inline else ()))}
    # The one picture is given once: it may be large.
    return {**body, **flat, "images": [{name: each[name] for name in each if name != "image"} for each in pictures]}


async def _inlined(picture: Mapping[str, Any]) -> dict[str, Any]:
    try:
        data = await asyncio.to_thread(Path(picture["path"]).read_bytes)
    except OSError:
        raise StorageFailed(
            f"{picture['filename']} was stored and can't be read any more.", step="store", paid="yes"
        ) from None
    return {**picture, "image": f"data:{picture['mediaType']};base64,{base64.b64encode(data).decode()}"}
