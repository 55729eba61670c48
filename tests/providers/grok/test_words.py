"""A question about pictures: what is sent to xAI, what its answers mean, recorded ones among them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import Message, Reply, Request, Turn, Usage, Warning
from ima2_grok.words.catalogue import live
from ima2_grok.words.converse import read
from ima2_kit.context import QuickClock, open_context
from ima2_kit.upstreams import Answer, ScriptedUpstream, exchanges, json_answer, replay, text_answer, xai
from ima2_kit.upstreams.recorded import body_of
from providers.grok.filming import KEY, RECORDED
from providers.grok.piping import picture

from ima2_grok import plugin

ROUTE = "POST /v1/responses"


def answered(text: str = "A kite.", **more: Any) -> dict[str, Any]:
    return xai.searched(text, calls=0, **more)


def converse(
    folder: Path, *answers: Answer, images: Sequence[bytes] = (), turn: Turn | None = None, **settings: Any
) -> tuple[list[Any], list[Any], Ima2Error | None]:
    """(events, bodies sent, what ended it)."""

    async def main() -> tuple[list[Any], list[Any], Ima2Error | None]:
        events: list[Any] = []
        failure: Ima2Error | None = None
        async with ScriptedUpstream() as upstream:
            upstream.say(ROUTE, *answers)
            given = {"base_url": f"{upstream.url}/v1", "home": str(folder), **settings}
            async with open_context(
                plugin.ima2_provider(), folder, settings=given, credentials={"apiKey": KEY}, clock=QuickClock()
            ) as context:
                inputs = tuple(context.add(each) for each in images)
                message = Message(text="What is it?", references=inputs)
                asked = turn or Turn(model="grok-4.3", instructions="Be brief.", messages=(message,))
                try:
                    async for event in plugin.ima2_converse(asked, context):
                        events.append(event)  # noqa: PERF401 - an error must not take these with it
                except Ima2Error as error:
                    failure = error
            assert {each.headers.get("authorization") for each in upstream.received} == {f"Bearer {KEY}"}
            return events, [each.json for each in upstream.received], failure

    return asyncio.run(main())


def test_two_pictures_and_a_question_are_one_request(tmp_path: Path) -> None:
    events, (body,), failure = converse(tmp_path, json_answer(answered()), images=[picture(), picture()])
    assert failure is None
    assert [type(event) for event in events] == [Usage, Reply]
    assert events[-1].text == "A kite."
    assert events[0].cost_usd == xai.SEARCH_TICKS / 10**10
    assert (body["model"], body["store"], body["stream"], set(body)) == (
        "grok-4.3",
        False,
        False,
        {"model", "store", "stream", "input"},
    )
    system, user = body["input"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["input_image", "input_image", "input_text"]
    assert {part["detail"] for part in user["content"][:2]} == {"high"}
    assert all(part["image_url"].startswith("data:image/") for part in user["content"][:2])
    assert user["content"][2]["text"] == "What is it?"


def test_a_conversation_keeps_its_order(tmp_path: Path) -> None:
    messages = (Message(text="one"), Message(role="assistant", text="two"), Message(text="three"))
    _, (body,), _ = converse(tmp_path, json_answer(answered()), turn=Turn(model="grok-5", messages=messages))
    assert body["model"] == "grok-5"
    assert body["input"] == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]


def test_a_recorded_answer_is_read() -> None:
    value = json.loads(body_of(exchanges(RECORDED / "responses-web-search-grok43.json")[0]["response"]))
    said = read(value)
    assert len(said) == 350
    assert said.startswith("**The latest stable Ruby version is 4.0.6** (released July 14, 2026).")


def test_an_answer_that_was_cut_short_says_so(tmp_path: Path) -> None:
    cut = answered("A kite ov", status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    events, _, _ = converse(tmp_path, json_answer(cut))
    (warning,) = [event for event in events if isinstance(event, Warning)]
    assert (warning.code, "max_output_tokens" in warning.message) == ("REPLY_CUT", True)
    assert events[-1] == Reply(text="A kite ov")


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (json_answer(answered("")), "GROK_REPLY_EMPTY_RESPONSE", 502),
        (json_answer({"output": []}), "GROK_REPLY_EMPTY_RESPONSE", 502),
        (json_answer({"status": "failed", "output": [], "error": {"message": "sorry"}}), "GROK_UPSTREAM_ERROR", 502),
        (json_answer({"code": "invalid-argument", "error": "no"}, 400), "GROK_REPLY_BAD_REQUEST", 400),
        (json_answer({"error": "content moderation"}, 400), "MODERATION_REFUSED", 422),
        (text_answer("<html>", 502), "GROK_UPSTREAM_ERROR", 502),
        (replay(RECORDED / "error-400-invalid-api-key-responses.json"), "GROK_AUTH_FAILED", 502),
        (replay(RECORDED / "error-429-images-credits-exhausted.json"), "GROK_CREDITS_EXHAUSTED", 429),
    ],
)
def test_what_is_no_answer(tmp_path: Path, answer: Answer, code: str, status: int) -> None:
    events, _, failure = converse(tmp_path, answer.but(repeat=True))
    assert failure is not None
    assert (failure.code, failure.status, failure.paid, failure.step) == (code, status, "no", "reply")
    assert not [event for event in events if isinstance(event, Reply)]


@pytest.mark.parametrize("first", [text_answer("busy", 503), json_answer({"error": "Too many requests"}, 429)])
def test_a_passing_fault_is_asked_once_more(tmp_path: Path, first: Answer) -> None:
    events, bodies, failure = converse(tmp_path, first, json_answer(answered()))
    assert failure is None
    assert events[-1] == Reply(text="A kite.")
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_silence_ends_in_its_time(tmp_path: Path) -> None:
    _, _, failure = converse(tmp_path, json_answer(answered()).but(delay=30), video_analyze_timeout_ms=50)
    assert failure is not None
    assert (failure.code, failure.status) == ("VIDEO_TIMEOUT", 504)


def test_a_cut_connection_is_the_network(tmp_path: Path) -> None:
    answer = json_answer(answered()).but(stop=40, ending="reset", repeat=True)
    _, _, failure = converse(tmp_path, answer)
    assert failure is not None
    assert failure.code == "GROK_REPLY_NETWORK_FAILED"


@pytest.mark.parametrize(("model", "fine"), [("grok-4.3", True), ("grok-9", True), ("gpt-5.4", False)])
def test_the_model_must_be_one_of_words(model: str, fine: bool) -> None:
    request = Request(id="job-1", kind="text", operation="analyze", surface="video", prompt="?", model=model)
    problems = plugin.ima2_check(request)
    assert [problem.code for problem in problems] == ([] if fine else ["INVALID_GROK_TEXT_MODEL"])
    (step,) = plugin.ima2_steps(request)
    assert (model in step.summary, step.paid) == (True, True)


def test_the_live_list_has_those_that_see() -> None:
    entries = [
        {"id": "grok-4.3", "aliases": ["grok-latest", "grok-4.3"], "input_modalities": ["text", "image"]},
        {"id": "grok-9", "input_modalities": ["text", "image"]},
        {"id": "grok-blind", "input_modalities": ["text"]},
        {"id": "grok-silent"},
    ]
    found = live(entries)
    assert [(model.id, model.kind, model.aliases) for model in found] == [
        ("grok-4.3", "text", ("grok-latest",)),
        ("grok-9", "text", ()),
    ]
