"""Recorded replies of services."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ima2.upstream.spool import SpoolFolder
from ima2.upstream.sse import ServerEvent, Spooled

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
Read = Callable[..., list[ServerEvent]]


def spooled_in(value: Any) -> Iterator[Spooled]:
    if isinstance(value, Spooled):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from spooled_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from spooled_in(item)


def cut(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def bodies(name: str) -> list[dict[str, Any]]:
    return [exchange["response"] for exchange in json.loads((RECORDED / name).read_bytes())["exchanges"]]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("responses-imagegen-gpt5-jpeg.json", [140_908]),
        ("responses-imagegen-gpt54-png.json", [3_117_918]),
        ("responses-imagegen-second-turn-edit.json", [1_489_388, 1_537_268]),
        ("responses-imagegen-function-call-then-image.json", [1_653_343]),
    ],
)
@pytest.mark.parametrize("step", [1000, 16 * 1024])
def test_pictures_of_plain_replies(
    spool: SpoolFolder, read_document: Callable[..., Any], name: str, sizes: list[int], step: int
) -> None:
    found: list[Spooled] = []
    for response in bodies(name):
        body = json.dumps(response["body_json"]).encode() if "body_json" in response else response["body_text"].encode()
        found += spooled_in(read_document(cut(body, step), spool))
    assert [spooled.size for spooled in found] == sizes
    assert all(
        spooled.path.read_bytes()[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xeb") for spooled in found
    )


def test_a_streamed_picture_comes_twice_and_is_one_file(spool: SpoolFolder, read: Read) -> None:
    stream = (RECORDED / "responses-imagegen-stream-gptimage2-2026-07.abridged.sse").read_bytes()
    events = read(cut(stream, 100), spool, threshold=500)
    assert len(events) == 17
    assert [event.name for event in events] == [event.data["type"] for event in events]
    done = next(event.data["item"]["result"] for event in events if event.data.get("item", {}).get("result"))
    final = [item["result"] for item in events[-1].data["response"]["output"] if "result" in item]
    assert final == [done]
    assert done.path.read_bytes()[:2] == b"\xff\xd8"
    paths = {spooled.path for event in events for spooled in spooled_in(event.data)}
    assert set(spool.folder.iterdir()) == paths


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.sse")), ids=lambda path: path.name)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_streams_give_their_events(spool: SpoolFolder, read: Read, path: Path, step: int) -> None:
    stream = path.read_bytes()
    lines = [line.removeprefix("data:") for line in stream.decode().split("\n") if line.startswith("data:")]
    wanted = [json.loads(line) for line in lines if line.strip() != "[DONE]"]
    assert [event.data for event in read(cut(stream, step), spool)] == wanted


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.chunks.txt")), ids=lambda path: path.name)
def test_events_without_their_framing(spool: SpoolFolder, read: Read, path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line]
    stream = "".join(f"event: {json.loads(line)['type']}\r\ndata: {line}\r\n\r\n" for line in lines).encode()
    events = read(cut(stream, 333), spool, threshold=200)
    assert len(events) == len(lines)
    for line, event in zip(lines, events, strict=True):
        assert event.name == json.loads(line)["type"] == event.data["type"]


def test_a_picture_is_the_one_that_was_sent(spool: SpoolFolder, read_document: Callable[..., Any]) -> None:
    (response,) = bodies("responses-imagegen-gpt5-jpeg.json")
    body = response.get("body_json") or json.loads(response["body_text"])
    sent = next(item["result"] for item in body["output"] if item["type"] == "image_generation_call")
    (spooled,) = spooled_in(read_document([json.dumps(body).encode()], spool))
    assert spooled.sha256 == hashlib.sha256(base64.b64decode(sent)).hexdigest()
