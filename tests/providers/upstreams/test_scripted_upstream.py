"""The scripted stand-in itself: what it says on the wire is what the script says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from ima2_kit.upstreams import Answer, ScriptedUpstream, events, json_answer, replay, text_answer
from ima2_kit.upstreams.script import load

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
ROUTE = "POST /v1/responses"


async def post(url: str, **more: object) -> httpx.Response:
    async with httpx.AsyncClient(timeout=5) as client:
        return await client.post(f"{url}/v1/responses", json={"model": "m", **more})


def test_answers_come_in_order_and_a_call_too_many_is_seen() -> None:
    async def run() -> list[int]:
        async with ScriptedUpstream({ROUTE: [json_answer({"a": 1}), text_answer("no", 503)]}) as upstream:
            codes = [(await post(upstream.url)).status_code for _ in range(3)]
            assert [each.json["model"] for each in upstream.sent(ROUTE)] == ["m", "m", "m"]
            return codes

    assert asyncio.run(run()) == [200, 503, 500]


def test_a_repeating_answer_stays() -> None:
    async def run() -> list[int]:
        async with ScriptedUpstream({ROUTE: [json_answer({}, 429).but(repeat=True)]}) as upstream:
            return [(await post(upstream.url)).status_code for _ in range(3)]

    assert asyncio.run(run()) == [429, 429, 429]


@pytest.mark.parametrize("pieces", [(), (1,), (3, 1, 50)])
def test_the_body_arrives_whole_however_it_is_split(pieces: tuple[int, ...]) -> None:
    answer = events([{"type": "response.created", "text": "grüße"}], newline="\r\n")

    async def run() -> httpx.Response:
        async with ScriptedUpstream({ROUTE: [answer.but(pieces=pieces)]}) as upstream:
            return await post(upstream.url)

    got = asyncio.run(run())
    assert got.content == answer.body
    assert got.headers["content-type"] == "text/event-stream"


def test_pieces_are_cut_where_the_script_says() -> None:
    assert list(Answer(body=b"abcdefgh", pieces=(1, 3), stop=7).split()) == [b"a", b"bcd", b"efg"]


def test_a_cut_connection_is_an_error_for_the_client() -> None:
    async def run() -> None:
        async with ScriptedUpstream({ROUTE: [Answer(body=b"abcdef", stop=3, ending="cut")]}) as upstream:
            await post(upstream.url)

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(run())


def test_silence_lasts_until_the_client_gives_up_and_the_stand_in_can_stop() -> None:
    async def run() -> None:
        silent = Answer(body=b"abc", ending="silence")
        async with ScriptedUpstream({ROUTE: [silent]}) as upstream, httpx.AsyncClient(timeout=0.2) as client:
            await client.post(f"{upstream.url}/v1/responses", content=b"{}")

    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(run())


def test_every_recorded_form_is_replayed() -> None:
    for path in sorted(RECORDED.iterdir()):
        if path.name not in {"NOTICE.md", "errors-reported.json"} and not path.name.endswith(".request.json"):
            answer = replay(path)
            assert answer.body
            expected = int(path.name.split("-")[1]) if path.name.startswith("error-4") else 200
            assert answer.status == expected, path.name


def test_a_script_file_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    answers = [{"events": [{"type": "x"}], "pieces": [1]}, {"json": {"ok": True}, "status": 201, "headers": {"A": "b"}}]
    script.write_text(json.dumps({"routes": {ROUTE: answers}}))
    command = [sys.executable, "-m", "ima2_kit.upstreams", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            first = httpx.post(f"{url}/v1/responses", json={"n": 1})
            second = httpx.post(f"{url}/v1/responses", content=b"not json")
            log = httpx.get(f"{url}/_log").json()
        finally:
            process.kill()
    assert first.text == 'event: x\ndata: {"type": "x"}\n\n'
    assert (second.status_code, second.json(), second.headers["a"]) == (201, {"ok": True}, "b")
    assert [(each["method"], each["path"]) for each in log] == [("POST", "/v1/responses")] * 2
    assert (log[0]["json"], log[1]["text"]) == ({"n": 1}, "not json")


@pytest.mark.parametrize("item", [{}, {"json": {}, "colour": 1}, {"status": 200}])
def test_a_script_that_makes_no_sense_is_refused(tmp_path: Path, item: dict[str, object]) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"routes": {ROUTE: [item]}}))
    with pytest.raises(ValueError, match=ROUTE):
        load(script)
