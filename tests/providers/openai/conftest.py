"""What the tests of provider ``api`` share: requests as the kernel fills them, input images, a stand-in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.models import Reference, Request
from PIL import Image

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
KEY = "sk-test-0123456789abcdef"


def png(width: int = 64, height: int = 48, colour: tuple[int, ...] = (200, 30, 30)) -> bytes:
    """A small real PNG."""
    buffer = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def make_png() -> Callable[..., bytes]:
    return png


@pytest.fixture
def recorded() -> Callable[..., dict[str, Any]]:
    """A recorded JSON answer, parsed: the nth exchange of a container, or a bare body."""

    def load(name: str, exchange: int = 0) -> dict[str, Any]:
        value = json.loads((RECORDED / name).read_text("utf-8"))
        if value.get("format") != "recorded-exchange/1":
            return dict(value)
        response = value["exchanges"][exchange]["response"]
        return dict(response.get("body_json") or json.loads(response["body_text"]))

    return load


@pytest.fixture
def ask() -> Callable[..., Request]:
    """A request with the provider's settings applied, as hooks get it."""

    def make(**changes: Any) -> Request:
        options = {
            "image_tool_model": "gpt-image-2.6-sunburst",
            "force_image_tool": True,
            "check_limits": True,
            **changes.pop("options", {}),
        }
        filled = {"model": "gpt-5.4-mini", "size": "1024x1024", "reasoning_effort": "low", "web_search": False}
        return Request(id="job-1", provider="api", **{"prompt": "a red kite", **filled, **changes}, options=options)

    return make


@pytest.fixture
def reference() -> Callable[..., Reference]:
    def make(role: str = "reference", **changes: Any) -> Reference:
        facts = {"sha256": "0" * 64, "media_type": "image/png", "width": 64, "height": 48, "size": 1000}
        return Reference.model_validate({**facts, "role": role, **changes})

    return make
