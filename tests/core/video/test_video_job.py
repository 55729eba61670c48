"""A clip from body to gallery: modes, refusals, events, record, lineage."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from clip_service import LOST, REFUSED, CancellingProvider, ClipProvider, Service
from fakes import FakeProvider, png
from ima2.errors import Ima2Error, JobUnknown, UpstreamTimeout
from ima2.kernel.jobs.call_events import CallEvents
from ima2.kernel.jobs.movement import STALLED_SECONDS, Movement
from ima2.kernel.jobs.naming import stem
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Call, Progress
from ima2.settings.paths import Paths
from ima2_kit.conformance.pictures import clip

Env = dict[str, str]
IMAGE = "data:image/png;base64," + base64.b64encode(png()).decode()
CLIP = "data:video/mp4;base64," + base64.b64encode(clip(seconds=5)).decode()


def studio(env: Env, plugin: object, work: Callable[[Studio], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        plugins = {"film": plugin, "fake": FakeProvider()}
        async with open_studio(env, plugins=plugins) as house:
            return await work(house)

    return asyncio.run(main())


def make(env: Env, plugin: object, **body: Any) -> dict[str, Any]:
    async def work(house: Studio) -> dict[str, Any]:
        accepted = await house.submit({"prompt": "a kite", "provider": "film", **body}, surface="video")
        job = await house.wait(accepted.job.id)
        assert job.state == "done", job.error
        return await house.answer(job)

    return studio(env, plugin, work)


def refusal(env: Env, service: Service, **body: Any) -> Ima2Error:
    async def work(house: Studio) -> Ima2Error:
        with pytest.raises(Ima2Error) as caught:
            await house.submit({"prompt": "a kite", "provider": "film", **body}, surface="video")
        assert await house.ledger.jobs() == []
        return caught.value

    error = studio(env, ClipProvider(service), work)
    assert service.submits == []
    return error


def test_a_clip_is_answered_as_existing_clients_know_it(env: Env, service: Service) -> None:
    answer = make(env, ClipProvider(service), requestId="job", duration=5, resolution="480p", aspectRatio="auto")
    assert {name: answer[name] for name in ("requestId", "mediaType", "requestedModel", "effectiveModel")} == {
        "requestId": "job",
        "mediaType": "video",
        "requestedModel": "film-1",
        "effectiveModel": "film-1",
    }
    assert answer["modelFallback"] is None
    assert answer["providerUrl"] == "https://clips.invalid/1.mp4"
    assert answer["filename"].endswith(".mp4")
    assert answer["url"] == f"/generated/{answer['filename']}"
    video = answer["video"]
    assert (video["duration"], video["resolution"], video["aspectRatio"]) == (5.0, "480p", "auto")
    assert video["upstreamId"] == video["filmRequestId"] == "up-1"
    assert [each["filename"] for each in answer["videos"]] == [answer["filename"]]
    assert "images" not in answer


def test_the_events_come_in_their_order(env: Env, service: Service) -> None:
    async def work(house: Studio) -> list[Any]:
        accepted = await house.submit({"prompt": "a kite", "provider": "film"}, surface="video")
        return [event async for event in house.bus.subscribe(after=0, job_id=accepted.job.id)]

    events = studio(env, ClipProvider(service), work)
    told = [event.name for event in events if event.name not in ("phase", "warning")]
    assert told == ["planning", "submitted", "progress", "progress", "video", "done"]
    submitted = next(event.data for event in events if event.name == "submitted")
    assert submitted["filmRequestId"] == submitted["upstreamId"] == "up-1"
    assert (submitted["requestedModel"], submitted["effectiveModel"]) == ("film-1", "film-1")
    assert [event.data["progress"] for event in events if event.name == "progress"] == [0.25, 1.0]


def test_auto_is_absence(env: Env, service: Service) -> None:
    provider = ClipProvider(service)
    make(env, provider, aspectRatio="auto", model="auto")
    assert "aspect_ratio" not in provider.calls[0].parameters
    assert provider.calls[0].model == "film-1"


@pytest.mark.parametrize(
    ("images", "roles"),
    [
        ({}, 0),
        ({"sourceImage": IMAGE}, 1),
        ({"referenceImages": [IMAGE]}, 1),
        ({"referenceImages": [IMAGE] * 7}, 7),
        ({"sourceImage": IMAGE, "referenceImages": [IMAGE]}, 2),
    ],
)
def test_the_number_of_images_is_what_arrives(env: Env, service: Service, images: Any, roles: int) -> None:
    provider = ClipProvider(service)
    make(env, provider, **images)
    assert [each.role for each in provider.calls[0].references] == ["reference"] * roles


def test_a_clip_from_references_is_shortened_with_a_warning(env: Env, service: Service) -> None:
    provider = ClipProvider(service)
    answer = make(env, provider, referenceImages=[IMAGE] * 2, duration=15)
    assert provider.calls[0].parameters["duration"] == 10
    assert [(each["code"], each["normalizedTo"]) for each in answer["warnings"]] == [("DURATION_LOWERED", "10")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"prompt": "  "}, "PROMPT_REQUIRED"),
        ({"prompt": None}, "PROMPT_REQUIRED"),
        ({"prompt": "x" * 32_001}, "PROMPT_TOO_LONG"),
        ({"duration": 0}, "INVALID_VIDEO_DURATION"),
        ({"duration": 16}, "INVALID_VIDEO_DURATION"),
        ({"duration": "long"}, "INVALID_VIDEO_DURATION"),
        ({"resolution": "4k"}, "INVALID_VIDEO_RESOLUTION"),
        ({"resolution": 480}, "INVALID_VIDEO_RESOLUTION"),
        ({"aspectRatio": "5:4"}, "INVALID_VIDEO_ASPECT_RATIO"),
        ({"referenceImages": [IMAGE] * 2, "resolution": "1080p"}, "INVALID_VIDEO_RESOLUTION"),
        ({"referenceImages": [IMAGE] * 8}, "FILM_REF_TOO_MANY"),
        ({"referenceImages": [IMAGE] * 17}, "REF_TOO_MANY"),
        ({"referenceImages": IMAGE}, "REF_NOT_ARRAY"),
        ({"referenceImages": ["no"]}, "REF_NOT_BASE64"),
        ({"referenceImages": [7]}, "REF_NOT_STRING"),
        ({"referenceFilenames": ["missing.png"]}, "ASSET_NOT_FOUND"),
        ({"sourceFilename": "../../etc/passwd"}, "INVALID_FILENAME"),
        ({"sourceFilename": 7}, "INVALID_FILENAME"),
        ({"continueFromVideo": "missing.mp4"}, "ASSET_NOT_FOUND"),
        ({"continuityLineage": "first"}, "INVALID_LINEAGE"),
        ({"providerUrl": "http://127.0.0.1/x.png"}, "INVALID_SOURCE_URL"),
        ({"providerUrl": "file:///etc/passwd"}, "INVALID_SOURCE_URL"),
        ({"providerUrl": "https://a.invalid/x.png", "sourceImage": IMAGE}, "INVALID_VIDEO_MODE"),
        ({"operation": "melt"}, "INVALID_FIELD"),
        ({"timeout": 0}, "INVALID_FIELD"),
        ({"timeout": -1}, "INVALID_FIELD"),
        ({"timeout": True}, "INVALID_FIELD"),
        ({"duration": True}, "INVALID_VIDEO_DURATION"),
        ({"storyboard": "yes"}, "INVALID_FIELD"),
        ({"operation": "edit", "continueFromVideo": "a.mp4"}, "INVALID_VIDEO_MODE"),
        ({"videoUrl": CLIP}, "INVALID_VIDEO_MODE"),
        ({"videoUrl": "https://a.invalid/x.png"}, "INVALID_VIDEO_MODE"),
        ({"operation": "edit", "videoUrl": CLIP, "providerUrl": "https://a.invalid/x.mp4"}, "INVALID_VIDEO_MODE"),
        ({"operation": "extend"}, "VIDEO_REQUIRED"),
        ({"operation": "extend", "videoUrl": CLIP, "duration": 12}, "INVALID_VIDEO_DURATION"),
        ({"operation": "edit", "videoUrl": IMAGE}, "INVALID_VIDEO_SOURCE"),
        ({"operation": "edit", "videoUrl": CLIP, "sourceImage": IMAGE}, "INVALID_VIDEO_MODE"),
        ({"references": [IMAGE]}, "UNKNOWN_FIELD"),
        ({"model": "film-9"}, "UNKNOWN_MODEL"),
        ({"provider": "nobody"}, "UNKNOWN_PROVIDER"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_sent(env: Env, service: Service, body: Any, code: str) -> None:
    assert refusal(env, service, **body).code == code


def test_a_missing_prompt_comes_with_guidance(env: Env, service: Service) -> None:
    error = refusal(env, service, prompt="")
    assert "camera" in error.details["guidance"]
    assert error.exit_code == 2


def test_a_provider_without_videos_is_refused_and_the_able_are_named(env: Env, service: Service) -> None:
    error = refusal(env, service, provider="fake")
    assert error.code == "VIDEO_PROVIDER_UNSUPPORTED"
    assert "film" in error.message


def test_auto_takes_a_provider_that_makes_videos(env: Env, service: Service) -> None:
    answer = make(env, ClipProvider(service), provider="auto")
    assert (answer["provider"], answer["requestedProvider"]) == ("film", "auto")


def test_auto_refuses_what_no_provider_can_do_with_the_same_code(env: Env, service: Service) -> None:
    assert refusal(env, service, provider="auto", duration=99).code == "INVALID_VIDEO_DURATION"


def test_auto_names_those_that_want_to_be_named(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        with pytest.raises(Ima2Error) as caught:
            await house.submit({"prompt": "a kite"}, surface="video")
        assert caught.value.code == "NO_PROVIDER_READY"
        assert "film" in caught.value.message

    studio(env, ClipProvider(service, auto=False), work)


def test_an_edit_gets_the_clip(env: Env, service: Service) -> None:
    provider = ClipProvider(service)
    first = make(env, provider)
    answer = make(env, provider, operation="edit", videoUrl=first["filename"], prompt="at night")
    call = provider.calls[1]
    assert (call.operation, [each.role for each in call.references]) == ("edit", ["clip"])
    assert call.references[0].duration == 5.0
    assert answer["video"]["source"] == first["filename"]
    assert answer["videoContinuity"]["sourceFrame"] is None
    assert answer["videoContinuity"]["parentFilename"] == first["filename"]


def test_an_address_is_left_to_the_service(env: Env, service: Service) -> None:
    provider = ClipProvider(service)
    make(env, provider, providerUrl="https://a.invalid/x.png")
    make(env, provider, operation="extend", videoUrl="file_abc", duration=4)
    assert [call.parameters["source_url"] for call in provider.calls] == ["https://a.invalid/x.png", "file_abc"]


def test_the_lineage_keeps_the_first_and_the_latest_three(env: Env, service: Service) -> None:
    provider = ClipProvider(service)
    answers = [make(env, provider, requestId="job0")]
    for number in range(1, 6):
        parent = answers[-1]["filename"]
        answers.append(make(env, provider, operation="edit", videoUrl=parent, requestId=f"job{number}"))
    lineage = answers[-1]["videoContinuity"]
    assert [entry["id"] for entry in lineage["entries"]] == ["job0", "job3", "job4", "job5"]
    assert [entry["role"] for entry in lineage["entries"]] == ["start", "ancestor", "parent", "current"]
    assert [entry["ordinal"] for entry in lineage["entries"]] == [1, 2, 3, 4]
    assert lineage["entries"][-1]["filename"] == answers[-1]["filename"]
    assert {answer["videoContinuity"]["lineageId"] for answer in answers} == {lineage["lineageId"]}
    assert (lineage["maxEntries"], lineage["retention"]) == (4, "keep-start-plus-latest-3")


def test_a_lineage_a_client_tells_is_taken_up(env: Env, service: Service) -> None:
    entry = {"id": "a", "ordinal": 9, "role": "current", "filename": "a.mp4", "userPrompt": "one", "mood": "blue"}
    given = {"lineageId": "theirs", "parentFilename": "a.mp4", "sourceFrame": "last", "entries": [entry], "newer": 1}
    lineage = make(env, ClipProvider(service), continuityLineage=given)["videoContinuity"]
    assert (lineage["lineageId"], [each["role"] for each in lineage["entries"]]) == ("theirs", ["start", "current"])


def test_a_lost_poll_ends_with_the_way_back(env: Env, service: Service) -> None:
    """The service has the clip; one command brings it, and nothing is sent again."""

    async def lose(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        job = await house.wait("job")
        assert job.error
        assert (job.state, job.error["hint"], job.error["paid"]) == ("unknown", "ima2 jobs resume job", "maybe")

    async def fetch(house: Studio) -> None:
        await house.resume("job")
        job = await house.wait("job")
        assert (job.state, job.error) == ("done", None)
        assert (await house.answer(job))["count"] == 1

    for error in (LOST, UpstreamTimeout("15 minutes were up", step="poll")):
        env = {**env, "IMA2_CONFIG_DIR": env["IMA2_CONFIG_DIR"] + "x"}
        before = len(service.submits)
        studio(env, ClipProvider(service, {"progress": error}), lose)
        later = ClipProvider(service)
        studio(env, later, fetch)
        assert later.resumed == [f"up-{before + 1}"]
        assert len(service.submits) == before + 1


@pytest.mark.parametrize("word", ["resume", "retry"])
def test_what_the_service_has_is_fetched_once_however_it_is_asked_for(env: Env, service: Service, word: str) -> None:
    """Four times at once, and by the word that would send again: there is nothing to send."""

    async def lose(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        assert (await house.wait("job")).state == "unknown"

    async def fetch(house: Studio) -> None:
        asked = await asyncio.gather(*(getattr(house, word)("job") for _ in range(4)), return_exceptions=True)
        refused = [each.code for each in asked if isinstance(each, Ima2Error)]
        assert len(refused) == 3, asked
        assert set(refused) <= {"JOB_CHANGED", "JOB_NOT_INTERRUPTED", "JOB_NOT_UNKNOWN"}
        job = await house.wait("job")
        assert (job.state, len(await house.store.artifacts())) == ("done", 1)

    studio(env, ClipProvider(service, {"progress": LOST}), lose)
    later = ClipProvider(service)
    studio(env, later, fetch)
    assert later.resumed == ["up-1"]
    assert len(service.submits) == 1


def test_an_unanswered_order_is_sent_again_once(env: Env, service: Service) -> None:
    """Four say at once that it may be."""

    async def lose(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        assert (await house.wait("job")).state == "unknown"

    async def send(house: Studio) -> None:
        asked = await asyncio.gather(*(house.retry("job") for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(each, Ima2Error) for each in asked) == 3
        assert (await house.wait("job")).state == "done"

    studio(env, ClipProvider(service, {"posted": JobUnknown("no answer", step="generate")}), lose)
    studio(env, ClipProvider(service), send)
    assert len(service.submits) == 2


def test_given_up_and_sent_again_at_once_is_one_of_the_two(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        assert (await house.wait("job")).state == "unknown"
        provider.at = {}
        dropped, sent = await asyncio.gather(house.drop("job"), house.retry("job"), return_exceptions=True)
        assert isinstance(dropped, Ima2Error) != isinstance(sent, Ima2Error)
        job = await house.wait("job")
        assert job.state == ("failed" if isinstance(sent, Ima2Error) else "done")
        assert len(service.submits) == (1 if job.state == "failed" else 2)

    provider = ClipProvider(service, {"posted": JobUnknown("no answer", step="generate")})
    studio(env, provider, work)


@pytest.mark.parametrize(
    ("at", "state", "paid", "hint", "submits"),
    [
        ("sending", "failed", "no", "ima2 jobs show job", 0),
        ("posted", "unknown", "maybe", "ima2 jobs retry job", 1),
        ("submitted", "unknown", "maybe", "ima2 jobs resume job", 1),
        ("progress", "unknown", "maybe", "ima2 jobs resume job", 1),
        ("media", "done", None, "", 1),
    ],
)
def test_a_job_that_is_out_of_time_leaves_its_clip_to_the_service(
    env: Env, service: Service, at: str, state: str, paid: str | None, hint: str, submits: int
) -> None:
    """Nobody wished it stopped: it is not cancelled there, and can be fetched."""

    async def late(house: Studio) -> None:
        body = {"prompt": "x", "provider": "film", "requestId": "job", "timeout": 3}
        await house.submit(body, surface="video")
        job = await house.wait("job")
        error = job.error or {}
        assert (job.state, error.get("paid"), error.get("hint", "")[: len(hint)]) == (state, paid, hint)

    async def fetch(house: Studio) -> None:
        await house.resume("job")
        assert (await house.wait("job")).state == "done"

    studio(env, CancellingProvider(service, {at: "hang"}), late)
    assert (len(service.submits), service.cancelled) == (submits, [])
    if "resume" in hint:
        studio(env, CancellingProvider(service), fetch)
        assert len(service.submits) == 1


def test_a_clip_that_could_not_be_stored_waits_in_the_spool(env: Env, service: Service) -> None:
    blocked: list[Path] = []

    def block() -> None:
        blocked[0].mkdir()

    async def work(house: Studio) -> None:
        accepted = await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        blocked.append(house.paths.generated / f"{stem(accepted.job, film, 0)}.mp4")
        job = await house.wait("job")
        assert job.error
        assert (job.state, job.error["hint"]) == ("unknown", "ima2 jobs resume job")
        assert Path(job.error["kept"][0]).stat().st_size
        blocked[0].rmdir()
        await house.resume("job")
        job = await house.wait("job")
        assert (job.state, len(await house.store.artifacts())) == ("done", 1)

    film = Call(key="job.0", kind="video", prompt="x", model="film-1")
    studio(env, ClipProvider(service, {"download": block}), work)
    assert len(service.submits) == 1


def test_a_fault_on_this_side_leaves_the_clip_to_the_service(env: Env, service: Service) -> None:
    """A full disk, a fault of the plugin: neither is the service's last word."""

    async def lose(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        job = await house.wait("job")
        assert job.error
        assert (job.state, job.error["hint"]) == ("unknown", "ima2 jobs resume job")

    async def fetch(house: Studio) -> None:
        await house.resume("job")
        job = await house.wait("job")
        assert (job.state, job.warnings, job.error) == ("done", (), None)

    studio(env, ClipProvider(service, {"progress": OSError(28, "No space left on device")}), lose)
    studio(env, ClipProvider(service), fetch)
    assert len(service.submits) == 1


def test_cancelling_does_not_throw_away_what_has_come(env: Env, service: Service) -> None:
    """Noted whole in the spool when its process died; then somebody cancels the job."""
    blocked: list[Path] = []

    def block() -> None:
        blocked[0].mkdir()

    async def work(house: Studio) -> None:
        accepted = await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        blocked.append(house.paths.generated / f"{stem(accepted.job, film, 0)}.mp4")
        assert (await house.wait("job")).state == "unknown"

    film = Call(key="job.0", kind="video", prompt="x", model="film-1")
    studio(env, ClipProvider(service, {"download": block}), work)
    with contextlib.closing(sqlite3.connect(Paths.from_env(env).database)) as connection, connection:
        connection.execute("UPDATE job SET state = 'running', owner = 'dead', finished_at = NULL WHERE id = 'job'")

    async def cancel(house: Studio) -> None:
        said = await house.cancel("job")
        assert (said.active, said.aborted, (await house.job("job")).state) == (True, False, "unknown")
        blocked[0].rmdir()
        await house.resume("job")
        assert (await house.wait("job")).state == "done"
        assert len(await house.store.artifacts()) == 1

    studio(env, ClipProvider(service), cancel)
    assert len(service.submits) == 1


def test_a_refusal_of_the_service_is_an_end(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        job = await house.wait("job")
        assert job.error
        assert (job.state, job.error["code"], job.error.get("hint")) == ("failed", "MODERATION_REFUSED", None)

    studio(env, ClipProvider(service, {"progress": REFUSED}), work)


def test_a_service_that_can_not_stop_may_charge(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.name == "submitted":
                break
        said = await house.cancel("job")
        assert said.aborted
        assert "may still charge" in said.message

    studio(env, ClipProvider(service, {"submitted": "hang"}), work)


def test_cancelling_asks_a_service_that_can(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        async for event in house.bus.subscribe(after=0, job_id="job"):
            if event.name == "submitted":
                break
        said = await house.cancel("job")
        assert "nothing is charged" in said.message

    studio(env, CancellingProvider(service, {"submitted": "hang"}), work)
    assert service.cancelled == ["up-1"]


def test_a_job_that_needs_no_help_is_not_resumed(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        await house.wait("job")
        with pytest.raises(Ima2Error) as caught:
            await house.resume("job")
        assert caught.value.code == "JOB_NOT_INTERRUPTED"

    studio(env, ClipProvider(service), work)
    assert len(service.submits) == 1


class Hand:
    """A clock that stands."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_three_minutes_without_movement_are_a_stall() -> None:
    clock = Hand()
    movement = Movement(clock)
    said = []
    for fraction, waited in (
        *((None, 1), (0.1, 5), (0.1, STALLED_SECONDS - 1), (0.1, 1), (0.1, 5), (0.2, 5)),
        *((0.1, 5), (None, 5), (0.15, STALLED_SECONDS), (0.15, 5), (1.0, 1)),
    ):
        clock.time += waited
        movement.reached(0, fraction)
        if news := movement.news():
            said.append(news)
    assert said == [(None, False), (0.1, False), (0.1, True), (0.2, False), (0.2, True), (1.0, False)]


def test_progress_is_that_of_all_clips_and_never_falls() -> None:
    movement, said = Movement(Hand(), calls=2), []
    for call, fraction in ((0, 0.5), (1, 0.0), (1, 0.25), (0, 0.25), (0, 1.0), (1, 1.0)):
        movement.reached(call, fraction)
        if news := movement.news():
            said.append(news[0])
    assert said == [0.25, 0.375, 0.625, 1.0]


def test_progress_without_movement_is_told_as_stalled(env: Env, service: Service) -> None:
    """Whatever the service says of itself."""

    async def work(house: Studio) -> list[tuple[float, bool]]:
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        job = await house.wait("job")
        (row,) = await house.ledger.calls("job")
        clock = Hand()
        info = house.host.provider("film")
        events = CallEvents(house.parts, job, row, info, Movement(clock), resumed=True)
        _, last = await house.ledger.event_bounds()
        for fraction in (0.5, 0.5, 0.25, 0.75):
            clock.time += STALLED_SECONDS
            await events.take(Progress(fraction=fraction))
        told = await house.ledger.events(after=last, job_id="job")
        return [(event.data["progress"], event.data["stalled"]) for event in told]

    assert studio(env, ClipProvider(service), work) == [(0.5, False), (0.5, True), (0.75, False)]


def test_a_clip_is_no_image_and_an_image_no_clip(env: Env, service: Service) -> None:
    async def work(house: Studio) -> None:
        picture = await house.submit({"prompt": "x", "provider": "fake"})
        image = (await house.answer(await house.wait(picture.job.id)))["filename"]
        await house.submit({"prompt": "x", "provider": "film", "requestId": "job"}, surface="video")
        film = (await house.answer(await house.wait("job")))["filename"]
        for wrong in ({"sourceFilename": film}, {"continueFromVideo": image}, {"operation": "edit", "videoUrl": image}):
            with pytest.raises(Ima2Error) as caught:
                await house.submit({"prompt": "x", "provider": "film", **wrong}, surface="video")
            assert (caught.value.code, caught.value.field) == ("ASSET_NOT_FOUND", [*wrong][-1])

    studio(env, ClipProvider(service), work)


def test_the_gallery_is_looked_up_by_name(env: Env, service: Service, tmp_path: Path) -> None:
    """A picture made here is a source by its name alone."""
    provider = ClipProvider(service)

    async def work(house: Studio) -> None:
        picture = await house.submit({"prompt": "x", "provider": "fake"})
        name = (await house.answer(await house.wait(picture.job.id)))["filename"]
        body = {"prompt": "x", "provider": "film", "sourceFilename": name, "requestId": "job"}
        await house.submit(body, surface="video")
        answer = await house.answer(await house.wait("job"))
        assert answer["video"]["sourceImageFilename"] == name

    studio(env, provider, work)
    assert len(provider.calls[0].references) == 1
