"""Jobs over HTTP: lists, cancelling, the questions only a person answers, drafts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fakes import STREAM, FakeProvider, png
from ima2.errors import JobUnknown
from ima2.models import Sending
from serving import Env, Served, run

BODY = {"prompt": "a red kite", "provider": "fake"}


async def begin(served: Served, job_id: str, until: str = "submitted", **body: Any) -> None:
    """Begin a job that hangs, and wait until it has told ``until``."""
    answer = await served.client.post("/api/generate", json={**BODY, "async": True, "requestId": job_id, **body})
    assert answer.status_code == 202, answer.text
    async for event in served.studio.bus.subscribe(after=0, job_id=job_id):
        if event.name == until:
            return


def test_jobs_under_way_are_listed_oldest_first(env: Env) -> None:
    async def work(served: Served) -> None:
        await begin(served, "a", prompt="x" * 600, sessionId="s1", n=1, quality="low")
        await begin(served, "b")
        rows = (await served.client.get("/api/inflight")).json()["jobs"]
        assert [row["requestId"] for row in rows] == ["a", "b"]
        assert rows[0].keys() >= {"requestId", "kind", "prompt", "meta", "startedAt", "phase", "phaseAt"}
        assert (rows[0]["kind"], rows[0]["phase"], len(rows[0]["prompt"])) == ("classic", "streaming", 500)
        assert rows[0]["meta"]["quality"] == "low"
        of_session = (await served.client.get("/api/inflight?sessionId=s1")).json()["jobs"]
        assert [row["requestId"] for row in of_session] == ["a"]
        assert (await served.client.get("/api/inflight?kind=video")).json()["jobs"] == []
        assert (await served.client.get("/api/health")).json()["activeJobs"] == 2
        for job_id in "ab":
            await served.client.delete(f"/api/inflight/{job_id}")

    run(env, work, FakeProvider([*STREAM, "hang"], [*STREAM, "hang"]))


def test_a_cancelled_job_never_says_done(env: Env) -> None:
    provider = FakeProvider([*STREAM, "hang"])

    async def work(served: Served) -> None:
        await begin(served, "c")
        answer = await served.client.delete("/api/inflight/c")
        said = answer.json()
        assert (answer.status_code, said["requestId"], said["active"], said["aborted"]) == (200, "c", True, True)
        assert "charge" in said["message"]
        events = await served.studio.ledger.events(job_id="c")
        assert events[-1].name == "error"
        assert events[-1].data["code"] == "GENERATION_CANCELED"
        assert "done" not in [event.name for event in events]
        ended = (await served.client.get("/api/inflight?includeTerminal=true")).json()["terminalJobs"][0]
        assert (ended["status"], ended["httpStatus"], ended["errorCode"]) == ("canceled", 499, "GENERATION_CANCELED")
        assert "prompt" not in ended
        again = (await served.client.delete("/api/inflight/c")).json()
        assert (again["active"], again["aborted"]) == (False, False)

    run(env, work, provider)
    assert provider.closed == 1


def test_a_waiting_client_learns_of_the_cancel(env: Env) -> None:
    async def work(served: Served) -> None:
        waiting = asyncio.create_task(served.client.post("/api/generate", json={**BODY, "requestId": "w"}))
        while not (await served.client.get("/api/inflight")).json()["jobs"]:
            await asyncio.sleep(0.01)
        await served.client.delete("/api/inflight/w")
        answer = await waiting
        assert (answer.status_code, answer.json()["code"]) == (499, "GENERATION_CANCELED")

    run(env, work, FakeProvider([*STREAM, "hang"]))


@pytest.mark.parametrize("job_id", ["nobody", "a%2Fb", "%00", "%ED%A0%80", "x" * 500, "..", "%2e%2e"])
def test_unknown_ids_are_no_error_to_cancel_and_not_found_to_read(env: Env, job_id: str) -> None:
    async def work(served: Served) -> None:
        cancelled = await served.client.delete(f"/api/inflight/{job_id}")
        assert cancelled.status_code in (200, 404, 405)
        for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/drop"), ("POST", "/resume")):
            answer = await served.client.request(method, f"/api/jobs/{job_id}{path}", json={})
            assert answer.status_code in (404, 405), answer.text
        assert (await served.client.get(f"/api/jobs/{job_id}/partials/0/x.png")).status_code == 404

    run(env, work)


def test_one_job_in_full(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await served.make(requestId="full")
        job = (await served.client.get("/api/jobs/full")).json()
        assert (job["id"], job["state"], job["provider"]) == ("full", "done", "fake")
        assert [call["state"] for call in job["calls"]] == ["done"]
        assert job["filenames"] == [made["filename"]]
        assert "owner" not in job
        assert "path" not in job["calls"][0]["media"][0]
        listed = (await served.client.get("/api/jobs?state=done&limit=1")).json()["jobs"]
        assert [each["id"] for each in listed] == ["full"]
        assert (await served.client.get("/api/jobs?state=failed")).json()["jobs"] == []
        for query in ("state=gone", "limit=many", "limit=-1", "limit=1e3"):
            assert (await served.client.get(f"/api/jobs?{query}")).status_code == 400

    run(env, work)


def test_an_unknown_job_is_sent_again_only_when_told(env: Env) -> None:
    provider = FakeProvider([Sending(), JobUnknown("cut")], [Sending(), JobUnknown("cut")], [Sending(), png()])

    async def work(served: Served) -> None:
        for job_id in ("again", "never"):
            answer = await served.client.post("/api/generate", json={**BODY, "requestId": job_id})
            assert (answer.status_code, answer.json()["code"]) == (409, "JOB_UNKNOWN")
        dropped = (await served.client.post("/api/jobs/never/drop", json={})).json()
        assert dropped["state"] == "failed"
        assert (await served.client.post("/api/jobs/again/retry", json={})).status_code == 200
        assert (await served.studio.wait("again")).state == "done"
        twice = await served.client.post("/api/jobs/again/retry", json={})
        assert (twice.status_code, twice.json()["error"]["code"]) == (409, "JOB_NOT_UNKNOWN")

    run(env, work, provider)
    assert len(provider.calls) == 3


def test_drafts_are_served_while_the_job_runs(env: Env) -> None:
    async def work(served: Served) -> None:
        async with served.frames("/api/events") as frames:
            await begin(served, "draft", until="partial")
            url = ""
            async for frame in frames:
                if frame["event"] == "partial":
                    url = frame["data"]["url"]
                    break
        answer = await served.client.get(url)
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", png(8, 8))
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "no-store" in answer.headers["cache-control"]
        for name in ("..%2f..%2f..%2fima2.db", "..", ".hidden.png", "x.json", "a%2Fb.png", "%00.png"):
            assert (await served.client.get(f"/api/jobs/draft/partials/0/{name}")).status_code in (400, 404), name
        await served.client.delete("/api/inflight/draft")
        assert (await served.client.get(url)).status_code == 404

    run(env, work, FakeProvider([*STREAM, "hang"]))
