"""A question about a clip: two frames, one turn, and a reply that is on disk before it is told."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import av
import pytest
from clip_service import CAPABILITIES as CLIPS
from fakes import FakeProvider, png
from ima2.errors import Ima2Error, UpstreamError
from ima2.hookspecs import Capabilities, Context, ModelInfo, ProviderInfo, Setting, Status, hookimpl
from ima2.kernel.opening import open_studio
from ima2.kernel.requests.analysis import QUESTION
from ima2.kernel.studio import Studio
from ima2.models import ConverseEvent, Phase, Reply, Sending, Text, Turn, Usage, Warning
from PIL import Image

Env = dict[str, str]
SAID = "A kite over the sea."
MODELS = (
    ModelInfo("seer-1", kind="text", capabilities=Capabilities(operations=("analyze",), max_references=2)),
    ModelInfo("seer-clip", kind="video", capabilities=CLIPS),
)


class Seer:
    """Yields its ``script``; an exception is raised, ``"hang"`` waits for ever."""

    def __init__(self, *script: Any, **info: Any) -> None:
        self.script = script or (Text(delta="A kite "), Text(delta="over the sea."), Reply(text=SAID))
        self.turns: list[Turn] = []
        self.shades: list[int] = []
        self.info = ProviderInfo(
            **{
                "id": "seer",
                "title": "Seer",
                "kinds": ("text",),
                "models": MODELS[:1],
                "settings": (Setting("depth", per_request=True, default="plain", help="How."),),
                **info,
            }
        )

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        return self.info

    @hookimpl
    async def ima2_status(self, context: Context) -> Status:
        return Status(ready=True)

    @hookimpl
    async def ima2_converse(self, turn: Turn, context: Context) -> AsyncIterator[ConverseEvent]:
        self.turns.append(turn)
        for reference in turn.messages[-1].references:
            with Image.open(context.open(reference)) as image:
                self.shades.append(image.convert("L").getpixel((5, 5)))
        for step in self.script:
            if isinstance(step, BaseException):
                raise step
            if step == "hang":
                await asyncio.sleep(3600)
            yield step


def film(*, still: bool = False) -> bytes:
    """From black to white, or all of one grey."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            shade = 128 if still else number * 23
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48), (shade,) * 3))))
        container.mux(stream.encode())
    return buffer.getvalue()


def data_url(content: bytes, kind: str = "video/mp4") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


CLIP = data_url(film())


def studio(env: Env, plugin: object, work: Callable[[Studio], Awaitable[Any]], *, engine: bool = False) -> Any:
    async def main() -> Any:
        plugins = {"seer": plugin, "fake": FakeProvider()}
        async with open_studio(env, plugins=plugins, engine=engine) as house:
            return await work(house)

    return asyncio.run(main())


async def ask(house: Studio, **body: Any) -> Any:
    asked = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job", **body}
    accepted = await house.submit(asked, surface="video")
    return await house.wait(accepted.job.id)


async def stored(house: Studio) -> str:
    spooled = house.paths.spool / "clip"
    spooled.parent.mkdir(parents=True, exist_ok=True)
    spooled.write_bytes(film())
    return (await house.store.store(spooled, "clip", facts={"created_at": 1}, sidecar={})).filename


def test_the_first_and_the_last_frame_are_shown_in_order(env: Env) -> None:
    seer = Seer()

    async def work(house: Studio) -> Any:
        job = await ask(house, videoUrl=await stored(house), prompt="What flies?")
        return job, await house.answer(job)

    job, answer = studio(env, seer, work)
    assert job.state == "done", job.error
    (turn,) = seer.turns
    (message,) = turn.messages
    assert (turn.model, message.role, message.text) == ("seer-1", "user", "What flies?")
    assert "first and the last frame" in turn.instructions
    black, white = seer.shades
    assert black < 20
    assert white > 230
    told = {name: answer[name] for name in ("requestId", "analysis", "method", "model", "provider", "source")}
    assert told == {
        "requestId": "job",
        "analysis": SAID,
        "method": "first-last-frame",
        "model": "seer-1",
        "provider": "seer",
        "source": "clip.mp4",
    }
    assert job.reply.text == SAID


def test_without_a_question_it_is_described_and_a_clip_may_come_along(env: Env) -> None:
    seer = Seer()

    async def work(house: Studio) -> None:
        job = await ask(house)
        assert (await house.answer(job))["source"] is None
        assert await house.store.artifacts() == []

    studio(env, seer, work)
    assert seer.turns[0].messages[0].text == QUESTION


def test_a_clip_that_stands_still_is_one_picture(env: Env) -> None:
    seer = Seer()
    studio(env, seer, lambda house: ask(house, videoUrl=data_url(film(still=True))))
    assert len(seer.shades) == 1


def test_the_words_are_told_and_the_reply_is_on_disk_before_the_end_is(env: Env) -> None:
    usage = Usage(total_tokens=7, cost_usd=0.01)
    seer = Seer(Phase(name="look"), Warning(code="W", message="odd"), *Seer().script[:2], usage, Reply(text=SAID))

    async def work(house: Studio) -> None:
        body = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job"}
        await house.submit(body, surface="video")
        names, words = [], ""
        async for event in house.bus.subscribe(after=0, job_id="job"):
            names.append(event.name)
            words += event.data.get("delta", "")
            if event.name == "done":
                row = await house.ledger.job("job")
                assert row
                assert row.reply
                assert (row.state, row.reply.text) == ("done", SAID)
                assert (event.data["analysis"], event.data["costUsd"]) == (SAID, 0.01)
                assert [each["code"] for each in event.data["warnings"]] == ["W"]
        assert words == SAID
        assert names[-1] == "done"
        assert await house.ledger.calls("job") == []

    studio(env, seer, work)


@pytest.mark.parametrize(
    ("script", "code", "paid"),
    [
        ((Reply(text="  "),), "REPLY_EMPTY", "yes"),
        ((Text(delta="half"),), "PLUGIN_FAILED", "maybe"),
        ((Sending(), Reply(text="x")), "PLUGIN_FAILED", "no"),
        ((RuntimeError("boom"),), "PLUGIN_FAILED", "no"),
        ((UpstreamError("no", code="SEER_BUSY", paid="no", step="reply"),), "SEER_BUSY", "no"),
    ],
)
def test_what_goes_wrong_ends_it(env: Env, script: Any, code: str, paid: str) -> None:
    job = studio(env, Seer(*script), ask)
    assert (job.state, job.error["code"], job.error["paid"], job.reply) == ("failed", code, paid, None)


def test_what_is_free_is_never_called_paid(env: Env) -> None:
    job = studio(env, Seer(Reply(text=""), billing="free"), ask)
    assert (job.error["code"], job.error["paid"]) == ("REPLY_EMPTY", "no")


def test_a_blank_question_is_none_and_what_has_no_effect_is_told(env: Env) -> None:
    seer = Seer()
    job = studio(env, seer, lambda house: ask(house, prompt="  ", duration=5, resolution="720p", storyboard=True))
    assert seer.turns[0].messages[0].text == QUESTION
    assert {(each.code, each.field) for each in job.warnings} == {
        ("FIELD_IGNORED", field) for field in ("duration", "resolution", "storyboard")
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"videoUrl": None}, "VIDEO_REQUIRED"),
        ({"videoUrl": "missing.mp4"}, "ASSET_NOT_FOUND"),
        ({"videoUrl": "../../etc/passwd"}, "INVALID_FILENAME"),
        ({"videoUrl": 7}, "INVALID_FILENAME"),
        ({"videoUrl": "https://a.invalid/x.mp4"}, "INVALID_VIDEO_SOURCE"),
        ({"videoUrl": "file_abc"}, "INVALID_VIDEO_SOURCE"),
        ({"videoUrl": data_url(png(), "image/png")}, "INVALID_VIDEO_SOURCE"),
        ({"videoUrl": "data:video/mp4;base64,AAAA"}, "INVALID_VIDEO_SOURCE"),
        ({"sourceImage": data_url(png(), "image/png")}, "INVALID_VIDEO_MODE"),
        ({"referenceFilenames": ["a.png"]}, "INVALID_VIDEO_MODE"),
        ({"continueFromVideo": "a.mp4"}, "INVALID_VIDEO_MODE"),
        ({"prompt": "x" * 32_001}, "PROMPT_TOO_LONG"),
        ({"prompt": 7}, "INVALID_PROMPT"),
        ({"model": "seer-9"}, "UNKNOWN_MODEL"),
        ({"provider": "nobody"}, "UNKNOWN_PROVIDER"),
        ({"provider": "fake"}, "VIDEO_PROVIDER_UNSUPPORTED"),
        ({"mask": "x"}, "UNKNOWN_FIELD"),
    ],
)
def test_what_can_not_be_is_refused_before_anyone_is_asked(env: Env, body: Any, code: str) -> None:
    seer = Seer()

    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await ask(house, **body)
        assert caught.value.code == code
        assert await house.ledger.jobs() == []

    studio(env, seer, work)
    assert seer.turns == []


def test_auto_takes_one_that_answers_in_words(env: Env) -> None:
    job = studio(env, Seer(), lambda house: ask(house, provider="auto"))
    assert (job.state, job.provider) == ("done", "seer")


def test_a_model_of_clips_is_no_model_of_words(env: Env) -> None:
    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await ask(house, model="seer-clip")
        assert caught.value.code == "UNKNOWN_MODEL"
        with pytest.raises(Ima2Error) as caught:
            await house.submit({"prompt": "x", "provider": "seer", "model": "seer-1"}, surface="video")
        assert caught.value.code == "UNKNOWN_MODEL"

    studio(env, Seer(kinds=("text", "video"), models=MODELS), work)


def test_cancelled_half_way_it_says_what_may_be_charged(env: Env) -> None:
    async def work(house: Studio) -> None:
        body = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job"}
        await house.submit(body, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.data.get("phase") == "look":
                break
        said = await house.cancel("job")
        assert said.aborted
        assert "may still charge" in said.message
        assert (await house.job("job")).state == "cancelled"

    studio(env, Seer(Phase(name="look"), "hang"), work)


def test_out_of_time_it_says_what_may_be_charged(env: Env) -> None:
    job = studio(env, Seer("hang"), lambda house: ask(house, timeout=2))
    assert (job.state, job.error["status"], job.error["paid"]) == ("failed", 504, "maybe")


def test_a_process_that_takes_it_over_asks_again(env: Env) -> None:
    async def begin(house: Studio) -> None:
        body = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job"}
        await house.submit(body, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.data.get("phase") == "look":
                break

    async def come_back(house: Studio) -> Any:
        return await house.wait("job")

    studio(env, Seer(Phase(name="look"), "hang"), begin)
    later = Seer()
    job = studio(env, later, come_back, engine=True)
    assert (job.state, job.reply.text, len(later.turns)) == ("done", SAID, 1)


def test_a_reply_that_is_on_disk_is_not_asked_for_again(env: Env) -> None:
    """As after a crash between the reply and the end of the job."""

    async def begin(house: Studio) -> None:
        body = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job"}
        await house.submit(body, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.data.get("phase") == "look":
                break
        await house.ledger.update_job("job", reply=Reply(text="kept"))

    studio(env, Seer(Phase(name="look"), "hang"), begin)
    later = Seer()
    job = studio(env, later, lambda house: house.wait("job"), engine=True)
    assert (job.state, job.reply.text, later.turns) == ("done", "kept", [])


def test_the_same_key_asks_once(env: Env) -> None:
    seer = Seer()

    async def work(house: Studio) -> None:
        body = {"operation": "analyze", "provider": "seer", "videoUrl": CLIP, "requestId": "job"}
        for _ in range(2):
            accepted = await house.submit(body, surface="video", idempotency_key="k")
            assert (await house.wait(accepted.job.id)).state == "done"

    studio(env, seer, work)
    assert len(seer.turns) == 1


def test_many_at_once_wait_for_their_place(env: Env) -> None:
    seer = Seer(concurrency=1)

    async def work(house: Studio) -> None:
        jobs = await asyncio.gather(*(ask(house, requestId=f"job{number}") for number in range(4)))
        assert {job.state for job in jobs} == {"done"}

    studio(env, seer, work)
    assert len(seer.turns) == 4


def test_a_damaged_clip_gives_no_frame(env: Env, tmp_path: Path) -> None:
    whole = film()
    start = whole.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(whole[start - 8 : start - 4], "big")
    damaged = whole[:start] + bytes(end - start) + whole[end:]

    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await ask(house, videoUrl=data_url(damaged))
        assert caught.value.code == "VIDEO_FRAME_FAILED"

    studio(env, Seer(), work)
