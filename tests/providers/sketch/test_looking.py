"""What sketch says of pictures: measured, the same each time, and no more than that."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error, Refused, UpstreamError
from ima2.models import Message, Reply, Text, Turn
from ima2_kit.context import QuickClock, open_context
from ima2_sketch import plugin
from ima2_sketch.looking import measured, name_of
from PIL import Image


def png(colour: str, size: tuple[int, int] = (96, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def looked(folder: Path, images: Sequence[bytes], **settings: Any) -> list[Any]:
    async def main() -> list[Any]:
        clock = QuickClock()
        async with open_context(plugin.ima2_provider(), folder, settings=settings, clock=clock) as context:
            message = Message(text="What is it?", references=tuple(context.add(each) for each in images))
            turn = Turn(model="sketch-words", messages=(message,))
            return [event async for event in plugin.ima2_converse(turn, context)]

    return asyncio.run(main())


def reply(folder: Path, *images: bytes) -> str:
    events = looked(folder, images)
    assert isinstance(events[-1], Reply)
    assert "".join(event.delta for event in events if isinstance(event, Text)) == events[-1].text
    return events[-1].text


def test_a_picture_is_measured(tmp_path: Path) -> None:
    said = reply(tmp_path, png("navy", (320, 200)))
    assert "understands nothing" in said
    assert "The picture is 320x200, dark, mostly blue" in said


def test_the_change_between_two_is_measured(tmp_path: Path) -> None:
    said = reply(tmp_path, png("black"), png("white"))
    assert "100% of it changed, and it is brighter" in said
    assert "0% of it changed, and it is as bright as it was" in reply(tmp_path, png("red"), png("red", (97, 64)))
    assert reply(tmp_path, png("black"), png("white")) == said


def test_without_a_picture_there_is_nothing_to_measure(tmp_path: Path) -> None:
    assert "no picture" in reply(tmp_path)


@pytest.mark.parametrize(
    ("pixel", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((220, 20, 20), "red"),
        ((250, 10, 60), "red"),
        ((240, 140, 20), "orange"),
        ((240, 230, 40), "yellow"),
        ((30, 160, 40), "green"),
        ((40, 200, 210), "turquoise"),
        ((20, 40, 200), "blue"),
        ((120, 40, 200), "violet"),
        ((240, 60, 180), "pink"),
    ],
)
def test_colours_have_their_everyday_names(pixel: tuple[int, int, int], name: str) -> None:
    assert name_of(pixel) == name


def test_transparency_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(path)
    assert measured(path).width == 10


@pytest.mark.parametrize(("fail", "error"), [("before", UpstreamError), ("refuse", Refused), ("middle", UpstreamError)])
def test_it_fails_as_asked(tmp_path: Path, fail: str, error: type[Ima2Error]) -> None:
    with pytest.raises(error):
        looked(tmp_path, [png("red")], fail=fail)


def test_it_brings_nothing_as_asked(tmp_path: Path) -> None:
    assert looked(tmp_path, [png("red")], fail="empty")[-1] == Reply(text="")
