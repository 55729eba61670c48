"""Whole paid calls against a stand-in that refuses what the ChatGPT service refuses."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from chatgpt_images import EDITS, GENERATIONS, RESPONSES, Ran, ask, png, run
from ima2.models import Media, Partial, Phase, Planned, Sending, Submitted, Text, Usage, Warning
from ima2_kit.upstreams import Answer, chatgpt, events, json_answer, openai, text_answer
from ima2_oauth.pictures import Pictures
from PIL import Image

from ima2_oauth import hosted, native


def test_a_picture_by_the_images_route(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(quality="high"), {GENERATIONS: [chatgpt.drawn(png())]})
    assert ran.error is None
    assert [type(event) for event in ran.events] == [Phase, Sending, Submitted, Media, Usage]
    [media], [usage], [sent] = ran.of(Media), ran.of(Usage), ran.sent(GENERATIONS)
    assert ran.files == [png()]
    assert media.claimed == {
        "size": "1254x1254",
        "quality": "low",
        "background": "opaque",
        "format": "png",
        "tool_model": "gpt-image-2",
        "route": "images",
    }
    assert (usage.total_tokens, usage.image_tokens) == (940, 900)
    assert ran.of(Submitted) == [Submitted(upstream_id="imgreq_1")]
    assert sent.json == {"prompt": "a red kite", "model": "gpt-image-2", "size": "auto", "quality": "high", "n": 1}
    assert sent.headers["chatgpt-account-id"] == "account-0123456789"
    assert sent.headers["originator"] == "ima2"
    assert ran.plan
    assert ran.plan.model == "gpt-image-2"


def test_a_picture_by_the_responses_route(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [chatgpt.hosted(png())]})
    assert ran.error is None
    assert [type(event) for event in ran.events] == [Phase, Sending, Submitted, Phase, Media, Usage]
    [media], [sent] = ran.of(Media), ran.sent(RESPONSES)
    assert media.claimed["route"] == "responses"
    body = sent.json
    assert (body["store"], body["stream"], body["model"]) == (False, True, "gpt-5.4-mini")
    assert isinstance(body["input"], list)
    assert isinstance(body["instructions"], str)
    assert body["reasoning"] == {"effort": "low"}
    assert body["parallel_tool_calls"] is False
    assert [tool["type"] for tool in body["tools"]] == ["web_search", "image_generation"]
    assert body["tool_choice"] == {"type": "image_generation"}
    assert "model" not in body["tools"][1]
    assert "include" not in body
    assert sent.headers["accept"] == "text/event-stream"


def test_the_shape_goes_into_the_prompt_and_drift_is_told(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(size="1536x1024"), {GENERATIONS: [chatgpt.drawn(png(60, 60))]})
    [sent] = ran.sent(GENERATIONS)
    assert sent.json["prompt"] == "a red kite\n\nAspect ratio: 3:2 landscape."
    assert sent.json["size"] == "1536x1024"
    [warning] = ran.of(Warning)
    assert (warning.code, warning.normalized_to) == ("SIZE_DRIFT", "60x60")
    assert "1:1 square in place of 3:2 landscape" in warning.message
    same = run(tmp_path, ask(size="60x40", web_search=True), {RESPONSES: [chatgpt.hosted(png(30, 20))]})
    assert same.codes == ["SIZE_DRIFT"]
    assert "the same shape" in same.of(Warning)[0].message
    exact = run(tmp_path, ask(size="60x40"), {GENERATIONS: [chatgpt.drawn(png(60, 40))]})
    assert exact.codes == []


def test_another_format_than_asked_for_is_told(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(format="jpeg", web_search=True), {RESPONSES: [chatgpt.hosted(png())]})
    assert ran.codes == ["FORMAT_DRIFT"]
    assert ran.sent(RESPONSES)[0].json["tools"][1]["output_format"] == "jpeg"


def test_drafts(tmp_path: Path) -> None:
    drafts = [png(8, 8, shade) for shade in (1, 2)]
    ran = run(tmp_path, ask(partial_images=2), {RESPONSES: [chatgpt.hosted(png(), partials=drafts)]})
    assert [event.path.read_bytes() for event in ran.of(Partial)] == drafts
    assert len(ran.of(Media)) == 1
    assert ran.sent(RESPONSES)[0].json["tools"][0]["partial_images"] == 2


def test_several_pictures_are_several_calls(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(n=2), {GENERATIONS: [chatgpt.drawn(png(shade=1)), chatgpt.drawn(png(shade=2))]})
    assert ran.files == [png(shade=1), png(shade=2)]
    assert [each.json["n"] for each in ran.sent(GENERATIONS)] == [1, 1]


@pytest.mark.parametrize("route", ["responses", "images"])
def test_the_same_picture_twice_is_one(tmp_path: Path, route: str) -> None:
    twice = events(openai.stream([openai.image_item(png(), index=1), openai.image_item(png(), index=2)]))
    script = {RESPONSES: [twice], GENERATIONS: [chatgpt.drawn(png(), png())]}
    ran = run(tmp_path, ask(options={"route": route}), script)
    assert ran.files == [png()]


def test_references_make_an_edit_of_the_images_route(tmp_path: Path) -> None:
    script = {EDITS: [chatgpt.drawn(png(), tokens_in=300)]}
    inputs = [(png(shade=shade), "reference") for shade in range(4)] + [(png(shade=9), "source")]
    ran = run(tmp_path, ask(operation="edit"), script, inputs=inputs)
    [sent] = ran.sent(EDITS)
    assert len(sent.json["images"]) == 5
    assert sent.json["images"][0]["image_url"] == _url(png(shade=9)), "the picture to change comes first"
    assert ran.codes == []


def _url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def test_references_that_nobody_looked_at_are_told(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(), {EDITS: [chatgpt.drawn(png(), tokens_in=0)]}, inputs=[(png(), "reference")])
    assert ran.codes == ["REFERENCES_IGNORED"]
    assert len(ran.files) == 1


@pytest.mark.parametrize(("tokens", "codes"), [(0, ["REFERENCES_IGNORED"]), (300, []), (None, [])])
def test_the_responses_route_counts_references_too(tmp_path: Path, tokens: int | None, codes: list[str]) -> None:
    spent: dict[str, Any] = {"input_tokens": 90, "output_tokens": 200, "total_tokens": 290}
    if tokens is not None:
        spent["input_tokens_details"] = {"image_tokens": tokens, "text_tokens": 90}
    made = openai.stream([openai.image_item(png())], tool_usage={"image_gen": spent, "web_search": {"num_requests": 0}})
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [events(made)]}, inputs=[(png(), "reference")])
    assert ran.codes == codes
    parts = ran.sent(RESPONSES)[0].json["input"][0]["content"]
    assert [part["type"] for part in parts] == ["input_text", "input_image"]


def test_a_large_reference_is_made_smaller(tmp_path: Path) -> None:
    large = _noise(2600, 1400)
    assert len(large) > 6 * 2**20
    ran = run(tmp_path, ask(), {EDITS: [chatgpt.drawn(png(), tokens_in=9)]}, inputs=[(large, "reference")])
    assert ran.codes == ["REFERENCE_SHRUNK"]
    [image] = ran.sent(EDITS)[0].json["images"]
    assert image["image_url"].startswith("data:image/jpeg;base64,")
    assert len(image["image_url"]) < 7 * 2**20 + 100


def test_a_wide_reference_keeps_its_transparency(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (5000, 50), (1, 2, 3, 0)).save(buffer, "PNG")
    ran = run(tmp_path, ask(), {EDITS: [chatgpt.drawn(png(), tokens_in=9)]}, inputs=[(buffer.getvalue(), "reference")])
    [image] = ran.sent(EDITS)[0].json["images"]
    with Image.open(io.BytesIO(_bytes(image["image_url"]))) as sent:
        assert (sent.size, sent.format, sent.has_transparency_data) == ((3840, 38), "WEBP", True)


def _bytes(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


def _noise(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(buffer, "PNG")
    data = buffer.getvalue()
    return data if len(data) > 6 * 2**20 else _noise(width * 2, height * 2)


def test_a_mask_takes_the_responses_route(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 48), (0, 0, 0, 0)).save(buffer, "PNG")
    request = ask(operation="edit", options={"masked_edit": True})
    ran = run(
        tmp_path,
        request,
        {RESPONSES: [chatgpt.hosted(png())]},
        inputs=[(png(), "source"), (buffer.getvalue(), "mask")],
    )
    [sent] = ran.sent(RESPONSES)
    assert sent.json["tools"][0]["input_image_mask"] == {"image_url": _url(buffer.getvalue())}
    assert sent.json["tools"][0]["action"] == "edit"
    assert len(sent.json["input"][0]["content"]) == 2


def test_a_mask_costs_the_transparency(tmp_path: Path) -> None:
    """Each of the two is done by another route; the service would refuse both together."""
    request = ask(operation="edit", background="transparent", options={"masked_edit": True})
    script = {RESPONSES: [chatgpt.hosted(png())]}
    ran = run(tmp_path, request, script, inputs=[(png(), "source"), (png(), "mask")])
    assert ran.error is None
    assert [(warning.code, warning.field) for warning in ran.of(Warning)] == [("FIELD_IGNORED", "background")]
    assert "background" not in ran.sent(RESPONSES)[0].json["tools"][0]


def test_a_large_picture_is_not_shrunk_under_its_mask(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (5000, 50), (0, 0, 0, 0)).save(buffer, "PNG")
    request = ask(operation="edit", options={"masked_edit": True})
    inputs = [(png(5000, 50), "source"), (buffer.getvalue(), "mask")]
    ran = run(tmp_path, request, {RESPONSES: []}, inputs=inputs)
    assert (ran.failure.code, ran.failure.paid, ran.paid) == ("REF_TOO_LARGE", "no", [])


@pytest.mark.parametrize("search", [True, False])
def test_a_picture_of_thirty_megabytes_in_one_line_in_awkward_pieces(tmp_path: Path, search: bool) -> None:
    large = png() + bytes(range(256)) * (30 << 12)
    pieces = (1, 2, 3, 5, 7, 4099, 65_537, 1_000_003)
    script = {RESPONSES: [chatgpt.hosted(large)], GENERATIONS: [chatgpt.drawn(large)]}
    cut = {route: [answer.but(pieces=pieces) for answer in answers] for route, answers in script.items()}
    ran = run(tmp_path, ask(web_search=search), cut)
    assert ran.error is None
    assert ran.files == [large]


def test_a_stream_cut_after_the_picture_keeps_it(tmp_path: Path) -> None:
    made = openai.stream([openai.image_item(png(), status="generating")], end=None)
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [events(made)]})
    assert ran.files == [png()]
    assert ran.codes == ["STREAM_TRUNCATED"]


def test_what_the_model_says_is_shown(tmp_path: Path) -> None:
    words = "I made the kite for you."
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [events(openai.stream([openai.message_item(words)]))]})
    assert ran.failure.code == "IMAGE_TOOL_NOT_CALLED"
    assert words in ran.failure.message
    assert "".join(event.delta for event in ran.of(Text)) == words


def test_parameters_of_a_later_version_do_no_harm(tmp_path: Path) -> None:
    """The wire of both routes leaves out what this version does not make."""
    ran = run(tmp_path, ask(), {GENERATIONS: [chatgpt.drawn(png())]})
    assert isinstance(ran.planned[-1], Planned)
    routes = ran.planned[-1].plan.calls[0].parameters["routes"]
    assert "later" not in native.body({**routes["images"], "later": 1}, "p", Pictures())
    assert "later" not in hosted.body({**routes["responses"], "later": 1}, "p", Pictures())


@pytest.mark.parametrize("search", [True, False])
def test_silence_ends_when_the_time_is_up(tmp_path: Path, search: bool) -> None:
    answer = chatgpt.hosted(png()).but(stop=40, ending="silence") if search else chatgpt.drawn(png()).but(wait=30)
    script = {RESPONSES if search else GENERATIONS: [answer]}
    ran = run(tmp_path, ask(web_search=search), script, settings={"generation_timeout": 400.0})
    assert (ran.failure.code, ran.failure.paid, len(ran.paid)) == ("GENERATION_TIMEOUT", "maybe", 1)


def test_signs_of_life_do_not_make_the_time_longer(tmp_path: Path) -> None:
    pings = text_answer(": ping\n\n" * 2000, content_type="text/event-stream").but(pieces=(8,), delay=0.02)
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [pings]}, settings={"generation_timeout": 400.0})
    assert ran.failure.code == "GENERATION_TIMEOUT"


def test_a_picture_before_the_silence_is_kept(tmp_path: Path) -> None:
    made = events(openai.stream([openai.image_item(png())], end=None)).but(ending="silence")
    ran = run(tmp_path, ask(web_search=True), {RESPONSES: [made]}, settings={"generation_timeout": 1500.0})
    assert ran.files == [png()]


FAILURES: list[tuple[str, Answer, str, str]] = [
    ("images", chatgpt.usage_limit(), "USAGE_LIMIT_REACHED", "no"),
    ("responses", chatgpt.usage_limit(), "USAGE_LIMIT_REACHED", "no"),
    ("images", chatgpt.web_page(), "UPSTREAM_GATEWAY", "no"),
    ("responses", chatgpt.web_page(200), "STREAM_PARSE_FAILED", "maybe"),
    ("images", chatgpt.web_page(200), "STREAM_PARSE_FAILED", "maybe"),
    ("images", json_answer({"detail": "Not Found"}, 404), "OAUTH_ROUTE_UNAVAILABLE", "no"),
    ("responses", json_answer({"detail": "Not Found"}, 404), "MODEL_NOT_FOUND", "no"),
    ("images", chatgpt.drawn(), "EMPTY_RESPONSE", "maybe"),
    ("images", json_answer({"data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}), "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", "yes"),
    ("images", json_answer([]), "EMPTY_RESPONSE", "maybe"),
    ("images", text_answer("upstream connect error", 503), "UPSTREAM_5XX", "maybe"),
    ("images", json_answer(openai.error("moderation_blocked", "no"), 400), "MODERATION_REFUSED", "no"),
    ("images", json_answer(openai.error(None, "The image generation request was rate limited."), 429),
     "IMAGE_RATE_LIMITED", "no"),
    ("images", text_answer("{", 200).but(ending="cut"), "NETWORK_FAILED", "maybe"),
    ("responses", events(openai.failing_stream("server_is_overloaded", "Our servers are overloaded.")),
     "UPSTREAM_5XX", "maybe"),
    ("responses", events([]), "STREAM_PARSE_FAILED", "maybe"),
    ("responses", events(openai.stream([])), "EMPTY_RESPONSE", "yes"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "answer", "code", "paid"), FAILURES)
def test_failures_have_their_codes_and_are_sent_once(
    tmp_path: Path, route: str, answer: Answer, code: str, paid: str
) -> None:
    """Free to move, so that what must not move is seen not to."""
    request = ask(web_search=route == "responses")
    other = {RESPONSES: [chatgpt.hosted(png())], GENERATIONS: [chatgpt.drawn(png())]}
    script = {**other, RESPONSES if route == "responses" else GENERATIONS: [answer]}
    ran: Ran = run(tmp_path, request, script)
    assert (ran.failure.code, ran.failure.paid) == (code, paid)
    assert len(ran.paid) == 1
    assert ran.failure.hint
