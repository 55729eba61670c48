"""The decoding process: killed, stopped, orphaned, fed with bombs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.storage.worker import DecodeWorker, Facts, Undecodable
from ima2_kit.conformance.pictures import bomb, chunk, clip, picture

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

PARENT = """
import asyncio, signal, sys
from ima2.storage.worker import DecodeWorker

# A shell in the background hands SIGINT down ignored; a test must not depend on who runs it.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    worker = DecodeWorker()
    await worker.warm()
    print(worker.pid, flush=True)
    try:
        await asyncio.sleep(1000)
    finally:
        if sys.argv[1] == "tidy":
            await worker.close()

asyncio.run(main())
"""


def with_worker(scenario: Callable[[DecodeWorker], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        worker = DecodeWorker(**options)
        try:
            return await scenario(worker)
        finally:
            await worker.close()

    return asyncio.run(main())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(pid: int) -> None:
    while alive(pid):
        time.sleep(0.01)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(picture())
    return path


def probe(path: Path, **options: Any) -> Facts:
    facts: Facts = with_worker(lambda worker: worker.probe(path), **options)
    return facts


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (picture(), Facts("PNG", "image/png", "image", 24, 16, has_alpha=False, duration=None)),
        (picture(mode="RGBA"), Facts("PNG", "image/png", "image", 24, 16, has_alpha=True, duration=None)),
        (picture("JPEG"), Facts("JPEG", "image/jpeg", "image", 24, 16, has_alpha=False, duration=None)),
        (picture("MPO"), Facts("JPEG", "image/jpeg", "image", 24, 16, has_alpha=False, duration=None)),
        (picture("WEBP"), Facts("WEBP", "image/webp", "image", 24, 16, has_alpha=False, duration=None)),
        (clip(), Facts("MP4", "video/mp4", "video", 64, 48, has_alpha=False, duration=2.5)),
    ],
)
def test_facts_come_from_the_content_not_the_name(tmp_path: Path, data: bytes, facts: Facts) -> None:
    path = tmp_path / "wrong.gif"
    path.write_bytes(data)
    assert probe(path) == facts


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bomb(7_100), "pixels"),
        (bomb(12_000), "pixels"),
        (bomb(20_000), "pixels"),
        (picture(width=400, height=400)[:-50], "unreadable"),
        (b"<svg/>", "format"),
        (picture("GIF"), "format"),
        (picture("TIFF"), "format"),
        (b"", "format"),
        (clip()[:-5], "unreadable"),
    ],
)
def test_a_bad_file_is_refused_and_the_process_lives(tmp_path: Path, png: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(data)

    async def scenario(worker: DecodeWorker) -> None:
        await worker.warm()
        before = worker.pid
        with pytest.raises(Undecodable) as caught:
            await worker.probe(path)
        assert caught.value.reason == reason
        assert (await worker.probe(png)).width == 24
        assert worker.pid == before

    with_worker(scenario)


def test_a_text_bomb_inside_a_picture_is_refused(tmp_path: Path) -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    data = picture()
    path = tmp_path / "a.png"
    path.write_bytes(data[:33] + chunk(b"zTXt", text) + data[33:])
    with pytest.raises(Undecodable):
        probe(path)


def test_the_largest_picture_allowed_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bomb(7_071))
    assert probe(path).width == 7_071


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Undecodable):
        probe(tmp_path / "missing.png")


@posix
def test_a_process_killed_in_the_middle_is_replaced_unnoticed(png: Path) -> None:
    async def scenario(worker: DecodeWorker) -> None:
        await worker.warm()
        first = worker.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        task = asyncio.ensure_future(worker.probe(png))
        await asyncio.sleep(0.1)
        assert not task.done()
        os.kill(first, signal.SIGKILL)
        assert (await task).width == 24
        assert worker.pid != first

    with_worker(scenario)


@posix
def test_a_process_killed_between_tasks_is_replaced(png: Path) -> None:
    async def scenario(worker: DecodeWorker) -> None:
        for _ in range(3):
            await worker.warm()
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            assert (await worker.probe(png)).width == 24

    with_worker(scenario)


@posix
def test_a_process_that_hangs_is_killed_and_the_next_task_has_a_new_one(png: Path) -> None:
    async def scenario(worker: DecodeWorker) -> None:
        await worker.warm()
        first = worker.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(Undecodable) as caught:
            await worker.probe(png)
        assert caught.value.reason == "timeout"
        assert not alive(first)
        assert (await worker.probe(png)).width == 24

    with_worker(scenario, timeout=4)


@posix
def test_an_interrupt_does_not_reach_it(png: Path) -> None:
    async def scenario(worker: DecodeWorker) -> None:
        assert (await worker.probe(png)).width == 24
        first = worker.pid
        assert first is not None
        assert os.getpgid(first) != os.getpgid(0)
        os.kill(first, signal.SIGINT)
        assert (await worker.probe(png)).width == 24
        assert worker.pid == first

    with_worker(scenario)


@posix
@pytest.mark.parametrize(
    ("ending", "manner"), [(signal.SIGKILL, "untidy"), (signal.SIGINT, "untidy"), (signal.SIGINT, "tidy")]
)
def test_it_never_outlives_its_parent(ending: signal.Signals, manner: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, manner], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.send_signal(ending)
    parent.communicate()
    wait_until_gone(child)


def test_closing_ends_it() -> None:
    async def scenario(worker: DecodeWorker) -> int:
        await worker.warm()
        pid = worker.pid
        assert pid is not None
        await worker.close()
        return pid

    assert not alive(with_worker(scenario))


@posix
def test_closing_ends_one_that_does_not_listen() -> None:
    async def scenario(worker: DecodeWorker) -> int:
        await worker.warm()
        pid = worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await worker.close()
        return pid

    assert not alive(with_worker(scenario))


def test_closing_what_was_never_started_starts_nothing() -> None:
    async def scenario(worker: DecodeWorker) -> None:
        await worker.close()
        assert worker.pid is None

    with_worker(scenario)


def test_a_module_in_the_working_folder_is_not_run(tmp_path: Path, png: Path) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('run')")
    (tmp_path / "json.py").write_text("raise SystemExit('run')")
    script = (
        "import asyncio, sys; from pathlib import Path; from ima2.storage.worker import DecodeWorker\n"
        "async def main():\n"
        "    worker = DecodeWorker()\n"
        "    print((await worker.probe(Path(sys.argv[1]))).width)\n"
        "    await worker.close()\n"
        "asyncio.run(main())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, str(png)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "24", done.stderr


def test_a_thumbnail_fits_and_stands_upright(tmp_path: Path) -> None:
    from PIL import Image

    source, into = tmp_path / "a.jpeg", tmp_path / "a.thumb.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1200, 300), "navy").save(source, exif=exif)
    with_worker(lambda worker: worker.thumbnail(source, into))
    with Image.open(into) as image:
        assert (image.format, image.size) == ("JPEG", (128, 512))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "RGB", "CMYK"])
def test_a_thumbnail_of_every_kind_of_pixel(tmp_path: Path, mode: str) -> None:
    from PIL import Image

    source, into = tmp_path / "a", tmp_path / "a.thumb.jpg"
    Image.new("RGBA", (600, 600), "#ff000080").convert(mode).save(source, "JPEG" if mode == "CMYK" else "PNG")
    with_worker(lambda worker: worker.thumbnail(source, into))
    with Image.open(into) as image:
        assert (image.mode, image.size) == ("RGB", (512, 512))
