"""What only the author can know: what is sent, and which failure becomes which error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from ima2.errors import AuthFailed, Ima2Error, NoImage, NotReady, RateLimited, Refused, UpstreamError
from ima2.hookspecs import Ask, SignedIn
from ima2.models import Call, Media
from ima2_acme import plugin
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, text_answer

KEY = "acme-not-a-real-key"
PICTURE = {"id": "img-1", "image": "aGVsbG8="}


def draw(ima2_context: Callable[..., Any], answer: Answer, **parameters: Any) -> tuple[list[Any], list[Any]]:
    """The events of one call, and the bodies that were sent."""

    async def run() -> tuple[list[Any], list[Any]]:
        async with ScriptedUpstream({"POST /v1/images": [answer]}) as upstream:
            settings = {"base_url": f"{upstream.url}/v1", "api_key": KEY}
            async with ima2_context(plugin.ima2_provider(), settings=settings) as context:
                call = Call(key="job-1.0", prompt="a red fox", model="acme-2", parameters=parameters)
                async with aclosing(plugin.ima2_generate_image(call, context)) as stream:
                    events = [event async for event in stream]
            return events, [received.json for received in upstream.received]

    return asyncio.run(run())


def test_sends_what_was_asked_and_nothing_else(ima2_context: Callable[..., Any]) -> None:
    events, sent = draw(ima2_context, json_answer(PICTURE), size="1536x1024", seed=7, quality=None, mood="wild")
    expected = {
        "model": "acme-2",
        "prompt": "a red fox",
        "format": "png",
        "size": "1536x1024",
        "seed": 7,
        "mood": "wild",
    }
    assert sent == [expected]
    assert isinstance(events[-1], Media)
    assert events[-1].path.read_bytes() == b"hello"


@pytest.mark.parametrize(
    ("answer", "error", "paid"),
    [
        (json_answer({}, 401), AuthFailed, "no"),
        (json_answer({}, 429, retry_after="3"), RateLimited, "no"),
        (json_answer({"code": "moderation"}, 400), Refused, "no"),
        (text_answer("<h1>Bad gateway</h1>", 502), UpstreamError, "maybe"),
        (json_answer({"code": "bad_size"}, 400), UpstreamError, "no"),
        (json_answer({"id": "img-1"}), NoImage, "yes"),
        (json_answer({"image": "*"}), NoImage, "yes"),
        (json_answer([]), NoImage, "yes"),
        (json_answer(PICTURE).but(stop=5, ending="cut"), UpstreamError, "maybe"),
    ],
)
def test_says_what_went_wrong(
    ima2_context: Callable[..., Any], answer: Answer, error: type[Ima2Error], paid: str
) -> None:
    with pytest.raises(error) as caught:
        draw(ima2_context, answer)
    assert type(caught.value) is error
    assert caught.value.paid == paid
    assert KEY not in str(caught.value.to_dict())


def test_passes_on_how_long_to_wait(ima2_context: Callable[..., Any]) -> None:
    with pytest.raises(RateLimited) as caught:
        draw(ima2_context, json_answer({}, 429, retry_after="3"))
    assert caught.value.retry_after == 3


def test_signs_in_and_out(ima2_context: Callable[..., Any]) -> None:
    async def run() -> None:
        async with ima2_context(plugin.ima2_provider()) as context:
            auth = plugin.ima2_auth(context)
            session = auth.login("api_key")
            events = []
            async for event in session:
                events.append(type(event))
                if isinstance(event, Ask):
                    await session.answer(f" {KEY}\n")
            assert events == [Ask, SignedIn]
            assert (await plugin.ima2_status(context)).ready
            await auth.logout()
            assert not (await plugin.ima2_status(context)).ready
            with pytest.raises(NotReady):
                await anext(aiter(plugin.ima2_generate_image(Call(key="j.0", prompt="x", model="acme-2"), context)))

    asyncio.run(run())


def test_a_long_prompt_is_refused_before_it_is_sent() -> None:
    from ima2.models import Request

    (problem,) = plugin.ima2_check(Request(id="job-1", prompt="x" * 4001))
    assert problem.code == "PROMPT_TOO_LONG"
