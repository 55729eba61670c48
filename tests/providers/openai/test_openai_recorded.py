"""Recorded answers through the reader and the collector, with what their manifest says of them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import CallEvent, Media, Partial, Phase, Submitted, Text, Usage, Warning
from ima2.upstream import sse
from ima2.upstream.spool import SpoolFolder
from ima2_kit.upstreams import replay
from ima2_openai.answer import Answer
from ima2_openai.errors import Service
from PIL import Image

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
OPENAI = Service("OpenAI", "ima2 login api", "AUTH_API_KEY_INVALID")


class Heard:
    """What a recording became: its events, and the error it ended with."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.error: Ima2Error | None = None

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def usage(self) -> tuple[int | None, int | None, int | None]:
        [usage] = self.of(Usage)
        return usage.input_tokens, usage.output_tokens, usage.total_tokens

    @property
    def text(self) -> str:
        return "".join(event.delta for event in self.of(Text))

    def pictures(self) -> list[tuple[str, tuple[int, int], int]]:
        """Format, pixels and bytes of each picture, from the file."""
        found = []
        for media in self.of(Media):
            with Image.open(media.path) as image:
                image.load()
                assert Image.MIME[image.format or ""] == media.media_type
                found.append((image.format or "", image.size, media.path.stat().st_size))
        return found


def hear(name: str, folder: Path, exchange: int = 0, cuts: Iterable[int] = ()) -> Heard:
    body = replay(RECORDED / name, exchange).body

    async def chunks() -> AsyncIterator[bytes]:
        start = 0
        for cut in (*cuts, len(body)):
            yield body[start:cut]
            start = cut

    async def run() -> Heard:
        heard, spool = Heard(), SpoolFolder(folder / "spool")
        answer = Answer(OPENAI, spool)
        if body.lstrip().startswith(b"{"):
            heard.events += answer.whole(await sse.document(chunks(), spool))
        else:
            async for message in sse.events(chunks(), spool):
                heard.events += answer.take(message.data, message.name)
        try:
            heard.events.extend(answer.end())
        except Ima2Error as error:
            heard.error = error
        return heard

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "exchange", "picture", "usage"),
    [
        ("responses-imagegen-gpt5-jpeg.json", 0, ("JPEG", (1536, 1024), 140_908), (1889, 1434, 3323)),
        ("responses-imagegen-gpt54-png.json", 0, ("PNG", (1024, 1536), 3_117_918), (2281, 56, 2337)),
        ("responses-imagegen-function-call-then-image.json", 1, ("PNG", (1024, 1024), 1_653_343), (None, None, 1359)),
        ("responses-imagegen-second-turn-edit.json", 0, ("PNG", (1024, 1024), 1_489_388), (2799, 1390, 4189)),
        ("responses-imagegen-second-turn-edit.json", 1, ("PNG", (1024, 1024), 1_537_268), (2858, 1071, 3929)),
        ("responses-imagegen-input-image-url-and-mask.json", 0, ("PNG", (1024, 1024), 1_314_179), (28680, 46, 28726)),
        ("responses-imagegen-action-generate-transparent.json", 0, ("PNG", (1024, 1024), 2_150_350), (3189, 74, 3263)),
    ],
)
def test_one_picture_in_one_document(
    tmp_path: Path, name: str, exchange: int, picture: tuple[str, tuple[int, int], int], usage: tuple[int | None, ...]
) -> None:
    heard = hear(name, tmp_path, exchange)
    assert heard.error is None
    assert heard.pictures() == [picture]
    assert heard.text == "", "an empty message beside a picture is no failure"
    assert [got for got, said in zip(heard.usage, usage, strict=True) if said is not None] == [
        said for said in usage if said is not None
    ]
    assert len(heard.of(Submitted)) == 1
    assert heard.of(Warning) == []


def test_facts_beside_the_picture(tmp_path: Path) -> None:
    [media] = hear("responses-imagegen-gpt54-png.json", tmp_path).of(Media)
    assert media.revised_prompt.startswith("A cute baby sea otter")
    assert media.claimed["action"] == "generate"
    assert media.claimed["host_model"] == "gpt-5.4-2026-03-05"
    [media] = hear("responses-imagegen-input-image-url-and-mask.json", tmp_path).of(Media)
    assert media.claimed["tool_model"] == "gpt-image-1-mini"


def test_a_function_call_is_no_finished_picture(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-function-call-then-image.json", tmp_path)
    assert heard.of(Media) == []
    assert heard.error
    assert heard.error.code == "IMAGE_TOOL_NOT_CALLED"
    assert heard.usage[2] == 1110


def test_text_in_place_of_a_picture_is_shown(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-tool-offered-text-only.json", tmp_path)
    assert heard.error
    assert heard.error.code == "IMAGE_TOOL_NOT_CALLED"
    assert "An axolotl named Puddle" in heard.error.message
    assert heard.error.details["text"].startswith("An axolotl named Puddle")
    assert heard.text.startswith("An axolotl named Puddle")
    assert (heard.usage, heard.error.paid) == ((361, 265, 626), "yes")


def test_the_old_event_order_with_broken_bytes(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-stream-gpt5-2025-09.chunks.txt", tmp_path)
    assert heard.of(Media) == [] == heard.of(Partial)
    assert heard.error
    assert heard.error.code == "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT"
    assert heard.usage == (2941, 1249, 4190)


def test_a_bare_body_with_broken_bytes(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-gpt5nano-2025-09.body.json", tmp_path)
    assert heard.error
    assert heard.error.code == "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT"
    assert heard.usage == (3151, 1970, 5121)


def test_a_status_that_stays_generating_is_still_a_picture(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-stream-azure-2025-12.chunks.txt", tmp_path)
    assert heard.error is None
    assert [picture[:2] for picture in heard.pictures()] == [("PNG", (1, 1))]
    assert len(heard.of(Partial)) == 1
    assert heard.text.startswith("Here is an anime-like image")
    assert heard.usage == (1979, 67, 2046)
    assert [event.name for event in heard.of(Phase)] == ["generate"]


def test_the_newest_event_order(tmp_path: Path) -> None:
    heard = hear("responses-imagegen-stream-gptimage2-2026-07.abridged.sse", tmp_path)
    assert heard.error is None
    assert [picture[:2] for picture in heard.pictures()] == [("JPEG", (16, 16))]
    assert len(heard.of(Partial)) == 1, "an unasked draft is no second picture"
    assert heard.usage == (2506, 909, 3415)
    [usage], [media] = heard.of(Usage), heard.of(Media)
    assert usage.image_tokens == 290
    assert usage.raw["tool_usage"]["image_gen"]["output_tokens"] == 196
    assert usage.raw["service_tier"] == "default"
    assert usage.cost_usd is None
    assert (media.claimed["size"], media.claimed["format"]) == ("1024x1024", "jpeg")


@pytest.mark.parametrize(
    ("name", "exchange", "searches", "usage"),
    [
        ("responses-web-search-gpt52.json", 0, 1, (8614, 95, 8709)),
        ("responses-web-search-stream-gpt5mini.chunks.txt", 0, 6, (31073, 4416, 35489)),
        ("responses-web-search-stream-sse.json", 0, 1, (8516, 315, 8831)),
        ("responses-web-search-ratelimit-headers.json", 0, 1, (309, 196, 505)),
    ],
)
def test_a_search_without_a_picture(
    tmp_path: Path, name: str, exchange: int, searches: int, usage: tuple[int, int, int]
) -> None:
    heard = hear(name, tmp_path, exchange)
    assert heard.error
    assert heard.error.code == "WEB_SEARCH_ONLY_RESPONSE"
    assert heard.error.details["webSearchCalls"] == searches
    assert heard.usage == usage
    assert heard.of(Usage)[0].web_search_calls == searches


def test_a_second_turn_without_search(tmp_path: Path) -> None:
    heard = hear("responses-web-search-gpt52.json", tmp_path, 1)
    assert heard.error
    assert (heard.error.code, heard.text, heard.usage) == ("IMAGE_TOOL_NOT_CALLED", "OK", (4565, 5, 4570))
    assert heard.of(Usage)[0].web_search_calls == 0


def test_sources_are_kept_with_their_titles(tmp_path: Path) -> None:
    heard = hear("responses-web-search-ratelimit-headers.json", tmp_path)
    assert heard.error
    sources = heard.error.details["sources"]
    assert len(sources) == 3
    assert sources[0]["title"] == "Demographics of Tokyo"
    streamed = hear("responses-web-search-stream-gpt5mini.chunks.txt", tmp_path).of(Usage)[0].raw["sources"]
    assert len(streamed) == len({source["url"] for source in streamed}) > 10


def test_a_flagged_prompt_is_told(tmp_path: Path) -> None:
    heard = hear("responses-moderation-field-block-policy.json", tmp_path)
    [warning] = heard.of(Warning)
    assert (warning.code, warning.reason) == ("MODERATION_FLAGGED", "input")
    assert "violence" in warning.message
    assert heard.usage == (12, 1351, 1363)


@pytest.mark.parametrize(
    ("name", "code", "retryable"),
    [
        ("error-stream-insufficient-quota.chunks.txt", "INSUFFICIENT_QUOTA", False),
        ("error-stream-rate-limit-exceeded.sse", "RATE_LIMITED", True),
    ],
)
def test_a_failure_told_twice_is_one_error(tmp_path: Path, name: str, code: str, retryable: bool) -> None:
    heard = hear(name, tmp_path)
    assert heard.error
    assert (heard.error.code, heard.error.retryable, heard.error.paid) == (code, retryable, "no")
    assert len(heard.of(Submitted)) == 1


def test_however_a_stream_is_cut_it_says_the_same(tmp_path: Path) -> None:
    name = "responses-web-search-stream-sse.json"
    size = len(replay(RECORDED / name).body)
    expected = hear(name, tmp_path)
    for step in (1, 7, 1000):
        heard = hear(name, tmp_path, cuts=range(step, size, step))
        assert heard.events == expected.events
        assert heard.text == expected.text != ""


def test_a_crlf_stream_says_the_same(tmp_path: Path) -> None:
    name = "responses-imagegen-stream-gptimage2-2026-07.abridged.sse"
    crlf = tmp_path / "crlf.sse"
    crlf.write_bytes((RECORDED / name).read_bytes().replace(b"\n", b"\r\n"))
    heard = hear(str(crlf), tmp_path)
    assert [picture[:2] for picture in heard.pictures()] == [("JPEG", (16, 16))]


@pytest.mark.parametrize(
    ("name", "size", "length"),
    [
        ("images-generations-gpt-image-1.5.json", (1024, 1024), 128_849),
        ("images-generations-gpt-image-2.json", (1024, 1024), 1_521_426),
        ("images-edits-json-data-url-gpt-image-2.json", (1536, 864), 823_979),
        ("images-edits-multipart-two-refs-gpt-image-1.json", (1024, 1024), 815_697),
    ],
)
def test_real_pictures_reach_the_spool_byte_for_byte(
    tmp_path: Path, name: str, size: tuple[int, int], length: int
) -> None:
    """The Images API's answers have the large pictures that no recorded Responses stream kept."""
    body = replay(RECORDED / name).body

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 4099):
            yield body[start : start + 4099]

    value = asyncio.run(sse.document(chunks(), SpoolFolder(tmp_path)))
    [entry] = value["data"]
    data = entry["b64_json"].path.read_bytes()
    assert len(data) == length
    assert hashlib.sha256(data).hexdigest() == entry["b64_json"].sha256
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == size


SECRET_HEADERS = {"authorization", "cookie", "set-cookie", "openai-organization", "openai-project", "api-key"}


def test_no_recording_names_an_account() -> None:
    for path in RECORDED.glob("*.json"):
        recorded = json.loads(path.read_text("utf-8"))
        for exchange in recorded.get("exchanges", ()):
            for side in ("request", "response"):
                headers = exchange[side]["headers"]
                assert {headers[name] for name in SECRET_HEADERS & headers.keys()} <= {"scrubbed"}, path.name
