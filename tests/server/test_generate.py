"""Making pictures over HTTP: answers, errors, streams, jobs left alone."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from fakes import STREAM, FakeProvider, png
from ima2.errors import RateLimited, Refused
from ima2.models import Sending, Usage
from serving import Env, Served, run

BODY = {"prompt": "a red kite", "provider": "fake"}
SSE = {"Accept": "text/event-stream"}


def decoded(data_url: str) -> bytes:
    head, _, payload = data_url.partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(payload)


def test_one_picture_is_flat_with_its_data(env: Env) -> None:
    content = png(96, 64)
    provider = FakeProvider([*STREAM, content, Usage(total_tokens=7)])

    async def work(served: Served) -> None:
        answer = await served.make(quality="high", size="96x64")
        assert decoded(answer["image"]) == content
        assert Path(answer["path"]).read_bytes() == content
        assert (await served.client.get(answer["url"])).content == content
        known = {"elapsed", "filename", "requestId", "providerUrl", "createdAt", "usage", "provider", "reasoningEffort"}
        known |= {"webSearchCalls", "quality", "size", "moderation", "model", "warnings", "revisedPrompt", "promptMode"}
        assert known | {"webSearchEnabled"} <= answer.keys()
        assert (answer["provider"], answer["model"], answer["quality"]) == ("fake", "fake-1", "high")
        assert (answer["size"], answer["width"], answer["height"]) == ("96x64", 96, 64)
        assert answer["usage"] == {"total_tokens": 7}
        assert "image" not in answer["images"][0]

    run(env, work, provider)


def test_several_pictures_come_in_a_list_and_count_what_arrived(env: Env) -> None:
    provider = FakeProvider([Sending(), png(shade=1)], [Sending(), Refused("no")], [Sending(), png(shade=3)])

    async def work(served: Served) -> None:
        answer = await served.make(n="3")
        assert "image" not in answer
        assert answer["count"] == len(answer["images"]) == 2
        assert {decoded(each["image"]) for each in answer["images"]} == {png(shade=1), png(shade=3)}
        assert "PARTIAL_RESULT" in [warning["code"] for warning in answer["warnings"]]

    run(env, work, provider)


@pytest.mark.parametrize("n", [1, 2])
def test_without_inline_there_is_path_url_and_hash_alone(env: Env, n: int) -> None:
    async def work(served: Served) -> None:
        answer = await served.make(n=n, inline=False)
        assert "data:" not in str(answer)
        for picture in answer["images"]:
            assert {"path", "url", "sha256", "filename"} <= picture.keys()

    run(env, work)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "INVALID_PROMPT"),
        ({"prompt": ""}, 400, "INVALID_PROMPT"),
        ({"prompt": 7}, 400, "INVALID_PROMPT"),
        ({"prompt": "x" * 32_001}, 400, "PROMPT_TOO_LONG"),
        ({**BODY, "n": 0}, 400, "INVALID_COUNT"),
        ({**BODY, "n": 25}, 400, "INVALID_COUNT"),
        ({**BODY, "n": "many"}, 400, "INVALID_COUNT"),
        ({**BODY, "provider": "nobody"}, 400, "UNKNOWN_PROVIDER"),
        ({**BODY, "model": "nothing"}, 400, "UNKNOWN_MODEL"),
        ({**BODY, "size": "17x17"}, 400, "INVALID_SIZE"),
        ({**BODY, "references": "x"}, 400, "REF_NOT_ARRAY"),
        ({**BODY, "references": [7]}, 400, "REF_NOT_STRING"),
        ({**BODY, "references": ["!"]}, 400, "REF_NOT_BASE64"),
        ({**BODY, "references": ["data:image/svg+xml;base64,PHN2Zy8+"]}, 400, None),
        ({**BODY, "references": ["a"] * 17}, 400, "REF_TOO_MANY"),
        ({**BODY, "moderation": "none"}, 400, "INVALID_MODERATION"),
        ({**BODY, "base_url": "http://evil.test"}, 400, "UNKNOWN_FIELD"),
        ({**BODY, "references": ["/etc/passwd"]}, 400, None),
    ],
)
def test_what_is_refused_before_anything_is_sent(env: Env, body: dict[str, Any], status: int, code: str | None) -> None:
    provider = FakeProvider()

    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json=body)
        said = answer.json()
        assert answer.status_code == status
        assert said["code"] == code if code else said["code"]
        assert said["requestId"] == answer.headers["x-request-id"]
        nested = code in ("INVALID_PROMPT", "PROMPT_TOO_LONG", "INVALID_COUNT")
        assert isinstance(said["error"], dict) is nested
        streamed = await served.client.post("/api/generate", json=body, headers=SSE)
        assert (streamed.status_code, streamed.json()["code"]) == (status, said["code"])
        assert (await served.client.get("/api/jobs")).json()["jobs"] == []

    run(env, work, provider)
    assert provider.calls == []


def test_an_upstream_failure_keeps_its_code_and_status(env: Env) -> None:
    provider = FakeProvider([Sending(), Refused("The picture was refused.", paid="yes")])

    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json=BODY)
        said = answer.json()
        assert (answer.status_code, said["code"], said["paid"]) == (422, "MODERATION_REFUSED", "yes")
        assert said["error"] == "The picture was refused."

    run(env, work, provider)


@pytest.mark.parametrize(("asked", "told"), [(None, "5"), (37.2, "37"), (0, "1")])
def test_a_full_service_says_when_to_come_back(env: Env, asked: float | None, told: str) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json=BODY)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, told)

    run(env, work, FakeProvider([Sending(), RateLimited("Too many.", retry_after=asked)]))


def test_a_broken_plugin_is_named_and_says_nothing_of_itself(env: Env) -> None:
    provider = FakeProvider([Sending(), ValueError("the prompt was: a red kite")])

    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json=BODY)
        assert answer.status_code == 500
        assert answer.json()["code"] == "PLUGIN_FAILED"
        assert "the prompt was" not in answer.text

    run(env, work, provider)


def test_no_provider_ready_says_what_to_type(env: Env) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json={"prompt": "a kite"})
        assert (answer.status_code, answer.json()["code"]) == (401, "NO_PROVIDER_READY")
        assert answer.json()["hint"] == "ima2 login fake"
        named = await served.client.post("/api/generate", json=BODY)
        assert named.json()["code"] == "FAKE_KEY_REQUIRED"

    run(env, work, FakeProvider(ready=False))


def test_a_stream_tells_everything_and_ends_with_the_answer(env: Env) -> None:
    content = png()

    async def work(served: Served) -> None:
        async with served.frames("/api/generate", method="POST", json=BODY, headers=SSE) as frames:
            told = [frame async for frame in frames]
        names = [frame["event"] for frame in told]
        assert names == ["phase", "phase", "submitted", "partial", "image", "done"]
        assert [int(frame["id"]) for frame in told] == sorted(int(frame["id"]) for frame in told)
        assert all(frame["data"]["jobId"] == told[0]["data"]["requestId"] for frame in told)
        assert told[1]["data"]["phase"] == "streaming"
        assert told[1]["data"]["step"] == "generate"
        assert decoded(told[-1]["data"]["image"]) == content

    run(env, work, FakeProvider([*STREAM, content]))


def test_a_stream_of_a_failure_ends_with_error(env: Env) -> None:
    async def work(served: Served) -> None:
        async with served.frames("/api/generate", method="POST", json=BODY, headers=SSE) as frames:
            told = [frame async for frame in frames]
        assert told[-1]["event"] == "error"
        assert told[-1]["data"]["code"] == "MODERATION_REFUSED"
        assert "done" not in [frame["event"] for frame in told]

    run(env, work, FakeProvider([Sending(), Refused("no")]))


def test_an_async_job_answers_at_once_and_is_found_again(env: Env) -> None:
    async def work(served: Served) -> None:
        answer = await served.client.post("/api/generate", json={**BODY, "async": True, "requestId": "mine-1"})
        assert (answer.status_code, answer.json()) == (202, {"requestId": "mine-1", "async": True})
        await served.studio.wait("mine-1")
        listed = (await served.client.get("/api/inflight?includeTerminal=1")).json()
        assert listed["jobs"] == []
        assert listed["terminalJobs"][0]["meta"]["filenames"]
        refused = await served.client.post("/api/generate", json={"async": True})
        assert refused.status_code == 400

    run(env, work)


@pytest.mark.parametrize("headers", [{}, SSE])
def test_a_client_that_leaves_changes_nothing_for_the_job(env: Env, headers: dict[str, str]) -> None:
    gate = asyncio.Event()

    class Patient(FakeProvider):
        async def _step(self, step: Any, context: Any) -> Any:
            if step == "wait":
                await gate.wait()
                return
            async for event in super()._step(step, context):
                yield event

    async def work(served: Served) -> None:
        async def leave() -> None:
            async with served.client.stream(
                "POST", "/api/generate", json={**BODY, "requestId": "left"}, headers=headers
            ):
                await asyncio.sleep(3600)

        leaving = asyncio.create_task(leave())
        while not (await served.client.get("/api/inflight")).json()["jobs"]:
            await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        gate.set()
        job = await served.studio.wait("left")
        assert job.state == "done"

    run(env, work, Patient([Sending(), "wait", png()]))


def test_a_request_id_is_taken_once(env: Env) -> None:
    async def work(served: Served) -> None:
        assert (await served.make(requestId="twice"))["requestId"] == "twice"
        again = await served.client.post("/api/generate", json={**BODY, "requestId": "twice"})
        assert (again.status_code, again.json()["code"]) == (409, "REQUEST_ID_IN_USE")
        header = await served.client.post("/api/generate", json=BODY, headers={"X-Request-Id": "from-header"})
        assert header.json()["requestId"] == header.headers["x-request-id"] == "from-header"

    run(env, work)


def test_a_hundred_identical_posts_are_one_upstream_call(env: Env) -> None:
    provider = FakeProvider()

    async def work(served: Served) -> None:
        key = {"Idempotency-Key": "the-same"}
        posts = [served.client.post("/api/generate", json={**BODY, "inline": False}, headers=key) for _ in range(100)]
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["requestId"] for answer in answers}) == 1
        assert sum("idempotentReplay" not in answer.json() for answer in answers) == 1
        other = await served.client.post("/api/generate", json={**BODY, "n": 2}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
        for odd in ("", "x" * 256):
            bad = await served.client.post("/api/generate", json=BODY, headers={"Idempotency-Key": odd})
            assert bad.json()["code"] == "INVALID_IDEMPOTENCY_KEY"

    run(env, work, provider)
    assert len(provider.calls) == 1


def test_too_many_jobs_are_told_when_to_come_back(env: Env) -> None:
    provider = FakeProvider([Sending(), "hang"])

    async def work(served: Served) -> None:
        await served.client.post("/api/generate", json={**BODY, "async": True, "requestId": "one"})
        answer = await served.client.post("/api/generate", json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_JOBS")
        assert answer.headers["retry-after"] == "5"

    run({**env, "IMA2_MAX_PARALLEL": "1"}, work, provider)


def test_an_edit_sends_the_picture_and_the_mask(env: Env) -> None:
    provider = FakeProvider()
    picture = base64.b64encode(png()).decode()

    async def work(served: Served) -> None:
        edited = await served.client.post("/api/edit", json={**BODY, "image": f"data:image/png;base64,{picture}"})
        assert edited.status_code == 200
        assert edited.json()["requestId"]
        assert [reference.role for reference in provider.calls[0].references] == ["source"]
        without = await served.client.post("/api/edit", json=BODY)
        assert (without.status_code, isinstance(without.json()["error"], str)) == (400, True)
        opaque = await served.client.post("/api/edit", json={**BODY, "image": picture, "mask": picture})
        assert opaque.json()["code"] == "EDIT_MASK_NO_ALPHA"

    run(env, work, provider)


def test_a_preview_sends_nothing(env: Env) -> None:
    provider = FakeProvider(ready=False)

    async def work(served: Served) -> None:
        said = (await served.client.post("/api/preview", json={**BODY, "n": 3})).json()
        assert (said["dryRun"], said["provider"], said["ready"]) == (True, "fake", False)
        assert sum(step["count"] for step in said["steps"] if step["paid"]) == 3
        assert (await served.client.get("/api/jobs")).json()["jobs"] == []

    run(env, work, provider)
    assert provider.calls == []
