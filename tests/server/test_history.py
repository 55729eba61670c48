"""The gallery over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from fakes import png
from serving import Env, Served, run

FIELDS = [
    "filename",
    "url",
    "thumb",
    "mediaType",
    "video",
    "videoSeries",
    "videoContinuity",
    "createdAt",
    "prompt",
    "userPrompt",
    "revisedPrompt",
    "promptMode",
    "composerPrompt",
    "composerInsertedPrompts",
    "quality",
    "size",
    "format",
    "model",
    "reasoningEffort",
    "elapsed",
    "provider",
    "providerUrl",
    "usage",
    "webSearchCalls",
    "sessionId",
    "nodeId",
    "parentNodeId",
    "clientNodeId",
    "requestId",
    "kind",
    "canvasVersion",
    "canvasSourceFilename",
    "canvasEditableFilename",
    "canvasMergedAt",
    "annotationsBaked",
    "annotationSnapshot",
    "annotationOnly",
    "setId",
    "cardId",
    "cardOrder",
    "headline",
    "body",
    "cards",
    "refsCount",
    "sequenceId",
    "sequenceIndex",
    "sequenceTotalRequested",
    "sequenceTotalReturned",
    "sequenceStatus",
    "isFavorite",
]
HOSTILE = "<img src=x onerror=alert(1)>\"'></script><script>alert(2)</script>\x1b]52;c;aGk=\x07\u202e"


async def page(served: Served, query: str = "", **headers: str) -> dict[str, Any]:
    answer = await served.client.get(f"/api/history?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rows_have_every_field_existing_galleries_read(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await served.make(sessionId="s1", quality="low", composerPrompt="cp")
        row = (await page(served))["items"][0]
        assert set(FIELDS) <= row.keys()
        assert (row["filename"], row["url"], row["requestId"]) == (made["filename"], made["url"], made["requestId"])
        assert (row["mediaType"], row["format"], row["size"]) == ("image", "png", "64x64")
        assert (row["quality"], row["sessionId"], row["composerPrompt"]) == ("low", "s1", "cp")
        assert (row["isFavorite"], row["webSearchCalls"], row["headline"]) == (False, 0, None)

    run(env, work)


def test_pages_cover_everything_once(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await served.make(n=24, inline=False)
        seen: list[str] = []
        query = "limit=7"
        while True:
            listed = await page(served, query)
            assert listed["total"] == 24
            seen += [row["filename"] for row in listed["items"]]
            if listed["nextCursor"] is None:
                break
            cursor = listed["nextCursor"]
            query = f"limit=7&before={cursor['before']}&beforeFilename={quote(cursor['beforeFilename'])}"
        assert sorted(seen) == sorted(each["filename"] for each in made["images"])
        assert len((await page(served, "limit=0"))["items"]) == 1
        assert len((await page(served, "limit=99999"))["items"]) == 24

    run(env, work)


def test_filters(env: Env) -> None:
    async def work(served: Served) -> None:
        one, two = await served.make(sessionId="s1"), await served.make()
        assert [row["requestId"] for row in (await page(served, "sessionId=s1"))["items"]] == [one["requestId"]]
        by_job = await page(served, f"requestId={two['requestId']}")
        assert [row["filename"] for row in by_job["items"]] == [two["filename"]]
        assert (await page(served, "since=99999999999999"))["items"] == []
        grouped = await page(served, "groupBy=session")
        assert [session["sessionId"] for session in grouped["sessions"]] == ["s1"]
        assert [row["filename"] for row in grouped["loose"]] == [two["filename"]]
        for query in ("limit=x", "before=-1", "since=1e9", "before=٣", "limit=" + "9" * 30):
            answer = await served.client.get(f"/api/history?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_FIELD")

    run(env, work)


def test_favourites_by_identity_and_shared_without_one(env: Env) -> None:
    async def work(served: Served) -> None:
        filename = (await served.make())["filename"]
        me = {"X-Ima2-Browser-Id": "me"}

        async def toggle(headers: dict[str, str]) -> bool:
            answer = await served.client.post("/api/history/favorite", json={"filename": filename}, headers=headers)
            return answer.json()["isFavorite"]

        assert await toggle(me) is True
        assert (await page(served, **me))["items"][0]["isFavorite"] is True
        assert (await page(served))["items"][0]["isFavorite"] is False
        assert len((await page(served, "favoritesOnly=1", **me))["items"]) == 1
        assert (await page(served, "favoritesOnly=true"))["items"] == []
        assert await toggle({}) is True
        assert len((await page(served, "favoritesOnly=1"))["items"]) == 1
        assert await toggle(me) is False
        for body, status in (
            ({}, 400),
            ({"filename": 7}, 400),
            ({"filename": "no.png"}, 404),
            ({"filename": "../x"}, 400),
        ):
            assert (await served.client.post("/api/history/favorite", json=body)).status_code == status

    run(env, work)


def test_deleting_comes_with_the_way_back(env: Env) -> None:
    async def work(served: Served) -> None:
        made = await served.make()
        path = f"/api/history/{made['filename']}"
        gone = (await served.client.delete(path)).json()
        assert gone["trashId"]
        assert gone.keys() >= {"ok", "filename", "trash", "undoableInApp", "sessionsTouched", "nodesTouched"}
        assert (await served.client.get(made["url"])).status_code == 404
        assert (await page(served))["items"] == []
        assert (await served.client.delete(path)).status_code == 404
        assert (await served.client.post(f"{path}/restore", json={})).status_code == 400
        back = await served.client.post(f"{path}/restore", json={"trashId": gone["trashId"]})
        assert back.json()["ok"] is True
        assert (await served.client.get(made["url"])).status_code == 200
        assert (await served.client.delete(f"{path}/permanent")).json()["ok"] is True
        assert (await served.client.post(f"{path}/restore", json={"trashId": gone["trashId"]})).status_code == 404

    run(env, work)


@pytest.mark.parametrize("name", ["..%2f..%2fima2.db", "%2e%2e", "a%00b.png", ".env", "C:%5cx.png", "nul", "x" * 1000])
def test_names_that_are_no_names(env: Env, name: str) -> None:
    async def work(served: Served) -> None:
        for method, path in (("DELETE", ""), ("DELETE", "/permanent"), ("POST", "/restore")):
            body = {"trashId": "01JD0000000000000000000000"} if method == "POST" else None
            answer = await served.client.request(method, f"/api/history/{name}{path}", json=body)
            assert answer.status_code in (400, 404, 405), answer.text
        assert served.studio.paths.database.exists()

    run(env, work)


def test_a_hostile_prompt_stays_data(env: Env) -> None:
    async def work(served: Served) -> None:
        await served.make(prompt=HOSTILE)
        answer = await served.client.get("/api/history")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json()["items"][0]["userPrompt"] == HOSTILE
        index = await served.client.get("/")
        assert "<script" not in index.text
        assert "onerror=alert(1)>" not in index.text
        assert "&lt;img src=x onerror=alert(1)&gt;" in index.text

    run(env, work)


def test_importing_a_picture(env: Env) -> None:
    async def work(served: Served) -> None:
        async def send(data: bytes, kind: str, name: str = "") -> Any:
            headers = {"Content-Type": kind, "X-Ima2-Original-Filename": name}
            return await served.client.post("/api/history/import-local", content=data, headers=headers)

        taken = await send(png(), "image/png", quote("../../etc/연.png"))
        assert taken.status_code == 201
        item = taken.json()["item"]
        assert item["kind"] == "imported"
        assert (await served.client.get(item["url"])).content == png()
        sidecar = json.loads((served.studio.store.folder / f"{item['filename']}.json").read_text())
        assert sidecar["originalFilename"] == "연.png"
        assert (await send(b"", "image/png")).json()["code"] == "EMPTY_IMPORT"
        for data in (b"<svg onload=alert(1)/>", png()[:50], b"GIF89a", b"\x00" * 100):
            assert (await send(data, "image/png")).json()["code"] == "IMPORT_BAD_FORMAT"
        for kind in (
            "text/plain",
            "multipart/form-data; boundary=x",
            "image/svg+xml",
            "application/x-www-form-urlencoded",
        ):
            assert (await send(png(), kind)).status_code == 415
        assert not list(served.studio.paths.spool.glob("imported-*"))
        assert (await page(served))["total"] == 1

    run(env, work)


def test_metadata_of_a_picture(env: Env) -> None:
    async def work(served: Served) -> None:
        image = (await served.make())["image"]

        async def read(value: Any) -> tuple[int, dict[str, Any]]:
            answer = await served.client.post("/api/metadata/read", json={"dataUrl": value})
            return answer.status_code, answer.json()

        status, said = await read(image)
        assert (status, said["ok"], said["metadata"], said["code"]) == (200, True, None, "IMAGE_METADATA_NOT_FOUND")
        for odd in (None, 7, "", "data:image/png;base64,!!"):
            status, said = await read(odd)
            assert (status, said["ok"], said["code"]) == (400, False, "IMAGE_METADATA_INVALID")
        assert (await read("data:text/plain;base64,aGVsbG8="))[1]["code"] == "IMAGE_METADATA_UNSUPPORTED_FORMAT"
        assert (await read("A" * ((12 << 20) + 1)))[0] == 413

    run(env, work)
