"""Clips over HTTP: streams, refusals under 200, async, the operations, frames, posters, ranges."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from clip_service import LOST, ClipProvider, Service
from fakes import FakeProvider, png
from ima2.kernel.requests.clip_intake import CLIP_FIELDS
from ima2.kernel.requests.intake import _DIRECT, _LABELS
from ima2.server.schemas import VideoBody
from ima2_sketch import plugin as sketch
from PIL import Image
from serving import Env, Served, serving

SHORT = {"prompt": "a red kite", "provider": "sketch", "duration": 1, "aspectRatio": "1:1"}
IMAGE = "data:image/png;base64," + base64.b64encode(png()).decode()


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service")


def run(env: Env, work: Callable[[Served], Awaitable[Any]], provider: object = None) -> Any:
    async def main() -> Any:
        plugins = {"sketch": sketch, **({"film": provider} if provider else {})}
        async with serving(env, FakeProvider(), plugins=plugins) as served:
            return await work(served)

    return asyncio.run(main())


async def posted(served: Served, **body: Any) -> list[dict[str, Any]]:
    async with served.frames("/api/video/generate", method="POST", json=body) as frames:
        return [frame async for frame in frames]


async def filmed(served: Served, **body: Any) -> dict[str, Any]:
    frames = await posted(served, **{**SHORT, **body})
    assert frames[-1]["event"] == "done", frames[-1]
    return frames[-1]["data"]


def test_the_stream_tells_what_happens_in_its_order(env: Env) -> None:
    async def work(served: Served) -> None:
        frames = await posted(served, **SHORT, requestId="job")
        names = [frame["event"] for frame in frames if frame["event"] not in ("phase", "warning")]
        assert names[:2] == ["planning", "submitted"]
        assert names[-2:] == ["video", "done"]
        assert set(names[2:-2]) == {"progress"}
        assert {frame["data"]["requestId"] for frame in frames} == {"job"}
        done = frames[-1]["data"]
        assert done["mediaType"] == "video"
        assert done["video"]["duration"] == pytest.approx(1, abs=0.1)
        assert done["video"]["codec"] == "h264"
        assert done["videoContinuity"]["entries"][-1]["filename"] == done["filename"]
        assert "_imageOmitted" not in done

    run(env, work)


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ({"prompt": " "}, "PROMPT_REQUIRED", 400),
        ({"duration": 99}, "INVALID_VIDEO_DURATION", 400),
        ({"resolution": "1080p"}, "INVALID_VIDEO_RESOLUTION", 400),
        ({"aspectRatio": "7:1"}, "INVALID_VIDEO_ASPECT_RATIO", 400),
        ({"provider": "fake"}, "VIDEO_PROVIDER_UNSUPPORTED", 400),
        ({"referenceFilenames": ["none.png"]}, "ASSET_NOT_FOUND", 404),
        ({"sourceFilename": "../../config.json"}, "INVALID_FILENAME", 400),
    ],
)
def test_a_refusal_is_an_event_under_200_and_a_status_with_async(env: Env, body: Any, code: str, status: int) -> None:
    async def work(served: Served) -> None:
        asked = {**SHORT, **body, "requestId": "job"}
        (frame,) = await posted(served, **asked)
        data = frame["data"]
        assert (frame["event"], data["code"], data["status"], data["requestId"]) == ("error", code, status, "job")
        assert isinstance(data["error"], str)
        answer = await served.client.post("/api/video/generate", json={**asked, "async": True})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        if code == "PROMPT_REQUIRED":
            assert data["guidance"] == answer.json()["guidance"]
        if code == "VIDEO_PROVIDER_UNSUPPORTED":
            assert "sketch" in data["error"]
        assert await served.studio.ledger.jobs() == []

    run(env, work)


def test_async_answers_at_once_and_the_events_are_the_same(env: Env) -> None:
    async def work(served: Served) -> None:
        async with served.frames() as frames:
            answer = await served.client.post("/api/video/generate", json={**SHORT, "requestId": "job", "async": True})
            assert (answer.status_code, answer.json()["requestId"]) == (202, "job")
            names = []
            async for frame in frames:
                if frame.get("event") and frame["data"].get("requestId") == "job":
                    names.append(frame["event"])
                if frame.get("event") == "done":
                    break
        assert [name for name in dict.fromkeys(names) if name != "phase"] == [
            "planning",
            "submitted",
            "progress",
            "video",
            "done",
        ]

    run(env, work)


def test_a_client_that_leaves_changes_nothing(env: Env) -> None:
    async def work(served: Served) -> None:
        async with served.frames("/api/video/generate", method="POST", json={**SHORT, "requestId": "job"}) as frames:
            async for frame in frames:
                if frame.get("event") == "submitted":
                    break
        job = await served.studio.wait("job")
        assert job.state == "done"

    run(env, work)


def test_the_same_key_is_one_submit(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        body = {"prompt": "x", "provider": "film", "requestId": "job"}
        for _ in range(2):
            options = {"method": "POST", "json": body, "headers": {"Idempotency-Key": "k"}}
            async with served.frames("/api/video/generate", **options) as frames:
                assert [frame async for frame in frames][-1]["event"] == "done"
        twice = await posted(served, **body)
        assert twice[-1]["data"]["code"] == "REQUEST_ID_IN_USE"

    run(env, work, ClipProvider(service))
    assert len(service.submits) == 1


def test_a_clip_under_way_is_listed_and_can_be_cancelled(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        body = {"prompt": "x", "provider": "film", "requestId": "job", "async": True}
        await served.client.post("/api/video/generate", json=body)
        async for event in served.studio.bus.subscribe(after=0, job_id="job"):
            if event.name == "submitted":
                break
        (row,) = (await served.client.get("/api/inflight?kind=video")).json()["jobs"]
        assert (row["requestId"], row["kind"]) == ("job", "video")
        said = (await served.client.delete("/api/inflight/job")).json()
        assert said["aborted"]
        assert "may still charge" in said["message"]

    run(env, work, ClipProvider(service, {"submitted": "hang"}))


def test_a_lost_clip_is_resumed_over_http(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        frames = await posted(served, prompt="x", provider="film", requestId="job")
        assert frames[-1]["data"]["hint"] == "ima2 jobs resume job"
        provider.at = {}
        answer = await served.client.post("/api/jobs/job/resume", json={})
        assert answer.status_code == 200, answer.text
        assert (await served.studio.wait("job")).state == "done"

    provider = ClipProvider(service, {"progress": LOST})
    run(env, work, provider)
    assert len(service.submits) == 1


def test_edit_extend_and_continue(env: Env) -> None:
    async def work(served: Served) -> None:
        first = await filmed(served)
        edited = await served.client.post(
            "/api/video/edit", json={"prompt": "at night", "provider": "sketch", "videoUrl": first["filename"]}
        )
        assert edited.status_code == 200, edited.text
        body = edited.json()
        assert (body["sourceUrl"], body["model"]) == (first["filename"], "sketch-clip")
        assert body["duration"] == pytest.approx(1, abs=0.1)
        extended = await served.client.post(
            "/api/video/extend",
            json={"prompt": "on", "provider": "sketch", "videoUrl": first["filename"], "duration": 2},
        )
        assert extended.json()["duration"] == pytest.approx(3, abs=0.1)
        on = await filmed(served, continueFromVideo=first["filename"], aspectRatio="auto", requestId="second")
        assert on["videoContinuity"]["parentFilename"] == first["filename"]
        assert on["videoContinuity"]["sourceFrame"] == "last"
        assert [each["role"] for each in on["videoContinuity"]["entries"]] == ["start", "current"]
        rows = (await served.client.get("/api/history")).json()["items"]
        assert {row["mediaType"] for row in rows} == {"video"}
        assert next(row for row in rows if row["requestId"] == "second")["videoContinuity"] == on["videoContinuity"]

    run(env, work)


def test_a_clip_is_analyzed(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await filmed(served)
        body = {"videoUrl": made["filename"], "provider": "sketch", "requestId": "look"}
        answer = await served.client.post("/api/video/analyze", json=body)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert (said["model"], said["method"], said["source"]) == ("sketch-words", "first-last-frame", made["filename"])
        assert "480x480" in said["analysis"]
        assert (await served.client.get("/api/jobs/look")).json()["reply"]["text"] == said["analysis"]
        (row,) = [
            job
            for job in (await served.client.get("/api/inflight?includeTerminal=1")).json()["terminalJobs"]
            if job["requestId"] == "look"
        ]
        assert (row["kind"], row["status"]) == ("video", "completed")

    run(env, work)


def test_an_analysis_is_a_job_like_any_other(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await filmed(served)
        body = {"videoUrl": made["filename"], "provider": "sketch", "prompt": "Is it red?"}
        async with served.frames() as frames:
            begun = await served.client.post(
                "/api/video/analyze", json={**body, "async": True, "requestId": "look", "delay": 30}
            )
            assert (begun.status_code, begun.json()["requestId"]) == (202, "look")
            async for frame in frames:
                if frame.get("event") == "phase" and frame["data"].get("step") == "reply":
                    break
            (listed,) = (await served.client.get("/api/inflight?kind=video")).json()["jobs"]
            assert (listed["requestId"], listed["prompt"]) == ("look", "Is it red?")
            assert (await served.client.delete("/api/inflight/look")).json()["aborted"]
            async for frame in frames:
                if frame.get("event") == "error":
                    assert frame["data"]["code"] == "GENERATION_CANCELED"
                    break

    run(env, work)


@pytest.mark.parametrize("route", ["edit", "extend"])
def test_what_is_done_to_a_clip_may_be_waited_for_elsewhere(env: Env, route: str) -> None:
    async def work(served: Served) -> None:
        made = await filmed(served)
        body = {"prompt": "on", "provider": "sketch", "videoUrl": made["filename"], "requestId": "job", "async": True}
        begun = await served.client.post(f"/api/video/{route}", json=body)
        assert (begun.status_code, begun.json()["requestId"]) == (202, "job")
        assert (await served.studio.wait("job")).state == "done"

    run(env, work)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "VIDEO_REQUIRED"),
        ({"videoUrl": "none.mp4"}, 404, "ASSET_NOT_FOUND"),
        ({"videoUrl": "https://a.invalid/x.mp4"}, 400, "INVALID_VIDEO_SOURCE"),
        ({"videoUrl": "none.mp4", "provider": "fake"}, 404, "ASSET_NOT_FOUND"),
        ({"videoUrl": "none.mp4", "size": 3, "colour": "red"}, 400, "UNKNOWN_FIELD"),
    ],
)
def test_an_analysis_that_can_not_be(env: Env, body: Any, status: int, code: str) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.post("/api/video/analyze", json={"provider": "sketch", **body})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert await served.studio.ledger.jobs() == []

    run(env, work)


def test_an_edit_without_a_clip_is_refused(env: Env) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.post("/api/video/edit", json={"prompt": "x", "provider": "sketch"})
        assert (answer.status_code, answer.json()["code"]) == (400, "VIDEO_REQUIRED")

    run(env, work)


@pytest.mark.parametrize("given", ["mine", "a b", "x" * 129, 7])
@pytest.mark.parametrize("header", [None, "theirs"])
def test_one_id_is_in_every_answer(env: Env, given: Any, header: str | None) -> None:
    """The body's where it is an id, else the header's, else a new one; of what is refused and of what is made."""

    async def work(served: Served) -> None:
        headers = {"X-Request-Id": header} if header else {}
        for body in ({"duration": 99}, {"prompt": "x" * 32_001}, {"operation": "melt"}, {"async": True}):
            asked = {**SHORT, **body, "async": True, "requestId": given}
            answer = await served.client.post("/api/video/generate", json=asked, headers=headers)
            told = answer.json()
            assert told["requestId"] == answer.headers["x-request-id"]
            assert told["requestId"] == ("mine" if given == "mine" else header or told["requestId"])
            assert answer.status_code == 202 or isinstance(told["error"], str)
        assert (await served.studio.wait(told["requestId"])).state == "done"
        (frame,) = await posted(served, **{**SHORT, "duration": 99, "requestId": given})
        assert (frame["data"]["requestId"] == given) is (given == "mine")

    run(env, work)


def test_frames_posters_and_ranges(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await filmed(served)
        frames = {}
        for position in ("0", "0.5", "first", "last", "1.05"):
            answer = await served.client.get(
                "/api/video/frame", params={"file": made["filename"], "position": position}
            )
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
            with Image.open(io.BytesIO(answer.content)) as picture:
                assert picture.size == (480, 480)
            frames[position] = answer.content
        assert len({frames["0"], frames["0.5"], frames["last"]}) == 3
        assert (frames["1.05"], frames["first"]) == (frames["last"], frames["0"])
        late = await served.client.get("/api/video/frame", params={"file": made["filename"], "position": "1.5"})
        assert (late.status_code, late.json()["code"], late.json()["field"]) == (400, "INVALID_FIELD", "position")
        (row,) = (await served.client.get("/api/history")).json()["items"]
        poster = await served.client.get(row["thumb"])
        assert poster.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(poster.content)) as picture:
            assert picture.size == (480, 480)
        whole = await served.client.get(made["url"])
        part = await served.client.get(made["url"], headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, whole.content[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
        tail = await served.client.get(made["url"], headers={"Range": "bytes=-50"})
        assert tail.content == whole.content[-50:]
        for odd in ("bytes=9-2", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes"):
            unread = await served.client.get(made["url"], headers={"Range": odd})
            assert (unread.status_code, unread.content) == (200, whole.content), odd
        none = await served.client.get(made["url"], headers={"Range": f"bytes={len(whole.content)}-"})
        assert (none.status_code, none.headers["cache-control"]) == (416, "no-store")

    run(env, work)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"file": "none.mp4"}, 404, "ASSET_NOT_FOUND"),
        ({"file": "../server.json"}, 400, "INVALID_FILENAME"),
        ({}, 400, "INVALID_FILENAME"),
        ({"file": "none.mp4", "position": "soon"}, 400, "INVALID_FIELD"),
        ({"file": "none.mp4", "position": "-1"}, 400, "INVALID_FIELD"),
        ({"file": "none.mp4", "position": "nan"}, 400, "INVALID_FIELD"),
    ],
)
def test_a_frame_that_can_not_be(env: Env, query: dict[str, str], status: int, code: str) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.get("/api/video/frame", params=query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    run(env, work)


def test_the_sidecar_is_as_existing_galleries_have_it(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        frames = await posted(served, prompt="x", provider="film", sourceImage=IMAGE, presetIds=["p"], requestId="job")
        done = frames[-1]["data"]
        sidecar = json.loads((served.studio.paths.generated / f"{done['filename']}.json").read_text())
        assert (sidecar["kind"], sidecar["mediaType"], sidecar["requestId"]) == ("video", "video", "job")
        assert (sidecar["presetIds"], sidecar["refsCount"], sidecar["duration"]) == (["p"], 1, 5.0)
        assert sidecar["video"]["filmRequestId"] == "up-1"
        assert sidecar["videoContinuity"] == done["videoContinuity"]

    run(env, work, ClipProvider(service))


def test_the_service_s_name_of_a_clip_is_in_the_list_of_what_has_ended(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        await posted(served, prompt="x", provider="film", requestId="job")
        listed = (await served.client.get("/api/inflight?includeTerminal=1")).json()
        (row,) = listed["terminalJobs"]
        assert (row["meta"]["filmRequestId"], row["meta"]["upstreamId"]) == ("up-1", "up-1")

    run(env, work, ClipProvider(service))


def test_a_preview_sends_nothing(env: Env, service: Service) -> None:
    async def work(served: Served) -> None:
        body = {"prompt": "x", "provider": "film", "referenceImages": [IMAGE] * 2, "duration": 12}
        plan = (await served.client.post("/api/video/preview", json=body)).json()
        assert (plan["provider"], plan["request"]["duration"]) == ("film", 10)
        assert [warning["code"] for warning in plan["warnings"]] == ["DURATION_LOWERED"]

    run(env, work, ClipProvider(service))
    assert service.submits == []


def test_every_field_that_is_described_is_understood() -> None:
    described = {field.alias for field in VideoBody.model_fields.values()}
    own = {"prompt", "mode", "requestId", "async"}
    assert described <= CLIP_FIELDS | _DIRECT.keys() | _LABELS | own
    assert described >= CLIP_FIELDS
