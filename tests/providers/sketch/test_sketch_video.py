"""Clips of sketch: real MP4s, as long as asked, of the shape asked for, the same for the same request."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from ima2.errors import Refused, UpstreamError
from ima2.models import Call, CallEvent, Media, Progress, Sending
from ima2.storage import mp4
from ima2_kit.context import QuickClock, open_context
from ima2_sketch import plugin
from PIL import Image, ImageChops, ImageStat

Film = Callable[..., Media]
SMALL = {"aspect_ratio": "1:1", "duration": 1}


def png(width: int = 96, height: int = 64, colour: str = "navy") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def filmed(
    folder: Path,
    prompt: str = "a red kite",
    operation: str = "generate",
    inputs: Sequence[tuple[bytes, Any]] = (),
    **parameters: Any,
) -> list[CallEvent]:
    async def run() -> list[CallEvent]:
        async with open_context(plugin.ima2_provider(), folder, clock=QuickClock()) as context:
            references = tuple(context.add(content, role) for content, role in inputs)
            facts = {"key": "job-1.0", "kind": "video", "operation": operation, "model": "sketch-clip"}
            call = Call(prompt=prompt, references=references, parameters=parameters, **facts)
            async with aclosing(plugin.ima2_generate_video(call, context)) as stream:
                return [event async for event in stream]

    return asyncio.run(run())


@pytest.fixture
def film(tmp_path: Path) -> Film:
    def make(prompt: str = "a red kite", operation: str = "generate", **options: Any) -> Media:
        (media,) = [event for event in filmed(tmp_path, prompt, operation, **options) if isinstance(event, Media)]
        return media

    return make


def movie(media: Media) -> mp4.Movie:
    with media.path.open("rb") as file:
        return mp4.parse(file)


def frames(media: Media) -> list[Image.Image]:
    with av.open(str(media.path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def digest(media: Media) -> str:
    return hashlib.sha256(media.path.read_bytes()).hexdigest()


def distance(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


@pytest.mark.parametrize("seconds", [1, 2.5, 5, 15])
def test_a_clip_lasts_as_long_as_asked(film: Film, seconds: float) -> None:
    made = film(duration=seconds, aspect_ratio="1:1")
    assert movie(made).duration == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (854, 480)),
        ({"resolution": "720p"}, (1280, 720)),
        ({"aspect_ratio": "9:16"}, (480, 854)),
        ({"aspect_ratio": "2:3"}, (480, 720)),
        ({"inputs": [(png(200, 100), "reference")]}, (960, 480)),
        ({"inputs": [(png(10, 1000), "reference")]}, (480, 1920)),
        ({"inputs": [(png(), "reference")] * 2}, (854, 480)),
    ],
)
def test_its_size_follows_resolution_aspect_and_image(film: Film, asked: Any, size: tuple[int, int]) -> None:
    found = movie(film(duration=1, **asked))
    assert (found.width, found.height) == size
    assert found.codec == "h264"


def test_the_same_request_gives_the_same_clip_and_another_another(film: Film) -> None:
    made = [
        film(**SMALL),
        film(**SMALL),
        film(**SMALL, seed=1),
        film("a blue kite at night", **SMALL),
        film(**{**SMALL, "aspect_ratio": "3:4"}),
    ]
    digests = [digest(each) for each in made]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_something_moves(film: Film) -> None:
    shown = frames(film(**SMALL))
    assert len(shown) == 24
    assert distance(shown[0], shown[-1]) > 2
    assert all(distance(before, after) < 15 for before, after in pairwise(shown))


def test_an_image_is_the_first_frame(film: Film) -> None:
    shown = frames(film(duration=1, inputs=[(png(100, 100, "seagreen"), "reference")]))
    still = Image.new("RGB", shown[0].size, "seagreen")
    assert distance(shown[0].crop((0, 0, 480, 300)), still.crop((0, 0, 480, 300))) < 4


def test_an_edit_keeps_the_length(film: Film) -> None:
    first = film(duration=2, aspect_ratio="1:1")
    edited = film("at night", "edit", inputs=[(first.path.read_bytes(), "clip")])
    assert movie(edited).duration == pytest.approx(2, abs=0.1)
    assert digest(edited) != digest(first)


def test_an_extension_begins_with_the_clip(film: Film) -> None:
    first = film(duration=2, aspect_ratio="1:1")
    longer = film("and on", "extend", duration=3, inputs=[(first.path.read_bytes(), "clip")])
    assert movie(longer).duration == pytest.approx(5, abs=0.1)
    before, after = frames(first), frames(longer)
    assert all(distance(one, other) < 4 for one, other in zip(before, after, strict=False))


def test_progress_rises_to_one(tmp_path: Path) -> None:
    events = filmed(tmp_path, **SMALL)
    told = [event.fraction for event in events if isinstance(event, Progress)]
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    ("point", "error"), [("before", UpstreamError), ("middle", UpstreamError), ("refuse", Refused)]
)
def test_it_fails_when_asked(tmp_path: Path, point: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        filmed(tmp_path, fail=point, **SMALL)


def test_no_clip_when_asked(tmp_path: Path) -> None:
    events = filmed(tmp_path, fail="empty", **SMALL)
    assert any(isinstance(event, Sending) for event in events)
    assert not any(isinstance(event, Media) for event in events)


def test_given_up_half_way_it_can_be_made_again(tmp_path: Path) -> None:
    """The thread that writes is not left behind: the file is closed before the stream ends."""

    async def give_up() -> None:
        async with open_context(plugin.ima2_provider(), tmp_path, clock=QuickClock()) as context:
            call = Call(key="job-1.0", kind="video", prompt="x", model="sketch-clip", parameters={"duration": 15})
            async with aclosing(plugin.ima2_generate_video(call, context)) as stream:
                async for event in stream:
                    if isinstance(event, Progress):
                        return

    asyncio.run(give_up())
    assert any(isinstance(event, Media) for event in filmed(tmp_path, **SMALL))


def test_without_pyav_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['av'] = None\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "IMA2_CONFIG_DIR": str(tmp_path / "house")}
    code = (
        "from ima2.models import Request; from ima2_sketch import plugin;"
        "print(*[(p.code, p.hint) for p in plugin.ima2_check(Request(id='j', kind='video', prompt='x'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(("VIDEO_EXTRA_MISSING", "pip install 'ima2-sketch[video]'"))
