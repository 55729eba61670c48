"""The exact request, held by a cassette with strict matching.

The cassette was recorded from the scripted stand-in, not from OpenAI: it pins what is sent, and proves nothing about
the service. Delete it and run the test to record it again.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vcr
from ima2.models import Media, Request
from ima2_kit.context import open_context
from ima2_kit.upstreams import ScriptedUpstream, openai
from PIL import Image
from vcr.errors import CannotOverwriteExistingCassetteException

from ima2_openai import plugin

CASSETTE = Path(__file__).parents[2] / "recorded" / "stand-in" / "openai-responses-edit.yaml"
PORT = 18_431
STRICT = ("method", "scheme", "host", "port", "path", "query", "body")
Ask = Callable[..., Request]


def _tape() -> Any:
    return vcr.VCR(
        record_mode="once", match_on=STRICT, filter_headers=["authorization"], decode_compressed_response=True
    )


def _pixels(colour: tuple[int, ...]) -> bytes:
    """A tiny PNG; uncompressed, so that its bytes do not hang on the version of zlib."""
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), colour).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


async def _edit(folder: Path, request: Request) -> list[Media]:
    settings = {"base_url": f"http://127.0.0.1:{PORT}/v1", "api_key": "sk-test-0123456789abcdef"}
    async with open_context(plugin.ima2_provider(), folder, settings=settings) as context:
        inputs = (context.add(_pixels((9, 9, 9)), "source"), context.add(_pixels((8, 8, 8)), "reference"))
        asked = request.model_copy(update={"references": inputs})
        planned = [event async for event in plugin.ima2_plan(asked, context)]
        stream = plugin.ima2_generate_image(planned[-1].plan.calls[0], context)  # type: ignore[union-attr]
        return [event async for event in stream if isinstance(event, Media)]


def run(folder: Path, request: Request) -> list[Media]:
    async def go() -> list[Media]:
        if CASSETTE.exists():
            return await _edit(folder, request)
        upstream = ScriptedUpstream({"POST /v1/responses": [openai.picture(_pixels((1, 2, 3)))]})
        await upstream.start(PORT)
        try:
            return await _edit(folder, request)
        finally:
            await upstream.stop()

    with _tape().use_cassette(str(CASSETTE)):
        return asyncio.run(go())


def test_the_request_is_the_recorded_one(tmp_path: Path, ask: Ask) -> None:
    request = ask(operation="edit", size="1536x864", quality="high", format="webp", compression=80, web_search=True)
    [media] = run(tmp_path, request)
    assert media.path.read_bytes() == _pixels((1, 2, 3))


def test_another_request_is_not_in_the_cassette(tmp_path: Path, ask: Ask) -> None:
    with pytest.raises(CannotOverwriteExistingCassetteException):
        run(tmp_path, ask(operation="edit", size="1024x1024"))


def test_the_cassette_holds_no_secret() -> None:
    text = CASSETTE.read_text("utf-8").lower()
    assert "sk-test" not in text
    assert "authorization" not in text
