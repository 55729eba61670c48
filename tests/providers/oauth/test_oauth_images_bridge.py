"""The bridge as other programs use it for pictures: with OpenAI's own library, any key, and no retries of its own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from chatgpt_images import EDITS, GENERATIONS, RESPONSES, png, sign_in
from ima2.hookspecs import ModelInfo
from ima2.upstream.bridge import Bridge
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, chatgpt, events, json_answer
from ima2_kit.upstreams import openai as service
from ima2_oauth.bridge import spec
from ima2_oauth.catalogue import live

from ima2_oauth import plugin

Work = Callable[[openai.AsyncOpenAI, str], Awaitable[Any]]


def lend(
    folder: Path, script: Mapping[str, Sequence[Answer]], work: Work, models: Sequence[ModelInfo] = ()
) -> tuple[Any, list[Received]]:
    """Run ``work`` with a client of the bridge and its address; its result, and what the service was sent."""

    async def go() -> tuple[Any, list[Received]]:
        async with ScriptedUpstream(script, refuse=chatgpt.refuse) as upstream:
            given = {"base_url": f"{upstream.url}{chatgpt.BASE}", "use_codex": False, "bridge_port": 0}
            info = plugin.ima2_provider()
            async with (
                open_context(info, folder, settings=given, credentials=sign_in(), live_models=models) as context,
                Bridge(spec(context), context.client) as bridge,
                openai.AsyncOpenAI(base_url=f"{bridge.url}/v1", api_key="anything") as client,
            ):
                async with asyncio.timeout(60):
                    return await work(client, bridge.url), upstream.received

    return asyncio.run(go())


def data(entry: Any) -> bytes:
    return base64.b64decode(entry.b64_json)


def test_pictures(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.images.generate(prompt="a kite", model="gpt-image-2", size="1536x1024", n=2, user="me")

    drawn = [chatgpt.drawn(png(shade=1)), chatgpt.drawn(png(shade=2))]
    made, sent = lend(tmp_path, {GENERATIONS: drawn}, work)
    assert [data(entry) for entry in made.data] == [png(shade=1), png(shade=2)]
    assert (made.usage.total_tokens, made.usage.input_tokens_details.text_tokens) == (1880, 80)
    assert [each.json["n"] for each in sent] == [1, 1]
    assert sent[0].json["prompt"] == "a kite\n\nAspect ratio: 3:2 landscape."
    assert sent[0].headers["authorization"].startswith("Bearer ey")


def test_pictures_as_a_stream(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        stream = await client.images.generate(prompt="a kite", stream=True, partial_images=2)
        return [event async for event in stream]

    [event], _ = lend(tmp_path, {GENERATIONS: [chatgpt.drawn(png())]}, work)
    assert (event.type, data(event), event.usage.total_tokens) == ("image_generation.completed", png(), 940)


@pytest.mark.parametrize("stream", [False, True])
def test_edits_of_files(tmp_path: Path, stream: bool) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        answer: Any = await client.images.edit(
            image=[png(shade=1), png(shade=2)], prompt="at night", quality="high", stream=stream
        )
        return [event async for event in answer] if stream else answer.data

    [made], [sent] = lend(tmp_path, {EDITS: [chatgpt.drawn(png(), tokens_in=9)]}, work)
    assert data(made) == png()
    assert sent.headers["content-type"] == "application/json"
    urls = [image["image_url"] for image in sent.json["images"]]
    assert [base64.b64decode(url.partition(",")[2]) for url in urls] == [png(shade=1), png(shade=2)]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    assert sent.json["quality"] == "high"


def test_what_the_service_can_not_do_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> list[str | None]:
        codes = []
        for changes in ({"mask": png()}, {"image": [png()] * 6}, {"image": b"no picture"}, {"prompt": " "}, {"n": 11}):
            asked: dict[str, Any] = {"image": png(), "prompt": "at night", **changes}
            with pytest.raises(openai.BadRequestError) as caught:
                await client.images.edit(**asked)
            codes.append(caught.value.code)
        return codes

    codes, sent = lend(tmp_path, {}, work)
    wanted = ["MASK_UNSUPPORTED", "REF_TOO_MANY", "REF_UNSUPPORTED_FORMAT", "INVALID_PROMPT", "INVALID_COUNT"]
    assert (codes, sent) == (wanted, [])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (chatgpt.usage_limit(), openai.RateLimitError),
        (json_answer({"detail": "overloaded"}, 503), openai.InternalServerError),
        (json_answer({"detail": {"code": "deactivated_workspace"}}, 402), openai.APIStatusError),
    ],
)
@pytest.mark.parametrize("route", [GENERATIONS, RESPONSES])
def test_a_refusal_is_sent_once_and_in_the_usual_form(
    tmp_path: Path, answer: Answer, kind: type[openai.APIStatusError], route: str
) -> None:
    """The library tries 429 and 5xx again by itself, unless it is told not to."""

    async def work(client: openai.AsyncOpenAI, _: str) -> openai.APIStatusError:
        asked: Awaitable[Any] = (
            client.responses.create(model="gpt-5.5", input="a kite")
            if route == RESPONSES
            else client.images.generate(prompt="a kite")
        )
        with pytest.raises(kind) as caught:
            await asked
        return caught.value

    error, sent = lend(tmp_path, {route: [answer.but(repeat=True)]}, work)
    assert error.status_code == answer.status
    assert len(sent) == 1
    assert error.type


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.images.generate(prompt="a kite", n=3)

    made, sent = lend(tmp_path, {GENERATIONS: [chatgpt.drawn(png()), chatgpt.usage_limit()]}, work)
    assert (len(made.data), len(sent)) == (1, 2)


TOOL: Any = {"type": "image_generation"}


def test_a_hosted_picture_without_a_stream(tmp_path: Path) -> None:
    """Everything the service refuses is taken out, and the items that its last event lacks are put back."""

    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.responses.create(
            model="gpt-5.5", input="a kite", tools=[TOOL], max_output_tokens=99, temperature=1, user="me", store=True
        )

    made, [sent] = lend(tmp_path, {RESPONSES: [chatgpt.hosted(png())]}, work)
    [item] = [each for each in made.output if each.type == "image_generation_call"]
    assert base64.b64decode(item.result) == png()
    assert (sent.json["store"], sent.json["stream"], sent.json["instructions"]) == (False, True, "")
    assert sent.json["input"][0]["content"] == [{"type": "input_text", "text": "a kite"}]


def test_a_hosted_picture_as_a_stream(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        stream = await client.responses.create(model="gpt-5.5", input="a kite", tools=[TOOL], stream=True)
        return [event async for event in stream]

    made, _ = lend(tmp_path, {RESPONSES: [chatgpt.hosted(png(), partials=[png(8, 8)]).but(pieces=(97,))]}, work)
    kinds = [event.type for event in made]
    assert "response.image_generation_call.partial_image" in kinds
    [item] = [event.item for event in made if event.type == "response.output_item.done" and event.output_index == 0]
    assert base64.b64decode(item.result) == png()


def test_a_large_hosted_picture_without_a_stream(tmp_path: Path) -> None:
    large = png() + b"\x00" * (30 << 20)

    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.responses.create(model="gpt-5.5", input="a kite", tools=[TOOL])

    made, _ = lend(tmp_path, {RESPONSES: [chatgpt.hosted(large).but(pieces=(65_537,))]}, work)
    assert base64.b64decode(made.output[0].result) == large


def test_a_lite_model_gets_the_lite_shape(tmp_path: Path) -> None:
    models = live({"models": [{"slug": "gpt-6-sol", "use_responses_lite": True}]})

    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.responses.create(
            model="gpt-6-sol", input="a kite", tools=[TOOL], instructions="Draw.", reasoning={"effort": "minimal"}
        )

    _, [sent] = lend(tmp_path, {RESPONSES: [chatgpt.hosted(png())]}, work, models)
    assert sent.headers[chatgpt.LITE_HEADER] == "true"
    assert [item["type"] for item in sent.json["input"]] == ["additional_tools", "message", "message"]
    assert sent.json["reasoning"]["effort"] == "low"


@pytest.mark.parametrize(
    ("made", "status"),
    [
        ([{"type": "error", "error": {"type": "usage_limit_reached", "message": "limit"}, "status_code": 429}], 429),
        ([{"type": "error", "code": "server_error", "message": "broken"}], 502),
        (service.stream([], end=None), 502),
    ],
)
def test_a_failure_inside_the_stream_is_an_error(tmp_path: Path, made: list[Any], status: int) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> int:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.responses.create(model="gpt-5.5", input="a kite")
        return caught.value.status_code

    told, sent = lend(tmp_path, {RESPONSES: [events(made)]}, work)
    assert (told, len(sent)) == (status, 1)


def test_a_picture_of_a_stream_that_was_cut_is_kept(tmp_path: Path) -> None:
    async def work(client: openai.AsyncOpenAI, _: str) -> Any:
        return await client.responses.create(model="gpt-5.5", input="a kite")

    cut = events(service.stream([service.image_item(png())], end=None))
    made, _ = lend(tmp_path, {RESPONSES: [cut]}, work)
    assert (made.status, base64.b64decode(made.output[0].result)) == ("incomplete", png())


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("responses", b"{", "INVALID_JSON"),
        ("responses", b"[" * 100_000, "INVALID_JSON"),
        ("responses", b"[]", "INVALID_JSON"),
        ("images/generations", b"", "INVALID_JSON"),
        ("responses", json.dumps({"previous_response_id": "resp_1"}).encode(), "STATE_UNSUPPORTED"),
        ("responses", json.dumps({"input": [{"type": "item_reference", "id": "x"}]}).encode(), "STATE_UNSUPPORTED"),
        ("images/generations", json.dumps({"prompt": "a", "n": "many"}).encode(), "INVALID_COUNT"),
    ],
)
def test_bodies_that_are_none(tmp_path: Path, path: str, body: bytes, code: str) -> None:
    async def work(_: openai.AsyncOpenAI, url: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            headers = {"content-type": "application/json"}
            return await client.post(f"{url}/v1/{path}", content=body, headers=headers)

    answer, sent = lend(tmp_path, {}, work)
    assert (answer.status_code, answer.json()["error"]["code"], sent) == (400, code, [])


def test_bodies_that_are_too_large(tmp_path: Path) -> None:
    async def work(_: openai.AsyncOpenAI, url: str) -> list[int]:
        async with httpx.AsyncClient(timeout=60) as client:
            text = await client.post(f"{url}/v1/responses", content=b'"' + b"x" * (61 << 20))
            files = {"image": ("a.png", png() + b"\x00" * (61 << 20))}
            form = await client.post(f"{url}/v1/images/edits", data={"prompt": "a"}, files=files)
            return [text.status_code, form.status_code]

    told, sent = lend(tmp_path, {}, work)
    assert (told, sent) == ([413, 413], [])
