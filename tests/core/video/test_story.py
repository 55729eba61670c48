"""Clips of one topic, and storyboards: what the provider is told, what the clip remembers."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest
from clip_service import CAPABILITIES, ClipProvider, Service
from ima2.errors import Ima2Error
from ima2.hookspecs import Context, ModelInfo, Problem, hookimpl
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Call, CallEvent, Media, Request, Sending, Submitted
from ima2.settings.paths import Paths
from ima2.storage.repair import repair
from ima2_kit.conformance.pictures import clip
from PIL import Image

Env = dict[str, str]


class Narrator(ClipProvider):
    """Heeds all there is of a story, and keeps what it was asked."""

    def __init__(self, service: Service) -> None:
        caps = replace(CAPABILITIES, story=("series", "storyboard"))
        super().__init__(service, models=(ModelInfo("film-1", kind="video", capabilities=caps),))
        self.asked: list[Request] = []

    @hookimpl
    def ima2_check(self, request: Request) -> list[Problem]:
        self.asked.append(request)
        return []


def studio(env: Env, plugin: object, work: Callable[[Studio], Awaitable[Any]], *, engine: bool = False) -> Any:
    async def main() -> Any:
        async with open_studio(env, plugins={"film": plugin}, engine=engine) as house:
            return await work(house)

    return asyncio.run(main())


async def make(house: Studio, prompt: str = "a kite", **body: Any) -> dict[str, Any]:
    accepted = await house.submit({"prompt": prompt, "provider": "film", **body}, surface="video")
    job = await house.wait(accepted.job.id)
    assert job.state == "done", job.error
    return await house.answer(job)


def test_the_clips_of_a_topic_are_counted_and_told(env: Env, service: Service) -> None:
    teller = Narrator(service)

    async def work(house: Studio) -> None:
        answers = [await make(house, f"kite {number}", topic=" kites ") for number in range(6)]
        assert [answer["videoSeries"] for answer in answers] == [
            {"topic": "kites", "chainIndex": number} for number in range(1, 7)
        ]
        assert [answer["warnings"] for answer in answers] == [[]] * 6
        told = [request.series and request.series.prompts for request in teller.asked]
        assert told[:3] == [(), ("kite 0",), ("kite 0", "kite 1")]
        assert told[5] == ("kite 1", "kite 2", "kite 3", "kite 4")
        sidecar = json.loads((house.paths.generated / f"{answers[1]['filename']}.json").read_text())
        assert sidecar["videoSeries"] == {"topic": "kites", "chainIndex": 2}

    studio(env, teller, work)


def test_topics_are_apart_and_a_clip_without_one_has_none(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await make(house, topic="kites")
        assert (await make(house, topic="boats"))["videoSeries"]["chainIndex"] == 1
        assert "videoSeries" not in await make(house)
        assert (await make(house, topic="kites"))["videoSeries"]["chainIndex"] == 2

    studio(env, ClipProvider(service), work)


def test_what_is_in_the_trash_is_not_told(env: Env, service: Service) -> None:
    teller = Narrator(service)

    async def work(house: Studio) -> None:
        first = await make(house, "one", topic="kites")
        second = await make(house, "two", topic="kites")
        await house.store.trash(second["filename"])
        third = await make(house, "three", topic="kites")
        assert (first["videoSeries"]["chainIndex"], third["videoSeries"]["chainIndex"]) == (1, 2)
        assert teller.asked[-1].series
        assert teller.asked[-1].series.prompts == ("one",)

    studio(env, teller, work)


def test_a_rebuilt_index_knows_the_topics(env: Env, service: Service) -> None:
    async def begin(house: Studio) -> Paths:
        await make(house, topic="kites")
        return house.paths

    async def go_on(house: Studio) -> None:
        assert (await make(house, topic="kites", requestId="later"))["videoSeries"]["chainIndex"] == 2

    paths = studio(env, ClipProvider(service), begin)
    for path in paths.database.parent.glob(f"{paths.database.name}*"):
        path.unlink()
    assert len(asyncio.run(repair(paths)).indexed) == 1
    studio(env, ClipProvider(service), go_on)


def test_a_gallery_of_others_may_say_anything(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        first = await make(house, topic="kites")
        for odd in ({"topic": "kites"}, {"topic": "kites", "chainIndex": "many"}, {"topic": "kites", "chainIndex": -3}):
            await house.store.annotate(first["filename"], {"videoSeries": odd})
            preview = await house.preview({"prompt": "x", "provider": "film", "topic": "kites"}, surface="video")
            assert preview["request"]["series"]["chainIndex"] == 2
        await house.store.annotate(first["filename"], {"videoSeries": "kites"})
        preview = await house.preview({"prompt": "x", "provider": "film", "topic": "kites"}, surface="video")
        assert preview["request"]["series"]["chainIndex"] == 1

    studio(env, ClipProvider(service), work)


class Panels(Narrator):
    """Begins each clip with a second of black; ``content`` is what it brings."""

    def __init__(self, service: Service, content: bytes, *, lead_in: float = 1.0) -> None:
        super().__init__(service)
        self.content = content
        self.lead_in = lead_in

    @hookimpl
    async def ima2_generate_video(self, call: Call, context: Context) -> AsyncIterator[CallEvent]:
        yield Sending()
        yield Submitted(upstream_id=self.service.submit(call.prompt))
        path = context.spool.new(".mp4")
        path.write_bytes(self.content)
        yield Media(path=path, media_type="video/mp4", lead_in=self.lead_in)


def film(seconds: int = 3, *, gop: int = 250) -> bytes:
    """With sound. Black in its first second, then ever brighter from the level 60 on; 24 frames a second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video, audio = container.add_stream("libx264", rate=24), container.add_stream("aac", rate=48_000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.gop_size = gop
        for number in range(24 * seconds):
            shade = 0 if number < 24 else min(255, 60 + 3 * (number - 24))
            container.mux(video.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48), (shade,) * 3))))
        for number in range(0, 48_000 * seconds, 1024):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.planes[0].update(bytes(4 * 1024))
            frame.sample_rate, frame.pts = 48_000, number
            container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode())
    return buffer.getvalue()


def seen(path: Path) -> tuple[int, int, float]:
    """Frames, level of the first, seconds of sound."""
    with av.open(str(path)) as container:
        levels = [frame.to_image().convert("L").getpixel((5, 5)) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    return len(levels), levels[0], samples / 48_000


@pytest.mark.parametrize("gop", [1, 7, 250])
def test_a_storyboards_clip_is_stored_whole_and_without_its_lead_in(env: Env, service: Service, gop: int) -> None:
    content = film(gop=gop)

    async def work(house: Studio) -> None:
        answer = await make(house, storyboard=True, requestId="job")
        whole, cut = sorted(house.paths.generated.glob("[!.]*.mp4"), key=lambda path: len(path.name))
        assert whole.read_bytes() == content
        assert (answer["filename"], len(answer["videos"]), answer["warnings"]) == (cut.name, 1, [])
        assert cut.name == f"{whole.stem}_cut.mp4"
        frames, level, sound = seen(cut)
        assert (frames, abs(level - 60) < 6) == (48, True)
        assert sound == pytest.approx(2, abs=0.05)
        video = answer["video"]
        assert (video["cutFrom"], video["leadIn"], video["duration"]) == (whole.name, 1.0, pytest.approx(2, abs=0.05))
        assert answer["videoContinuity"]["entries"][-1]["filename"] == cut.name
        first = await house.store.frame(cut.name, 0)
        with Image.open(io.BytesIO(first)) as picture:
            assert abs(picture.convert("L").getpixel((5, 5)) - 60) < 6
        assert {each.filename for each in await house.store.artifacts(job_id="job")} == {whole.name, cut.name}

    studio(env, Panels(service, content), work)


@pytest.mark.parametrize(("make_content", "lead_in"), [(clip, 1.0), (partial(film, 1), 1.0), (film, 60.0)])
def test_a_clip_that_can_not_be_cut_is_kept_with_a_warning(
    env: Env, service: Service, make_content: Callable[[], bytes], lead_in: float
) -> None:
    content = make_content()

    async def work(house: Studio) -> None:
        answer = await make(house, storyboard=True)
        assert [(each["code"], each["field"]) for each in answer["warnings"]] == [("LEAD_IN_KEPT", "storyboard")]
        assert (house.paths.generated / answer["filename"]).read_bytes() == content
        assert len(await house.store.artifacts()) == 1

    studio(env, Panels(service, content, lead_in=lead_in), work)


def test_a_copy_that_was_not_made_before_the_power_went_is_made_later(env: Env, service: Service) -> None:
    """Stopped after the clip and before its copy; and after the copy's file, before its row."""
    content = film()

    async def begin(house: Studio) -> list[str]:
        await make(house, storyboard=True, requestId="job")
        (row,) = await house.ledger.calls("job")
        return [row.key, *(each.filename for each in await house.store.artifacts())]

    key, *names = studio(env, Panels(service, content), begin)
    cut = next(name for name in names if "_cut" in name)
    database = Paths.from_env(env).database
    bytes_of_cut = (Paths.from_env(env).generated / cut).read_bytes()
    for keep_file in (False, True):
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("DELETE FROM artifact WHERE filename = ?", (cut,))
            connection.execute("UPDATE call SET state = 'storing' WHERE key = ?", (key,))
            connection.execute("UPDATE job SET state = 'running', finished_at = NULL WHERE id = 'job'")
        if not keep_file:
            (Paths.from_env(env).generated / cut).unlink()
        job = studio(env, Panels(service, b""), lambda house: house.wait("job"), engine=True)
        assert (job.state, job.warnings) == ("done", ())
        assert (Paths.from_env(env).generated / cut).read_bytes() == bytes_of_cut
    assert len(service.submits) == 1


def test_a_provider_that_can_not_be_told_is_not_passed_over_in_silence(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        first = await make(house, topic="kites", storyboard=True)
        second = await make(house, topic="kites")
        said = [[(each["code"], each["field"]) for each in answer["warnings"]] for answer in (first, second)]
        assert said == [[("FIELD_IGNORED", "storyboard")], [("FIELD_IGNORED", "topic")]]

    studio(env, ClipProvider(service), work)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": 7}, "topic"),
        ({"topic": ""}, "topic"),
        ({"topic": "  "}, "topic"),
        ({"topic": "x" * 201}, "topic"),
        ({"topic": ["kites"]}, "topic"),
        ({"storyboard": "of nine panels"}, "storyboard"),
        ({"storyboard": {}}, "storyboard"),
    ],
)
def test_what_is_no_topic_or_no_choice_is_refused(env: Env, service: Service, body: Any, field: str) -> None:
    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await make(house, **body)
        assert (caught.value.code, caught.value.to_dict()["field"]) == ("INVALID_FIELD", field)
        assert await house.ledger.jobs() == []

    studio(env, ClipProvider(service), work)
    assert service.submits == []
