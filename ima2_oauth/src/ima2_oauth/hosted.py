"""The Responses route: a host model calls the hosted image tool, and the answer is always a stream.

``store`` is false, ``stream`` true, ``input`` a list and ``instructions`` a text: the service refuses anything else. It
also refuses ``max_output_tokens``, a transparent background and a count in the tool, so none is ever there. The tool's
``model`` is ignored and left out. (Public clients and reports, 2025-11 to 2026-10.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ima2.models import Request
from ima2_openai.body import build, image_tool, parameters

from ima2_oauth.catalogue import Host
from ima2_oauth.pictures import Pictures

PATH = "responses"
LITE_HEADER = "x-openai-internal-codex-responses-lite"


def wire(request: Request, host: Host, effort: str | None, *, web_search: bool, force: bool = True) -> dict[str, Any]:
    """All of the body but prompt and pictures, as it lies in the ledger; ``lite`` says how it will be written."""
    asked = request.model_copy(
        update={
            "reasoning_effort": effort,
            "background": None if request.background == "transparent" else request.background,
        }
    )
    said = parameters(asked, image_tool(asked, None), web_search=web_search, force=force)
    # Citations in the answer name the sources; whether this service knows the extra list is not known.
    said.pop("include", None)
    return {**said, "model": host.id, "lite": host.lite}


def body(said: Mapping[str, Any], prompt: str, pictures: Pictures) -> dict[str, Any]:
    """The whole body."""
    classic = build(said, model=said["model"], prompt=prompt, pictures=pictures.urls, mask=pictures.mask)
    classic = {**classic, "parallel_tool_calls": False}
    return lite(classic) if said.get("lite") else classic


def headers(said: Mapping[str, Any]) -> dict[str, str]:
    """Beside those that authorize."""
    return {"Accept": "text/event-stream", **({LITE_HEADER: "true"} if said.get("lite") else {})}


def lite(classic: Mapping[str, Any]) -> dict[str, Any]:
    """The same request as the catalogue's lite models want it: tools and instructions are items of the input.

    A forced tool is looked for among the top-level tools, where there are none, so the choice is left to the model; its
    instructions still name the tool.
    """
    rest = {name: value for name, value in classic.items() if name != "tools"}
    tools = {"type": "additional_tools", "role": "developer", "tools": classic["tools"]}
    orders = [_order(classic["instructions"])] if classic.get("instructions") else []
    return {
        **rest,
        "instructions": "",
        "input": [tools, *orders, *classic["input"]],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {**classic.get("reasoning", {}), "context": "all_turns"},
    }


def _order(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}
