"""The body of a paid request for a clip. Pure but for reading the input files."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ima2_grok.inputs import EDITS, data_url

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.models import Call

_PATHS = {"edit": "videos/edits", "extend": "videos/extensions"}
_FIELDS = ("duration", "resolution", "aspect_ratio")


def endpoint(mode: str) -> str:
    """Below the base address."""
    return _PATHS.get(mode, "videos/generations")


def body(call: Call, context: Context) -> dict[str, Any]:
    """The whole body. ``image``, ``reference_images`` and ``video`` hold objects, never bare strings (422)."""
    given = call.parameters
    whole = {"model": call.model, "prompt": call.prompt}
    whole |= {name: given[name] for name in _FIELDS if name in given}
    match given["mode"]:
        case "edit" | "extend":
            return {**whole, "video": _clip(call, context)}
        case "image":
            return {**whole, "image": _images(call, context)[0]}
        case "reference":
            return {**whole, "reference_images": _images(call, context)}
    return whole


def _clip(call: Call, context: Context) -> dict[str, str]:
    for clip in call.references:
        if clip.role == "clip":
            return {"url": f"data:{clip.media_type};base64,{_base64(context.open(clip).read_bytes())}"}
    return _remote(call.parameters["source_url"])


def _images(call: Call, context: Context) -> list[dict[str, str]]:
    if url := call.parameters.get("source_url"):
        return [_remote(url)]
    given = (each for each in call.references if each.role == "reference")
    return [{"url": data_url(context.open(each), each, EDITS)} for each in given]


def _remote(source: str) -> dict[str, str]:
    """An address, or the id of a file that xAI keeps."""
    return {"url": source} if source.startswith("https://") else {"file_id": source}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
