"""Whole paid calls against a scripted stand-in: one request, whatever comes back."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import CallEvent, Media, Partial, Phase, Planned, Request, Sending, Submitted, Text, Usage, Warning
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, ScriptedUpstream, events, json_answer, openai, replay, text_answer
from PIL import Image

from ima2_openai import plugin

ROUTE = "POST /v1/responses"
RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
KEY = "sk-test-0123456789abcdef"
Ask = Callable[..., Request]


class Ran:
    """One request, run."""

    def __init__(self) -> None:
        self.planned: list[Any] = []
        self.events: list[CallEvent] = []
        self.error: Ima2Error | None = None
        self.sent: list[Any] = []

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def failure(self) -> Ima2Error:
        assert self.error is not None, self.events
        assert self.of(Media) == []
        return self.error


def run(
    folder: Path,
    request: Request,
    *answers: Answer,
    settings: dict[str, Any] | None = None,
    key: str | None = KEY,
    inputs: tuple[tuple[bytes, str], ...] = (),
) -> Ran:
    """Plan and generate with the stand-in giving ``answers``; files are checked while the spool is there."""

    async def go() -> Ran:
        ran = Ran()
        async with ScriptedUpstream({ROUTE: answers}) as upstream:
            given = {"base_url": f"{upstream.url}/v1", "api_key": key, **(settings or {})}
            async with open_context(plugin.ima2_provider(), folder, settings=given) as context:
                stored = tuple(context.add(data, role) for data, role in inputs)
                asked = request.model_copy(update={"references": stored})
                try:
                    ran.planned = [event async for event in plugin.ima2_plan(asked, context)]
                    for call in ran.planned[-1].plan.calls:
                        async for event in plugin.ima2_generate_image(call, context):
                            ran.events.append(event)
                except Ima2Error as error:
                    ran.error = error
            ran.sent = upstream.sent(ROUTE)
        return ran

    return asyncio.run(go())


def test_a_picture(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    ran = run(tmp_path, ask(), openai.picture(make_png()))
    [media] = ran.of(Media)
    assert media.path.read_bytes() == make_png()
    assert media.media_type == "image/png"
    assert media.revised_prompt == "A crimson kite above a lake"
    assert media.claimed["size"] == "1024x1024"
    kinds = [type(event) for event in ran.events]
    assert kinds == [Sending, Submitted, Phase, Media, Usage]
    assert ran.events[1] == Submitted(upstream_id=openai.RESPONSE_ID)
    [usage] = ran.of(Usage)
    assert (usage.total_tokens, usage.image_tokens, usage.web_search_calls, usage.cost_usd) == (30, 290, 0, None)
    [sent] = ran.sent
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json["model"] == "gpt-5.4-mini"
    assert sent.json["store"] is False


def test_a_picture_in_one_document(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    ran = run(tmp_path, ask(), openai.picture(make_png(), streamed=False), settings={"stream": False})
    assert [type(event) for event in ran.events] == [Sending, Submitted, Media, Usage]
    assert ran.sent[0].json["stream"] is False


def test_a_document_in_place_of_the_stream_asked_for(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    answer = openai.picture(make_png(), streamed=False)
    assert len(run(tmp_path, ask(), answer.but(headers={"Content-Type": "text/event-stream"})).of(Media)) == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/octet-stream", ""])
def test_a_stream_with_a_wrong_label(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes], content_type: str
) -> None:
    answer = openai.picture(make_png()).but(headers={"Content-Type": content_type} if content_type else {})
    assert len(run(tmp_path, ask(), answer).of(Media)) == 1


def test_drafts_belong_to_their_picture_and_are_none_themselves(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]
) -> None:
    drafts = [make_png(8, 8, (shade, 0, 0)) for shade in (1, 2, 3)]
    ran = run(tmp_path, ask(partial_images=3), openai.picture(make_png(), partials=drafts))
    assert [event.path.read_bytes() for event in ran.of(Partial)] == drafts
    assert {event.index for event in ran.of(Partial)} == {0}
    assert len(ran.of(Media)) == 1
    assert ran.sent[0].json["tools"][0]["partial_images"] == 3


def test_two_pictures_with_interleaved_drafts(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    one, two = make_png(8, 8, (1, 0, 0)), make_png(8, 8, (2, 0, 0))
    whole = openai.stream([openai.image_item(one), openai.image_item(two, index=2)])
    draft = {"type": "response.image_generation_call.partial_image", "partial_image_index": 0}
    halves = [
        {**draft, "item_id": f"ig_{index}", "output_index": index - 1, "partial_image_b64": _text(make_png(4, 4))}
        for index in (2, 1)
    ]
    opened = [event for event in whole if event["type"] == "response.output_item.added"]
    rest = [event for event in whole if event not in opened]
    ran = run(tmp_path, ask(), events([*rest[:2], *opened, *halves, *rest[2:]]))
    assert [event.index for event in ran.of(Partial)] == [1, 0]
    assert [media.path.read_bytes() for media in ran.of(Media)] == [one, two]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_same_picture_twice_is_one(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    assert len(run(tmp_path, ask(), openai.pictures([make_png(), make_png(), make_png(9, 9)])).of(Media)) == 2


def test_a_result_that_comes_only_with_the_last_event(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    early, late = openai.image_item("", status="generating"), openai.image_item(make_png())
    told = openai.stream([early], end=None)
    ran = run(
        tmp_path,
        ask(),
        events([*told, {"type": "response.completed", "response": openai.response("completed", [late])}]),
    )
    assert len(ran.of(Media)) == 1
    assert ran.of(Warning) == []


@pytest.mark.parametrize("wrap", ["data:image/png;base64,{}", "{}\n", "unpadded", "lines"])
def test_base64_as_gateways_write_it(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes], wrap: str) -> None:
    text = _text(make_png(10, 10))
    written = {
        "unpadded": text.rstrip("="),
        "lines": "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76)),
    }.get(wrap, wrap.format(text))
    answer = events(openai.stream([openai.image_item(written)]))
    [media] = run(tmp_path, ask(), answer).of(Media)
    assert media.path.read_bytes() == make_png(10, 10)


@pytest.mark.parametrize("result", ["", "!!!!", "aGVsbG8=", "iVBORw0KGgo...", "A"])
def test_a_result_that_is_no_picture(tmp_path: Path, ask: Ask, result: str) -> None:
    ran = run(tmp_path, ask(), events(openai.stream([openai.image_item(result)])))
    assert (ran.failure.code, ran.failure.paid) == ("IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", "yes")


def test_thirty_megabytes_in_one_line(tmp_path: Path, ask: Ask) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 90_000
    ran = run(tmp_path, ask(), openai.picture(picture).but(pieces=(1, 65_537)))
    [media] = ran.of(Media)
    assert media.path.read_bytes() == picture
    assert ran.error is None


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("named", [True, False])
def test_line_ends_and_missing_event_lines(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes], newline: str, named: bool
) -> None:
    answer = events(openai.stream([openai.image_item(make_png(4, 4))]), newline=newline, named=named)
    assert len(run(tmp_path, ask(), answer.but(pieces=(1,))).of(Media)) == 1


def test_keep_alive_comments_are_skipped(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    body = openai.ping(openai.stream([openai.image_item(make_png())]))
    assert len(run(tmp_path, ask(), Answer(body=body)).of(Media)) == 1


def test_a_stream_cut_anywhere_keeps_the_picture_or_says_one_error(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]
) -> None:
    whole = openai.picture(make_png(2, 2))
    done = whole.body.index(b"\n\n", whole.body.index(b'"result"')) + 2
    for stop in sorted({*range(1, len(whole.body), 97), done - 1, done, done + 1}):
        ran = run(tmp_path / str(stop), ask(), whole.but(stop=stop, ending="cut"))
        assert len(ran.sent) == 1
        if stop >= done:
            assert len(ran.of(Media)) == 1, stop
            broken = [each.code for each in ran.of(Warning)]
            assert broken in (["STREAM_TRUNCATED"], []), stop
        else:
            assert ran.failure.paid == "maybe", stop


def test_a_stream_that_ends_early_without_a_break(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    ran = run(tmp_path, ask(), events(openai.stream([openai.image_item(make_png())], end=None)))
    assert [each.code for each in ran.of(Warning)] == ["STREAM_TRUNCATED"]
    assert len(ran.of(Media)) == 1
    ran = run(tmp_path, ask(), events(openai.stream([], end=None)))
    assert (ran.failure.code, ran.failure.paid) == ("STREAM_TRUNCATED", "maybe")


def test_silence_before_an_answer(tmp_path: Path, ask: Ask) -> None:
    ran = run(tmp_path, ask(), Answer(ending="silence"), settings={"idle_timeout": 0.2})
    assert (ran.failure.status, ran.failure.paid) == (504, "maybe")
    assert len(ran.sent) == 1


def test_silence_after_the_picture(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    told = events(openai.stream([openai.image_item(make_png())], end=None)).but(ending="silence")
    ran = run(tmp_path, ask(), told, settings={"idle_timeout": 0.2})
    assert len(ran.of(Media)) == 1
    assert [each.code for each in ran.of(Warning)] == ["STREAM_TRUNCATED"]


def test_a_connection_left_open_after_the_last_event_is_left(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]
) -> None:
    ran = run(tmp_path, ask(), openai.picture(make_png()).but(ending="silence"), settings={"idle_timeout": 3600.0})
    assert len(ran.of(Media)) == 1
    assert ran.of(Warning) == []


def test_a_body_that_ends_a_moment_later_leaves_the_connection_for_the_next_call(
    tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]
) -> None:
    answer = openai.picture(make_png())
    late = answer.but(body=answer.body + b": bye\n\n", pieces=(len(answer.body), 7), delay=0.05)
    ran = run(tmp_path, ask(n=2), late, late)
    assert len({each.port for each in ran.sent}) == 1


def test_nobody_listens(tmp_path: Path, ask: Ask) -> None:
    ran = run(tmp_path, ask(), settings={"base_url": "http://127.0.0.1:9/v1"})
    assert ran.failure.code == "NETWORK_FAILED"
    assert ran.failure.paid == "no"


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (replay(RECORDED / "error-401-invalid-api-key.json"), "AUTH_API_KEY_INVALID", 401),
        (replay(RECORDED / "error-429-insufficient-quota.body.json"), "INSUFFICIENT_QUOTA", 429),
        (json_answer(openai.error("rate_limit_exceeded", "slow"), 429), "RATE_LIMITED", 429),
        (json_answer(openai.error(None, "Your organization must be verified to use it"), 403), "ORG_NOT_VERIFIED", 403),
        (text_answer("<html><title>Attention</title></html>", 403, "text/html"), "UPSTREAM_GATEWAY", 502),
        (text_answer("upstream connect error", 503), "UPSTREAM_5XX", 502),
        (json_answer(openai.error("server_error", "oops"), 500), "UPSTREAM_5XX", 502),
        (text_answer("", 502), "UPSTREAM_5XX", 502),
        (text_answer("moved", 302, location="https://example.org/"), "INVALID_REQUEST", 400),
        (text_answer("<html><title>Hello</title></html>", 200, "text/html"), "STREAM_PARSE_FAILED", 422),
        (text_answer("", 200), "STREAM_PARSE_FAILED", 422),
        (text_answer("\n\n", 200), "STREAM_PARSE_FAILED", 422),
        (text_answer("data: {broken\n\n", 200), "STREAM_PARSE_FAILED", 422),
        (text_answer("[1, 2]", 200), "STREAM_PARSE_FAILED", 422),
        (text_answer("OK", 200), "STREAM_PARSE_FAILED", 422),
        (json_answer({"error": {"message": "m", "code": "server_error", "type": "t"}}), "UPSTREAM_5XX", 502),
        (json_answer({"detail": "Unsupported"}), "UPSTREAM_ERROR", 502),
        (json_answer({}), "EMPTY_RESPONSE", 422),
        (events(openai.stream([])), "EMPTY_RESPONSE", 422),
        (events(openai.stream([openai.message_item("")])), "EMPTY_RESPONSE", 422),
        (events(openai.stream([openai.message_item("I can't draw that here.")])), "IMAGE_TOOL_NOT_CALLED", 422),
        (events(openai.stream([openai.search_item()])), "WEB_SEARCH_ONLY_RESPONSE", 422),
        (events(openai.stream([openai.search_item(), openai.message_item("Rain.")])), "WEB_SEARCH_ONLY_RESPONSE", 422),
        (events(openai.stream([openai.image_item("", status="failed")])), "IMAGE_TOOL_FAILED", 422),
        (events(openai.stream([openai.image_item("", error={"message": "m", "type": "server_error"})])),
         "IMAGE_TOOL_FAILED", 422),
        (events(openai.stream([openai.image_item("")])), "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", 422),
        (events(openai.stream([], end="incomplete", incomplete_details={"reason": "max_output_tokens"})),
         "RESPONSE_INCOMPLETE", 422),
        (events(openai.stream([], end="incomplete", incomplete_details={"reason": "content_filter"})),
         "MODERATION_REFUSED", 422),
        (events(openai.failing_stream("server_error", "m")), "UPSTREAM_5XX", 502),
        (events(openai.failing_stream("server_error", "m", flat=True)), "UPSTREAM_5XX", 502),
        (events(openai.failing_stream("moderation_blocked", "m")[-1:]), "MODERATION_REFUSED", 422),
        (events(openai.failing_stream("image_too_small", "m")), "INVALID_REQUEST", 400),
    ],
)  # fmt: skip
def test_an_answer_without_a_picture_is_one_coded_error(
    tmp_path: Path, ask: Ask, answer: Answer, code: str, status: int
) -> None:
    ran = run(tmp_path, ask(), answer)
    assert (ran.failure.code, ran.failure.status) == (code, status)
    assert ran.failure.hint or code == "INVALID_REQUEST"
    assert ran.failure.step == "generate"
    assert len(ran.of(Sending)) == len(ran.sent) == 1, "a paid request is never sent again"


def test_moderation_names_its_stage(tmp_path: Path, ask: Ask) -> None:
    details = {"moderation_stage": "output", "categories": ["violence"]}
    error = {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "no"}
    item = openai.image_item("", status="failed", error={**error, "moderation_details": details})
    ran = run(tmp_path, ask(), events(openai.stream([item])))
    assert (ran.failure.code, ran.failure.paid, ran.failure.exit_code) == ("MODERATION_REFUSED", "maybe", 7)
    assert ran.failure.details["moderationStage"] == "output"
    assert ran.failure.details["moderationCategories"] == ["violence"]


def test_a_refusal_in_words(tmp_path: Path, ask: Ask) -> None:
    item = {"id": "m", "type": "message", "content": [{"type": "refusal", "refusal": "I won't."}]}
    told = [
        *openai.stream([], end=None),
        {"type": "response.refusal.delta", "item_id": "m", "output_index": 0, "delta": "I won't."},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": openai.response("completed", [item])},
    ]
    ran = run(tmp_path, ask(), events(told))
    assert (ran.failure.code, ran.failure.exit_code) == ("SAFETY_REFUSAL", 7)
    assert ran.failure.message.endswith("I won't.")


def test_words_are_streamed_once(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    items = [openai.image_item(make_png()), openai.message_item("Here is your kite, as asked.")]
    ran = run(tmp_path, ask(), events(openai.stream(items)))
    assert "".join(event.delta for event in ran.of(Text)) == "Here is your kite, as asked."
    assert len(ran.of(Text)) > 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_reported(tmp_path: Path, ask: Ask, headers: dict[str, str], seconds: float | None) -> None:
    answer = json_answer(openai.error("rate_limit_exceeded", "slow"), 429, x_request_id="req_9", **headers)
    ran = run(tmp_path, ask(), answer)
    assert ran.failure.retry_after == seconds
    assert ran.failure.details["upstreamRequestId"] == "req_9"


def test_a_failure_after_a_picture_keeps_the_picture(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    told = openai.stream([openai.image_item(make_png())], end=None)
    ran = run(tmp_path, ask(), events([*told, {"type": "error", "error": {"code": "server_error", "message": "late"}}]))
    assert len(ran.of(Media)) == 1
    [warning] = ran.of(Warning)
    assert warning.code == "STREAM_TRUNCATED"
    assert "late" in warning.message


def test_one_of_two_pictures_failed(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    items = [openai.image_item(make_png()), openai.image_item("", index=2, status="failed")]
    ran = run(tmp_path, ask(), events(openai.stream(items)))
    assert len(ran.of(Media)) == 1
    assert [each.code for each in ran.of(Warning)] == ["STREAM_TRUNCATED"]


def test_search_sources_go_with_the_picture(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    items = [openai.search_item(urls=["https://a.example/", "https://b.example/"]), openai.image_item(make_png())]
    ran = run(tmp_path, ask(web_search=True), events(openai.stream(items)))
    [media], [usage] = ran.of(Media), ran.of(Usage)
    assert media.claimed["sources"] == [{"url": "https://a.example/"}, {"url": "https://b.example/"}]
    assert usage.web_search_calls == 1
    assert [event.name for event in ran.of(Phase)] == ["search", "generate"]
    assert ran.sent[0].json["tools"][0] == {"type": "web_search"}


def test_a_request_cannot_switch_search_on(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    ran = run(tmp_path, ask(web_search=True), openai.picture(make_png()), settings={"web_search": False})
    assert [event.code for event in ran.planned if isinstance(event, Warning)] == ["WEB_SEARCH_DISABLED"]
    assert [tool["type"] for tool in ran.sent[0].json["tools"]] == ["image_generation"]


def test_minimal_reasoning_goes_without_search(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    ran = run(tmp_path, ask(web_search=True, reasoning_effort="minimal"), openai.picture(make_png()))
    assert [event.code for event in ran.planned if isinstance(event, Warning)] == ["WEB_SEARCH_DISABLED"]
    assert "web_search" not in str(ran.sent[0].json["tools"])


def test_drafts_without_a_stream_are_told(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    answer = openai.picture(make_png(), streamed=False)
    ran = run(tmp_path, ask(partial_images=2), answer, settings={"stream": False})
    assert [event.code for event in ran.planned if isinstance(event, Warning)] == ["PARTIALS_DISABLED"]


def test_several_pictures_are_several_calls(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    answers = [openai.picture(make_png(4, 4, (shade, 0, 0))) for shade in (1, 2, 3)]
    ran = run(tmp_path, ask(n=3), *answers)
    [planned] = [event for event in ran.planned if isinstance(event, Planned)]
    assert [call.key for call in planned.plan.calls] == ["job-1.0", "job-1.1", "job-1.2"]
    assert json.loads(planned.plan.model_dump_json())["calls"][0]["parameters"]["store"] is False
    assert len(ran.of(Media)) == len(ran.of(Sending)) == len(ran.sent) == 3


def test_an_edit_sends_source_references_and_mask(tmp_path: Path, ask: Ask, make_png: Callable[..., bytes]) -> None:
    source, other, mask = make_png(), make_png(9, 9), make_png(64, 48, (0, 0, 0, 0))
    ran = run(
        tmp_path,
        ask(operation="edit"),
        openai.picture(make_png()),
        inputs=((other, "reference"), (mask, "mask"), (source, "source")),
    )
    body = ran.sent[0].json
    urls = [part["image_url"] for part in body["input"][0]["content"][1:]]
    assert [base64.b64decode(url.partition(",")[2]) for url in urls] == [source, other]
    assert base64.b64decode(body["tools"][0]["input_image_mask"]["image_url"].partition(",")[2]) == mask


def test_no_key_comes_before_anything_else(tmp_path: Path, ask: Ask) -> None:
    ran = run(tmp_path, ask(), key=None)
    assert (ran.failure.code, ran.failure.status, ran.failure.exit_code) == ("API_KEY_REQUIRED", 401, 4)
    assert ran.failure.hint
    assert "ima2 login api" in ran.failure.hint
    assert ran.events == [] == ran.sent


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("responses-imagegen-gpt54-png.json", (1024, 1536)),
        ("responses-imagegen-gpt5-jpeg.json", (1536, 1024)),
        ("responses-imagegen-stream-gptimage2-2026-07.abridged.sse", (16, 16)),
    ],
)
def test_recordings_over_a_socket(tmp_path: Path, ask: Ask, name: str, size: tuple[int, int]) -> None:
    [media] = run(tmp_path, ask(), replay(RECORDED / name).but(pieces=(1000, 1, 4097))).of(Media)
    with Image.open(media.path) as image:
        image.load()
        assert image.size == size


def test_steps_say_what_would_be_sent(ask: Ask) -> None:
    [step] = plugin.ima2_steps(ask(n=4, size="1536x864", web_search=True))
    assert (step.count, step.paid) == (4, True)
    for word in ("gpt-5.4-mini", "gpt-image-2.6-sunburst", "1536x864", "search"):
        assert word in step.summary
