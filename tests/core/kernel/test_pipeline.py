"""The one path with a scripted provider: what each kind of ending leaves behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import STREAM, FakeProvider, png
from ima2.errors import (
    Conflict,
    Ima2Error,
    InvalidRequest,
    JobUnknown,
    NotReady,
    RateLimited,
    Refused,
    Unsupported,
    UpstreamError,
)
from ima2.hookspecs import hookimpl
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2.models import Job, JobEvent, Media, Sending, Submitted, Text, Usage, Warning

Env = dict[str, str]


def run(env: Env, provider: FakeProvider, work: Callable[[Studio], Awaitable[Any]], **others: object) -> Any:
    async def main() -> Any:
        plugins = {provider.info.id: provider, **others}
        async with open_studio(env, plugins=plugins) as studio:
            return await work(studio)

    return asyncio.run(main())


async def generate(studio: Studio, **body: Any) -> Job:
    accepted = await studio.submit({"prompt": "a red kite", "provider": "fake", **body})
    return await studio.wait(accepted.job.id)


async def log_of(studio: Studio, job: Job) -> list[JobEvent]:
    return await studio.ledger.events(job_id=job.id)


def test_a_picture_is_stored_before_done_is_told(env: Env) -> None:
    content = png(96, 64)
    provider = FakeProvider([*STREAM, content, Usage(total_tokens=7, cost_usd=0.5)])

    async def work(studio: Studio) -> None:
        job = await generate(studio)
        told = [event.name for event in await log_of(studio, job)]
        answer = await studio.answer(job)
        path = Path(answer["images"][0]["path"])
        assert job.state == "done"
        assert told == ["phase", "phase", "submitted", "partial", "image", "done"]
        assert path.read_bytes() == content
        assert answer["images"][0]["sha256"] == hashlib.sha256(content).hexdigest()
        assert (answer["size"], answer["count"], answer["costUsd"]) == ("96x64", 1, 0.5)
        assert answer["provider"] == "fake"
        assert answer["resolution"]["reason"]
        assert path.with_name(path.name + ".json").exists()
        assert not studio.contexts.job_spool(job.id).exists()
        assert provider.closed == 1

    run(env, provider, work)


def test_several_pictures_are_several_calls(env: Env) -> None:
    provider = FakeProvider()

    async def work(studio: Studio) -> None:
        job = await generate(studio, n=5)
        answer = await studio.answer(job)
        assert answer["count"] == 5
        assert len({each["filename"] for each in answer["images"]}) == 5
        assert [row.state for row in await studio.ledger.calls(job.id)] == ["done"] * 5
        assert len(provider.calls) == 5

    run(env, provider, work)


def test_one_refused_picture_leaves_the_others(env: Env) -> None:
    provider = FakeProvider(
        [Sending(), png(shade=1)], [Sending(), Refused("no", paid="yes")], [Sending(), png(shade=2)]
    )

    async def work(studio: Studio) -> None:
        job = await generate(studio, n=3)
        assert (job.state, (await studio.answer(job))["count"]) == ("done", 2)
        assert job.warnings[-1].code == "PARTIAL_RESULT"

    run(env, provider, work)


def test_a_failure_that_would_repeat_stops_the_rest(env: Env) -> None:
    provider = FakeProvider([Sending(), RateLimited("slow down", retry_after=7)], concurrency=1)

    async def work(studio: Studio) -> None:
        job = await generate(studio, n=4)
        error = studio.error_of(job)
        assert (job.state, error.code, error.retry_after) == ("failed", "RATE_LIMITED", 7)
        assert len(provider.calls) == 1

    run(env, provider, work)


@pytest.mark.parametrize(
    ("script", "code", "paid"),
    [
        ([Sending(), UpstreamError("cut", code="NETWORK_FAILED", paid="maybe")], "NETWORK_FAILED", "maybe"),
        ([Sending(), Refused("no")], "MODERATION_REFUSED", "no"),
        ([Sending(), Text(delta="I would rather not")], "EMPTY_RESPONSE", "yes"),
        ([], "EMPTY_RESPONSE", "no"),
        ([Sending(), ValueError("bug")], "PLUGIN_FAILED", "maybe"),
        ([ValueError("bug")], "PLUGIN_FAILED", "no"),
        ([Sending(), Sending(), png()], "PLUGIN_FAILED", "maybe"),
        ([Sending(), "not an event"], "PLUGIN_FAILED", "maybe"),
        ([Sending(), Media(path=Path("/etc/passwd"))], "PLUGIN_FAILED", "yes"),
        ([Sending(), b"this is no picture"], "RESULT_UNREADABLE", None),
        ([Sending(), png()[: len(png()) // 2]], "RESULT_UNREADABLE", None),
    ],
)
def test_failures_are_coded_and_final(env: Env, script: list[Any], code: str, paid: str | None) -> None:
    async def work(studio: Studio) -> None:
        job = await generate(studio)
        last = (await log_of(studio, job))[-1]
        assert (job.state, job.error and job.error["code"]) == ("failed", code)
        assert (last.name, last.data["code"]) == ("error", code)
        assert paid is None or last.data["paid"] == paid
        assert await studio.store.count() == 0

    run(env, FakeProvider(script), work)


def test_unreadable_bytes_are_kept_for_their_owner(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = await generate(studio)
        kept = studio.error_of(job).kept
        assert [Path(each).read_bytes() for each in kept] == [b"paid for"]

    run(env, FakeProvider([Sending(), b"paid for"]), work)


def test_a_picture_before_the_cut_counts(env: Env) -> None:
    provider = FakeProvider([Sending(), png(), UpstreamError("cut", paid="yes")])

    async def work(studio: Studio) -> None:
        job = await generate(studio)
        assert job.state == "done"
        assert [warning.code for warning in job.warnings] == ["STREAM_TRUNCATED"]

    run(env, provider, work)


def test_the_same_picture_twice_is_one(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = await generate(studio)
        assert (await studio.answer(job))["count"] == 1

    run(env, FakeProvider([Sending(), png(), png()]), work)


def test_cancelling_keeps_what_came_and_says_what_may_be_charged(env: Env) -> None:
    provider = FakeProvider([Sending(), Submitted(upstream_id="u"), "hang"])

    async def work(studio: Studio) -> None:
        job = (await studio.submit({"prompt": "x", "provider": "fake"})).job
        async for event in studio.bus.subscribe(after=0, job_id=job.id):
            if event.name == "submitted":
                break
        result = await studio.cancel(job.id)
        ended = await studio.job(job.id)
        assert (result.active, result.aborted) == (True, True)
        assert "may still charge" in result.message
        assert (ended.state, studio.error_of(ended).code) == ("cancelled", "GENERATION_CANCELED")
        assert provider.closed == 1
        assert (await studio.cancel(job.id)).active is False
        assert (await studio.cancel("nobody")).active is False

    run(env, provider, work)


def test_calls_that_were_never_begun_are_told_as_missing(env: Env) -> None:
    """The first is unanswered, so the second is not begun; sent again, the first alone comes."""
    lost = JobUnknown("no answer", step="generate")

    async def work(studio: Studio) -> None:
        job = await generate(studio, n=2)
        assert [row.state for row in await studio.ledger.calls(job.id)] == ["unknown", "cancelled"]
        job = await studio.wait((await studio.retry(job.id)).id)
        assert (job.state, (await studio.answer(job))["count"]) == ("done", 1)
        (warning,) = [each for each in job.warnings if each.code == "PARTIAL_RESULT"]
        assert warning.message == "1 of 2 pictures are missing: they were not begun."

    run(env, FakeProvider([Sending(), lost], concurrency=1), work)


def test_cancelling_before_anything_was_sent_costs_nothing(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = (await studio.submit({"prompt": "x", "provider": "fake", "n": 3})).job
        await asyncio.sleep(0.05)
        result = await studio.cancel(job.id)
        assert "nothing is charged" in result.message
        assert {row.state for row in await studio.ledger.calls(job.id)} <= {"cancelled"}

    run(env, FakeProvider(["hang"], ["hang"], ["hang"]), work)


def test_another_process_can_ask_to_cancel(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = (await studio.submit({"prompt": "x", "provider": "fake"})).job
        async with open_studio(env) as other:
            await asyncio.sleep(0.2)
            assert (await other.cancel(job.id)).aborted is True

    run(env, FakeProvider([Sending(), "hang"]), work)


def test_the_jobs_own_time_ends_it(env: Env) -> None:
    async def work(studio: Studio) -> None:
        error = studio.error_of(await generate(studio, timeout=0.2))
        assert (error.code, error.paid, error.exit_code) == ("GENERATION_TIMEOUT", "maybe", 8)

    run(env, FakeProvider([Sending(), "hang"]), work)


def test_warnings_and_text_travel(env: Env) -> None:
    provider = FakeProvider([Sending(), Warning(code="DRIFT", message="smaller"), Text(delta="hi"), png()])

    async def work(studio: Studio) -> None:
        job = await generate(studio, quality="ultra")
        codes = [warning["code"] for warning in (await studio.answer(job))["warnings"]]
        assert codes == ["QUALITY_DEFAULTED", "DRIFT"]
        assert "text" in [event.name for event in await log_of(studio, job)]

    run(env, provider, work)


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        ({"prompt": "  "}, InvalidRequest, "INVALID_PROMPT"),
        ({"prompt": 7}, InvalidRequest, "INVALID_PROMPT"),
        ({"prompt": "x" * 32_001}, InvalidRequest, "PROMPT_TOO_LONG"),
        ({"n": 0}, InvalidRequest, "INVALID_COUNT"),
        ({"n": 25}, InvalidRequest, "INVALID_COUNT"),
        ({"n": "many"}, InvalidRequest, "INVALID_COUNT"),
        ({"base_url": "http://evil.test"}, InvalidRequest, "UNKNOWN_FIELD"),
        ({"compression": 101}, InvalidRequest, "INVALID_FIELD"),
        ({"seed": []}, InvalidRequest, "INVALID_FIELD"),
        ({"moderation": "off"}, InvalidRequest, "INVALID_MODERATION"),
        ({"references": "x"}, InvalidRequest, "REF_NOT_ARRAY"),
        ({"references": [1]}, InvalidRequest, "REF_NOT_STRING"),
        ({"references": [""]}, InvalidRequest, "REF_EMPTY"),
        ({"references": ["!!"]}, InvalidRequest, "REF_NOT_BASE64"),
        ({"references": ["x"] * 17}, InvalidRequest, "REF_TOO_MANY"),
        ({"references": ["aGVsbG8="]}, InvalidRequest, None),
        ({"references": [png(shade=n) for n in range(4)]}, Unsupported, "REF_TOO_MANY"),
        ({"mask": png()}, InvalidRequest, "INVALID_EDIT_MASK"),
        ({"image": png(), "mask": png()}, InvalidRequest, "EDIT_MASK_NO_ALPHA"),
        ({"provider": "nobody"}, Ima2Error, "UNKNOWN_PROVIDER"),
        ({"model": "nothing"}, Unsupported, "UNKNOWN_MODEL"),
        ({"size": "17x17"}, Unsupported, "INVALID_SIZE"),
        ({"format": "gif"}, Unsupported, "INVALID_FORMAT"),
        ({"prompt": "please refuse"}, Unsupported, "FAKE_REFUSES"),
    ],
)
def test_bad_input_is_refused_before_anything_is_spent(
    env: Env, body: dict[str, Any], error: type[Ima2Error], code: str | None
) -> None:
    provider = FakeProvider()

    async def work(studio: Studio) -> None:
        with pytest.raises(error) as caught:
            await studio.submit({"prompt": "x", "provider": "fake", **body})
        assert code is None or caught.value.code == code
        assert await studio.ledger.jobs() == []
        assert provider.calls == []

    run(env, provider, work)


def test_what_a_sign_in_would_not_mend_is_told_before_one_is_asked_for(env: Env) -> None:
    async def work(studio: Studio) -> None:
        with pytest.raises(Unsupported) as refused:
            await studio.submit({"prompt": "x", "provider": "fake", "size": "1x1"})
        assert refused.value.code == "INVALID_SIZE"
        with pytest.raises(NotReady) as caught:
            await studio.submit({"prompt": "x", "provider": "fake"})
        assert (caught.value.code, caught.value.hint) == ("FAKE_KEY_REQUIRED", "ima2 login fake")

    run(env, FakeProvider(ready=False), work)


def test_an_id_is_used_once(env: Env) -> None:
    async def work(studio: Studio) -> None:
        await generate(studio, requestId="mine")
        with pytest.raises(Conflict) as caught:
            await generate(studio, requestId="mine")
        assert caught.value.code == "REQUEST_ID_IN_USE"

    run(env, FakeProvider(), work)


def test_a_hundred_identical_posts_pay_once(env: Env) -> None:
    provider = FakeProvider()

    async def work(studio: Studio) -> None:
        body = {"prompt": "x", "provider": "fake"}
        accepted = await asyncio.gather(*(studio.submit(body, idempotency_key="k") for _ in range(100)))
        await studio.wait(accepted[0].job.id)
        assert len({each.job.id for each in accepted}) == 1
        assert sum(not each.replay for each in accepted) == 1
        with pytest.raises(Conflict) as caught:
            await studio.submit({**body, "n": 2}, idempotency_key="k")
        assert caught.value.code == "IDEMPOTENCY_KEY_CONFLICT"

    run(env, provider, work)
    assert len(provider.calls) == 1


def test_as_many_jobs_as_may_be(env: Env) -> None:
    async def work(studio: Studio) -> None:
        jobs = [(await studio.submit({"prompt": "x", "provider": "fake"})).job for _ in range(24)]
        with pytest.raises(Ima2Error) as caught:
            await studio.submit({"prompt": "x", "provider": "fake"})
        assert (caught.value.code, caught.value.status) == ("TOO_MANY_JOBS", 429)
        await asyncio.gather(*(studio.cancel(job.id) for job in jobs))

    run(env, FakeProvider(*[["hang"]] * 24), work)


def test_a_preview_sends_nothing(env: Env) -> None:
    provider = FakeProvider(ready=False)

    async def work(studio: Studio) -> None:
        preview = await studio.preview({"prompt": "x", "provider": "fake", "n": 2, "style": "flat"})
        assert (preview["provider"], preview["ready"], preview["steps"][0]["count"]) == ("fake", False, 2)
        assert preview["request"]["options"] == {"style": "flat"}
        assert await studio.ledger.jobs() == []

    run(env, provider, work)
    assert provider.calls == []


def test_observers_see_and_are_not_felt(env: Env) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.seen: list[str] = []

        @hookimpl
        async def ima2_job_event(self, event: JobEvent) -> None:
            self.seen.append(event.name)
            raise RuntimeError("broken observer")

        @hookimpl
        def ima2_artifact_saved(self, artifact: Any, job: Job) -> None:
            self.seen.append(artifact.filename)
            raise SystemExit(3)

    watcher = Watcher()

    async def work(studio: Studio) -> None:
        assert (await generate(studio)).state == "done"

    run(env, FakeProvider(), work, watcher=watcher)
    assert "done" in watcher.seen
    assert any(name.endswith(".png") for name in watcher.seen)


def test_warnings_of_calls_that_run_at_once_are_all_kept(env: Env) -> None:
    scripts = [[Sending(), Warning(code=f"W{n}", message="m"), png(shade=n)] for n in range(12)]

    async def work(studio: Studio) -> None:
        job = await generate(studio, n=12)
        assert {warning.code for warning in job.warnings} == {f"W{n}" for n in range(12)}

    run(env, FakeProvider(*scripts, concurrency=12), work)


def test_what_came_otherwise_than_asked_for_is_told(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = await generate(studio, size="128x64", format="png")
        assert [(each.code, each.normalized_to) for each in job.warnings] == [("SIZE_DRIFT", "96x64")]
        assert (await generate(studio, size="96x64", format="png")).warnings == ()

    run(env, FakeProvider([Sending(), png(96, 64)], [Sending(), png(96, 64)]), work)


def test_a_provider_that_has_told_it_is_not_repeated(env: Env) -> None:
    said = Warning(code="SIZE_DRIFT", message="in my own words")

    async def work(studio: Studio) -> None:
        assert (await generate(studio, size="128x64")).warnings == (said,)

    run(env, FakeProvider([Sending(), said, png(96, 64)]), work)


def test_the_sidecar_gets_what_was_known_at_the_end(env: Env) -> None:
    async def work(studio: Studio) -> None:
        job = await generate(studio)
        (artifact,) = await studio.store.artifacts(job_id=job.id)
        written = json.loads((studio.store.folder / f"{artifact.filename}.json").read_bytes())
        for sidecar in (artifact.sidecar, written):
            assert sidecar["webSearchCalls"] == 2
            assert sidecar["usage"]["total_tokens"] == 7
            assert sidecar["elapsed"] >= 0
            assert sidecar["prompt"] == "a red kite"

    run(env, FakeProvider([Sending(), png(), Usage(total_tokens=7, web_search_calls=2)]), work)


def test_what_is_free_is_never_called_paid(env: Env) -> None:
    scripts = [[Sending(), Text(delta="no")], [Sending(), "hang"], [Sending(), ValueError("bug")]]

    async def work(studio: Studio) -> None:
        jobs = [await generate(studio, timeout=timeout) for timeout in (None, 0.2, None)]
        assert [studio.error_of(job).paid for job in jobs] == ["no"] * 3

    run(env, FakeProvider(*scripts, billing="free"), work)
