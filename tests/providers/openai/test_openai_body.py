"""Request bodies against the public SDK's own types, which drop a field they do not know: then it is missed here."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.models import Reference, Request
from ima2_openai.body import build, data_url, image_tool, parameters
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

Ask = Callable[..., Request]
STREAMED = TypeAdapter(ResponseCreateParamsStreaming)
WHOLE = TypeAdapter(ResponseCreateParamsNonStreaming)


def accepted(body: dict[str, Any]) -> bool:
    """Whether every field, however deep, is one of the SDK's, with a value it allows."""
    adapter = STREAMED if body["stream"] else WHOLE
    sent = json.loads(json.dumps(body))
    return bool(json.loads(adapter.dump_json(adapter.validate_python(sent), warnings=False)) == body)


def make(request: Request, *, web_search: bool = False, streamed: bool = True, **more: Any) -> dict[str, Any]:
    tool = image_tool(request, request.options["image_tool_model"], streamed=streamed)
    wire = parameters(request, tool, web_search=web_search, streamed=streamed, force=more.pop("force", True))
    return build(wire, model=request.model or "", prompt=request.prompt, **more)


def test_the_plain_body(ask: Ask) -> None:
    body = make(ask())
    assert accepted(body)
    assert body["model"] == "gpt-5.4-mini"
    assert body["store"] is False
    assert body["stream"] is True
    assert body["reasoning"] == {"effort": "low"}
    assert body["tool_choice"] == {"type": "image_generation"}
    assert body["tools"] == [
        {"type": "image_generation", "model": "gpt-image-2.6-sunburst", "action": "generate", "size": "1024x1024"}
    ]
    assert body["input"][0]["content"] == [{"type": "input_text", "text": "a red kite"}]


def test_every_choice_reaches_the_tool(ask: Ask) -> None:
    request = ask(
        size="1536x864",
        quality="xhigh",
        format="webp",
        compression=40,
        background="transparent",
        moderation="low",
        partial_images=2,
    )
    body = make(request)
    assert accepted(body)
    assert body["tools"][0] == {
        "type": "image_generation",
        "model": "gpt-image-2.6-sunburst",
        "action": "generate",
        "size": "1536x864",
        "quality": "xhigh",
        "output_format": "webp",
        "output_compression": 40,
        "background": "transparent",
        "moderation": "low",
        "partial_images": 2,
    }


def test_the_tool_never_carries_a_count(ask: Ask) -> None:
    body = make(ask(n=5))
    assert "n" not in body["tools"][0]
    assert not accepted({**body, "tools": [{**body["tools"][0], "n": 5}]}), "the SDK types would not notice"


def test_references_become_input_images_in_order(ask: Ask, reference: Callable[..., Reference]) -> None:
    body = make(ask(references=(reference(), reference())), pictures=["data:image/png;base64,AA==", "data:b"])
    assert accepted(body)
    assert [part.get("image_url") for part in body["input"][0]["content"][1:]] == [
        "data:image/png;base64,AA==",
        "data:b",
    ]
    assert body["tools"][0]["action"] == "auto"


def test_a_masked_edit(ask: Ask, reference: Callable[..., Reference]) -> None:
    request = ask(operation="edit", references=(reference("source"), reference("mask")))
    body = make(request, pictures=["data:source"], mask="data:mask", web_search=True)
    assert accepted(body)
    tool = body["tools"][1]
    assert tool["input_image_mask"] == {"image_url": "data:mask"}
    assert tool["action"] == "edit"
    assert "input_image_mask" not in body["tools"][0]


@pytest.mark.parametrize(
    ("web_search", "force", "choice"),
    [
        (False, True, {"type": "image_generation"}),
        (False, False, {"type": "image_generation"}),
        (True, True, {"type": "image_generation"}),
        (True, False, "required"),
    ],
)
def test_tool_choice(ask: Ask, web_search: bool, force: bool, choice: Any) -> None:
    body = make(ask(), web_search=web_search, force=force)
    assert accepted(body)
    assert body["tool_choice"] == choice
    assert ({"type": "web_search"} in body["tools"]) is web_search
    assert body.get("include") == (["web_search_call.action.sources"] if web_search else None)


def test_without_a_stream_no_drafts_are_asked_for(ask: Ask) -> None:
    body = make(ask(partial_images=3), streamed=False)
    assert accepted(body)
    assert body["stream"] is False
    assert "partial_images" not in body["tools"][0]


def test_compression_is_left_out_for_png(ask: Ask) -> None:
    assert "output_compression" not in make(ask(format="png", compression=100))["tools"][0]


def test_fidelity_goes_only_with_input_images(ask: Ask, reference: Callable[..., Reference]) -> None:
    options = {"image_tool_model": "gpt-image-1.5", "input_fidelity": "high"}
    assert "input_fidelity" not in make(ask(options=options))["tools"][0]
    body = make(ask(options=options, references=(reference(),)), pictures=["data:a"])
    assert accepted(body)
    assert body["tools"][0]["input_fidelity"] == "high"


def test_direct_mode_asks_for_the_words_unchanged(ask: Ask) -> None:
    assert "exactly as they are" in make(ask(mode="direct"))["instructions"]
    assert "exactly as they are" not in make(ask())["instructions"]


def test_what_a_newer_ledger_adds_is_not_sent(ask: Ask) -> None:
    request = ask()
    wire = parameters(request, image_tool(request, "gpt-image-2"), web_search=False)
    body = build({**wire, "from_a_later_version": 1}, model="m", prompt="p")
    assert "from_a_later_version" not in body


def test_the_types_refuse_what_the_service_would(ask: Ask) -> None:
    body = make(ask())
    with pytest.raises(ValidationError):
        accepted({**body, "reasoning": {"effort": "colossal"}})


def test_a_data_url_holds_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)))
    head, _, text = data_url(path, "image/webp").partition(",")
    assert head == "data:image/webp;base64"
    assert base64.b64decode(text) == bytes(range(256))


def test_a_body_the_service_accepted_passes_the_same_gate() -> None:
    recorded = (
        Path(__file__).parents[2] / "recorded" / "openai" / "responses-imagegen-stream-gptimage2-2026-07.request.json"
    )
    assert accepted(json.loads(recorded.read_text("utf-8")))
