"""Frames, posters and clips as inputs: what the decoding process makes of good, bad and hostile files."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import av
import pytest
from ima2.errors import Ima2Error, InvalidRequest, NotFound
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.storage import mp4
from ima2.storage.storing import completed
from ima2.storage.worker import DecodeWorker
from ima2_kit.conformance.pictures import clip, picture
from PIL import Image

Env = dict[str, str]
FPS = 10


def film(codec: str = "libx264", *, frames: int = 20, size: tuple[int, int] = (64, 48), gop: int = 250) -> bytes:
    """Frame ``n`` is grey of level ``10 n``."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = gop
        for number in range(frames):
            shade = min(250, number * 10)
            frame = av.VideoFrame.from_image(Image.new("RGB", size, (shade, shade, shade)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def studio(env: Env, work: Callable[[Studio], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with open_studio(env) as house:
            return await work(house)

    return asyncio.run(main())


async def stored(house: Studio, content: bytes, name: str = "clip") -> str:
    spooled = house.paths.spool / name
    spooled.parent.mkdir(parents=True, exist_ok=True)
    spooled.write_bytes(content)
    return (await house.store.store(spooled, name, facts={"created_at": 1}, sidecar={})).filename


def shade(png: bytes) -> int:
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("L").getpixel((10, 10)) // 10 * 10 if image.format == "PNG" else -1


@pytest.mark.parametrize("gop", [1, 7, 250])
def test_a_frame_is_the_one_shown_then(env: Env, gop: int) -> None:
    async def work(house: Studio) -> None:
        name = await stored(house, film(gop=gop))
        shades = [shade(await house.store.frame(name, position)) for position in (0, 0.51, 1.01, 1.9, 2.05, None)]
        expected = [0, 50, 100, 190, 190, 190]
        assert all(abs(one - other) <= 10 for one, other in zip(shades, expected, strict=True)), shades

    studio(env, work)


@pytest.mark.parametrize(("codec", "name"), [("libx264", "h264"), ("libx265", "hevc"), ("libsvtav1", "av1")])
def test_the_codec_is_read_from_the_file(codec: str, name: str) -> None:
    found = mp4.parse(io.BytesIO(film(codec, size=(128, 96))))
    assert (found.codec, found.width, found.height) == (name, 128, 96)
    assert found.duration == pytest.approx(2, abs=0.1)


def test_a_file_that_does_not_say_its_codec(env: Env) -> None:
    assert mp4.parse(io.BytesIO(clip())).codec is None


def test_what_is_measured_overrules_what_was_claimed(tmp_path: Path) -> None:
    async def main() -> dict[str, Any]:
        path = tmp_path / "x.mp4"
        path.write_bytes(film())
        worker = DecodeWorker()
        try:
            found = await worker.probe(path)
        finally:
            await worker.close()
        return completed({"video": {"duration": 99, "resolution": "480p"}}, "0" * 64, found)

    video = asyncio.run(main())["video"]
    assert video["duration"] == pytest.approx(2, abs=0.1)
    assert (video["resolution"], video["width"], video["codec"]) == ("480p", 64, "h264")


def test_a_poster_is_made(env: Env) -> None:
    async def work(house: Studio) -> None:
        name = await stored(house, film(size=(1280, 720)))
        poster = await house.store.thumbnail(name)
        assert poster is not None
        assert poster.name == f"{name}.thumb.jpg"
        with Image.open(poster) as image:
            assert (image.format, image.size) == ("JPEG", (512, 288))
        await house.store.delete(name)
        assert not poster.exists()

    studio(env, work)


def cut(content: bytes) -> bytes:
    """Headers of a good file over noise: everything is there but the pictures."""
    start = content.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(content[start - 8 : start - 4], "big")
    return content[:start] + b"\xa5" * (end - start) + content[end:]


@pytest.mark.parametrize("content", [clip(), cut(film())], ids=["no samples", "noise"])
def test_a_clip_without_pictures_is_kept_and_gives_none(env: Env, content: bytes) -> None:
    """It was paid for: it is stored as it is, and has no poster."""

    async def work(house: Studio) -> None:
        name = await stored(house, content)
        assert await house.store.thumbnail(name) is None
        with pytest.raises(Ima2Error) as caught:
            await house.store.frame(name)
        assert caught.value.code == "VIDEO_FRAME_FAILED"
        # The process that met it goes on working.
        assert await house.store.frame(await stored(house, film(), "good"), 0)

    studio(env, work)


def test_frames_are_of_stored_clips_only(env: Env) -> None:
    async def work(house: Studio) -> None:
        name = await stored(house, picture())
        for wanted, error in ((name, NotFound), ("none.mp4", NotFound), ("../x.mp4", InvalidRequest)):
            with pytest.raises(error):
                await house.store.frame(wanted)

    studio(env, work)


def test_a_clip_is_an_input(env: Env) -> None:
    async def work(house: Studio) -> None:
        content = film()
        one = await house.store.add_reference(content, role="clip", field="videoUrl")
        two = await house.store.add_reference(content, role="clip", field="videoUrl")
        assert one == two
        assert (one.media_type, one.width, one.height) == ("video/mp4", 64, 48)
        assert one.duration == pytest.approx(2, abs=0.1)
        assert house.store.reference_path(one).read_bytes() == content

    studio(env, work)


@pytest.mark.parametrize(
    ("content", "role", "code"),
    [
        (b"", "clip", "REF_EMPTY"),
        (b"text", "clip", "INVALID_VIDEO_SOURCE"),
        (picture(), "clip", "INVALID_VIDEO_SOURCE"),
        (film()[:200], "clip", "INVALID_VIDEO_SOURCE"),
        (film(), "reference", "REF_UNSUPPORTED_FORMAT"),
    ],
)
def test_what_is_no_input(env: Env, content: bytes, role: Any, code: str) -> None:
    async def work(house: Studio) -> None:
        with pytest.raises(InvalidRequest) as caught:
            await house.store.add_reference(content, role=role, field="videoUrl")
        assert (caught.value.code, caught.value.field) == (code, "videoUrl")
        assert list(house.paths.references.glob("*")) == []

    studio(env, work)


def test_without_pyav_the_error_says_how_to_get_it(env: Env, tmp_path: Path) -> None:
    async def work(house: Studio) -> str:
        return await stored(house, film())

    name = studio(env, work)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import sys\nsys.modules['av'] = None\n")
    code = (
        "import asyncio\n"
        "from ima2.errors import Ima2Error\n"
        "from ima2.kernel.opening import open_studio\n"
        "async def main():\n"
        "    async with open_studio() as house:\n"
        f"        print(await house.store.thumbnail({name!r}))\n"
        "        try:\n"
        f"            await house.store.frame({name!r})\n"
        "        except Ima2Error as error:\n"
        "            print(error.code, error.hint)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, **env, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None", "VIDEO_EXTRA_MISSING pip install 'ima2[video]'"]
