"""The request body of ``POST /responses`` with the hosted ``image_generation`` tool. Pure.

``parameters`` says everything but the pictures, so that it can lie in the ledger; ``build`` adds prompt and pictures.
Field names and values: public SDK types (``openai`` 3.54, 2026-11).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ima2.models import Request

FORCED = {"type": "image_generation"}
"""The only ``tool_choice`` that rules out an answer of words or of searches alone."""
SOURCES = "web_search_call.action.sources"

_FIELDS = ("instructions", "tools", "tool_choice", "store", "stream", "reasoning", "include")

_DUTY = "Call the image_generation tool exactly once. An answer without it is no answer."
_VERBATIM = "Give the tool the user's words exactly as they are, without adding, leaving out or translating anything."
_FREELY = "Keep every wish of the user; add detail only where they leave it open."
_SEARCH = "Search the web first when the picture depends on facts you do not know for certain; then call the tool."


def image_tool(request: Request, model: str | None, *, streamed: bool = True) -> dict[str, Any]:
    """The tool object. What the request leaves open is left to the service; ``model`` None leaves the field out."""
    lossy = request.format in ("jpeg", "webp")
    values = {
        "model": model,
        "action": _action(request),
        "size": request.size,
        "quality": request.quality,
        "output_format": request.format,
        "output_compression": request.compression if lossy else None,
        "background": request.background,
        "moderation": request.moderation,
        "partial_images": request.partial_images or None if streamed else None,
        "input_fidelity": request.options.get("input_fidelity") if request.references else None,
    }
    return {"type": "image_generation", **{name: value for name, value in values.items() if value is not None}}


def _action(request: Request) -> str:
    if request.operation == "edit":
        return "edit"
    return "auto" if request.references else "generate"


def parameters(
    request: Request, tool: Mapping[str, Any], *, web_search: bool, force: bool = True, streamed: bool = True
) -> dict[str, Any]:
    """The body without input: ``tools``, ``tool_choice``, ``instructions``, ``reasoning``, ``store``, ``stream``.

    :param force: name the image tool as the one to call. Without it, and with a search offered, the model chooses, and
        may stop after the search.
    """
    orders = (_DUTY, _SEARCH if web_search else "", _VERBATIM if request.mode == "direct" else _FREELY)
    body: dict[str, Any] = {
        "instructions": " ".join(filter(None, orders)),
        "tools": [{"type": "web_search"}, dict(tool)] if web_search else [dict(tool)],
        "tool_choice": FORCED if force or not web_search else "required",
        "store": False,
        "stream": streamed,
    }
    if request.reasoning_effort:
        body["reasoning"] = {"effort": request.reasoning_effort}
    if web_search:
        body["include"] = [SOURCES]
    return body


def build(
    parameters: Mapping[str, Any], *, model: str, prompt: str, pictures: Sequence[str] = (), mask: str | None = None
) -> dict[str, Any]:
    """The whole body. ``pictures`` and ``mask`` are data URLs; the picture to edit comes first.

    Parameters that :func:`parameters` does not make are left out: a ledger may be newer than this code.
    """
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": prompt}]
    parts += [{"type": "input_image", "image_url": url, "detail": "auto"} for url in pictures]
    known = {name: parameters[name] for name in _FIELDS if name in parameters}
    tools = [_masked(tool, mask) for tool in parameters["tools"]]
    message = {"type": "message", "role": "user", "content": parts}
    return {"model": model, "input": [message], **known, "tools": tools}


def _masked(tool: Mapping[str, Any], mask: str | None) -> dict[str, Any]:
    if mask is None or tool["type"] != "image_generation":
        return dict(tool)
    return {**tool, "input_image_mask": {"image_url": mask}}


def data_url(path: Path, media_type: str) -> str:
    """A stored picture as ``data:<type>;base64,…``."""
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
