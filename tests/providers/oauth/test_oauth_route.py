"""Which route a request takes, what each leaves out, and the only two refusals after which it is sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chatgpt_images import EDITS, GENERATIONS, RESPONSES, ask, png, run, token
from ima2.errors import Unsupported
from ima2.models import Media, Phase, Sending, Submitted, Warning
from ima2_kit.upstreams import Answer, chatgpt, events, json_answer, openai, text_answer
from ima2_oauth.catalogue import MODELS, live
from ima2_oauth.check import check
from ima2_oauth.generate import steps
from ima2_oauth.prompt import aspect, with_aspect
from ima2_oauth.route import choose

CATALOGUE = live(
    {
        "models": [
            {"slug": "gpt-6-sol", "use_responses_lite": True, "input_modalities": ["text", "image"], "priority": 1},
            {"slug": "gpt-5.5", "supported_reasoning_levels": [{"effort": each} for each in ("low", "high", "xhigh")]},
            {"slug": "gpt-6-luna", "use_responses_lite": True, "priority": 2},
            {"slug": "gpt-words", "input_modalities": ["text"]},
        ]
    }
)
REFERENCE = {"sha256": "0" * 64, "media_type": "image/png", "width": 64, "height": 48, "size": 1000}


def given(role: str) -> dict[str, Any]:
    return {**REFERENCE, "role": role}


@pytest.mark.parametrize(
    ("changes", "route", "why"),
    [
        ({}, "images", "nothing in it needs a host model"),
        ({"reasoning_effort": "none"}, "images", "nothing"),
        ({"reasoning_effort": "medium"}, "responses", "reasoning medium"),
        ({"web_search": True}, "responses", "a web search"),
        ({"partial_images": 1}, "responses", "drafts"),
        ({"model": "gpt-5.5"}, "responses", "the host model gpt-5.5"),
        ({"model": "gpt-image-2"}, "images", "asked for"),
        ({"references": [given("source"), given("mask")], "operation": "edit"}, "responses", "a mask"),
        ({"background": "transparent", "web_search": True}, "images", "asked for"),
        ({"options": {"route": "images"}, "web_search": True}, "images", "asked for"),
        ({"options": {"route": "responses"}}, "responses", "asked for"),
    ],
)
def test_the_route_a_request_needs(changes: dict[str, Any], route: str, why: str) -> None:
    choice = choose(ask(**changes), ())
    assert choice.route == route
    assert why in choice.why


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"web_search": True, "partial_images": 2}, ["webSearchEnabled", "partialImages"]),
        ({"reasoning_effort": "high", "model": "gpt-5.5"}, ["reasoningEffort", "model"]),
        ({"moderation": "low", "format": "webp", "compression": 40}, ["moderation", "format", "compression"]),
        ({"format": "png", "reasoning_effort": "low"}, []),
    ],
)
def test_what_the_images_route_leaves_out_is_told(changes: dict[str, Any], left_out: list[str]) -> None:
    choice = choose(ask(**changes, options={"route": "images"}), ())
    assert [(warning.code, warning.field) for warning in choice.warnings] == [
        ("FIELD_IGNORED", field) for field in left_out
    ]


def test_a_model_that_cannot_draw_leaves_the_images_route() -> None:
    choice = choose(ask(model="gpt-words", web_search=True), CATALOGUE)
    assert (choice.route, choice.may_move) == ("images", False)
    assert {warning.field for warning in choice.warnings} == {"webSearchEnabled", "model"}
    with pytest.raises(Unsupported) as caught:
        choose(ask(model="gpt-words", options={"route": "responses"}), CATALOGUE)
    assert caught.value.code == "IMAGE_MODEL_UNSUPPORTED"
    with pytest.raises(Unsupported) as caught:
        choose(ask(model="gpt-words", references=[given("source"), given("mask")]), CATALOGUE)
    assert caught.value.code == "EDIT_MASK_NOT_SUPPORTED"


def test_a_default_that_the_account_lacks_is_replaced() -> None:
    choice = choose(ask(web_search=True), CATALOGUE)
    assert choice.model == "gpt-5.5"
    assert [(each.code, each.normalized_to) for each in choice.warnings] == [("MODEL_REPLACED", "gpt-5.5")]
    assert choose(ask(), CATALOGUE).warnings == (), "the images route has no host model to replace"
    own = choose(ask(model="gpt-5.9"), CATALOGUE, "gpt-5.9")
    assert own.model == "gpt-5.5"


def test_a_model_asked_for_that_the_account_lacks_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        choose(ask(model="gpt-5.4"), CATALOGUE)
    assert caught.value.code == "UNKNOWN_MODEL"
    assert choose(ask(model="gpt-5.4"), ()).model == "gpt-5.4", "nothing is known, so it is tried"


@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        ("gpt-5.5", "medium", "low"),
        ("gpt-5.5", "max", "xhigh"),
        ("gpt-5.5", "high", "high"),
        ("gpt-6-sol", "none", "low"),
    ],
)
def test_reasoning_is_clamped_to_what_the_model_takes(model: str, effort: str, taken: str) -> None:
    choice = choose(ask(model=model, reasoning_effort=effort), CATALOGUE)
    assert choice.effort == taken
    assert [each.code for each in choice.warnings] == ([] if taken == effort else ["REASONING_CLAMPED"])


def test_a_lite_model_gets_its_tools_as_an_item(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(model="gpt-6-sol"), {RESPONSES: [chatgpt.hosted(png())]}, models=CATALOGUE)
    [sent] = ran.sent(RESPONSES)
    assert sent.headers[chatgpt.LITE_HEADER] == "true"
    body = sent.json
    assert "tools" not in body
    assert (body["instructions"], body["tool_choice"], body["parallel_tool_calls"]) == ("", "auto", False)
    assert body["reasoning"] == {"effort": "low", "context": "all_turns"}
    assert [item["type"] for item in body["input"]] == ["additional_tools", "message", "message"]
    assert body["input"][0]["tools"][0]["type"] == "image_generation"
    assert "image_generation tool exactly once" in body["input"][1]["content"][0]["text"]
    assert len(ran.files) == 1


@pytest.mark.parametrize("route", ["responses", "images"])
def test_want_of_the_tool_moves_to_the_other_route(tmp_path: Path, route: str) -> None:
    """Counted as sent once, since the refused one did nothing."""
    refusal, good = chatgpt.no_tool(), {RESPONSES: chatgpt.hosted(png()), GENERATIONS: chatgpt.drawn(png())}
    path = RESPONSES if route == "responses" else GENERATIONS
    script = {each: [refusal if each == path else answer] for each, answer in good.items()}
    ran = run(tmp_path, ask(web_search=route == "responses"), script)
    assert ran.error is None
    assert ran.files == [png()]
    kinds = [type(event) for event in ran.events]
    assert (kinds.count(Sending), kinds.count(Submitted)) == (1, 1)
    [media] = ran.of(Media)
    other = "images" if route == "responses" else "responses"
    assert media.claimed["route"] == other
    [warning] = [each for each in ran.of(Warning) if each.code == "ROUTE_MOVED"]
    assert (warning.normalized_to, warning.reason) == (other, "OAUTH_IMAGE_CAPABILITY_UNAVAILABLE")
    assert len(ran.paid) == 2


def test_with_both_routes_refused_it_ends(tmp_path: Path) -> None:
    script = {RESPONSES: [chatgpt.no_tool()], GENERATIONS: [chatgpt.no_tool()]}
    ran = run(tmp_path, ask(web_search=True), script)
    assert (ran.failure.code, ran.failure.paid, len(ran.paid)) == ("OAUTH_IMAGE_CAPABILITY_UNAVAILABLE", "no", 2)
    assert [type(event) for event in ran.events].count(Sending) == 1


@pytest.mark.parametrize("changes", [{"options": {"route": "responses"}}, {"masked": True}])
def test_a_fixed_route_and_a_mask_stay_where_they_are(tmp_path: Path, changes: dict[str, Any]) -> None:
    inputs = [(png(), "source"), (png(), "mask")] if changes.pop("masked", False) else []
    request = ask(operation="edit" if inputs else "generate", **changes)
    script = {RESPONSES: [chatgpt.no_tool()], GENERATIONS: [chatgpt.drawn(png())], EDITS: [chatgpt.drawn(png())]}
    ran = run(tmp_path, request, script, inputs=inputs)
    assert (ran.failure.code, ran.paid) == ("OAUTH_IMAGE_CAPABILITY_UNAVAILABLE", ["/responses"])


STAYS: list[tuple[str, Answer]] = [
    ("told inside an accepted stream", events(openai.failing_stream("invalid_request_error", chatgpt.NO_TOOL))),
    ("told by a gateway", text_answer(chatgpt.NO_TOOL, 502)),
    ("another field", json_answer(openai.error("invalid_value", "Invalid size.", param="tools[0].size"), 400)),
    ("another tool", json_answer(openai.error(None, "Tool choice 'web_search' not found in 'tools' parameter."), 400)),
    ("entitlement or region", json_answer({"detail": "Forbidden"}, 403)),
    ("the model", json_answer({"detail": "The 'gpt-5.4-mini' model is not supported when using Codex."}, 400)),
    ("moderation", json_answer(openai.error("moderation_blocked", "rejected by the safety system"), 400)),
    ("limit", chatgpt.usage_limit()),
    ("drawn in words", events(openai.stream([openai.message_item("<svg><path/></svg>")]))),
]


@pytest.mark.parametrize("answer", [answer for _, answer in STAYS], ids=[name for name, _ in STAYS])
def test_nothing_else_moves(tmp_path: Path, answer: Answer) -> None:
    script = {RESPONSES: [answer], GENERATIONS: [chatgpt.drawn(png())]}
    ran = run(tmp_path, ask(web_search=True), script)
    assert ran.failure
    assert ran.paid == ["/responses"]


def test_a_drawing_in_words_says_what_it_means(tmp_path: Path) -> None:
    script = {RESPONSES: [STAYS[-1][1]]}
    ran = run(tmp_path, ask(web_search=True), script)
    assert (ran.failure.code, ran.failure.paid) == ("OAUTH_IMAGE_CAPABILITY_UNAVAILABLE", "yes")
    assert "<svg>" in ran.failure.message


def refusal_401() -> Answer:
    return json_answer(openai.error("token_expired", "Provided authentication token is expired."), 401)


def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    renewed = json_answer({"access_token": token("two"), "refresh_token": "refresh-two-000"})
    script = {GENERATIONS: [refusal_401(), chatgpt.drawn(png())], "POST /oauth/token": [renewed]}
    ran = run(tmp_path, ask(), script, refuse=None)
    assert ran.error is None
    assert ran.files == [png()]
    assert [type(event) for event in ran.events].count(Sending) == 1
    assert [event.name for event in ran.of(Phase)] == ["plan", "generate"]
    first, second = (each.headers["authorization"] for each in ran.sent(GENERATIONS))
    assert (first, second) == (f"Bearer {token('one')}", f"Bearer {token('two')}")


def test_a_token_refused_again_ends_it(tmp_path: Path) -> None:
    renewed = json_answer({"access_token": token("two"), "refresh_token": "refresh-two-000"})
    script = {GENERATIONS: [refusal_401(), refusal_401(), chatgpt.drawn(png())], "POST /oauth/token": [renewed]}
    ran = run(tmp_path, ask(), script, refuse=None)
    assert (ran.failure.code, ran.failure.paid, len(ran.paid)) == ("AUTH_CHATGPT_EXPIRED", "no", 2)
    assert ran.failure.hint == "ima2 login"


def test_a_revoked_sign_in_says_so(tmp_path: Path) -> None:
    """Renewing it fails too, with a word that tells less than the first one."""
    revoked = json_answer(openai.error("token_invalidated", "Your authentication token has been invalidated."), 401)
    over = json_answer(openai.error("refresh_token_invalidated", "no"), 401)
    ran = run(tmp_path, ask(), {GENERATIONS: [revoked], "POST /oauth/token": [over]}, refuse=None)
    assert (ran.failure.code, ran.failure.hint, len(ran.paid)) == ("AUTH_CHATGPT_REVOKED", "ima2 login", 1)


def test_the_same_token_is_not_tried_again(tmp_path: Path) -> None:
    script = {GENERATIONS: [refusal_401(), chatgpt.drawn(png())], "POST /oauth/token": [json_answer({"id_token": "x"})]}
    ran = run(tmp_path, ask(), script, refuse=None)
    assert ran.failure.paid == "no"
    assert len(ran.paid) == 1


def test_what_is_checked_before_anything_is_spent() -> None:
    assert check(ask()) == []
    six = [{**given("reference"), "sha256": f"{number:064x}"} for number in range(6)]
    masked = [given("source"), given("mask")]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"references": six}, "REF_TOO_MANY"),
        ({"references": [*six[:5], given("source")], "operation": "edit"}, "REF_TOO_MANY"),
        ({"operation": "edit"}, "EDIT_IMAGE_REQUIRED"),
        ({"references": masked, "operation": "edit"}, "EDIT_MASK_NOT_SUPPORTED"),
        ({"references": masked, "operation": "edit", "options": {"masked_edit": True, "route": "images"}},
         "EDIT_MASK_NOT_SUPPORTED"),
        ({"model": "gpt-5.3-codex-spark"}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"model": "gpt-image-2", "options": {"route": "responses"}}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"background": "transparent", "options": {"route": "responses"}}, "INVALID_BACKGROUND"),
        ({"background": "transparent", "format": "jpeg"}, "INVALID_BACKGROUND"),
        ({"prompt": "x" * 32_001}, "PROMPT_TOO_LONG"),
        ({"references": [{**given("reference"), "media_type": "image/gif"}]}, "REF_UNSUPPORTED_TYPE"),
    ]  # fmt: skip
    for changes, code in cases:
        assert code in [problem.code for problem in check(ask(**changes))], changes


def test_a_dry_run_names_the_route() -> None:
    [images] = steps(ask(size="1536x1024", n=3))
    assert images.summary.startswith("images route (nothing in it needs a host model), POST /images/generations")
    assert (images.count, images.paid) == (3, True)
    [responses] = steps(ask(reasoning_effort="high", references=[given("reference")]))
    assert responses.summary.startswith("Responses route (for reasoning high), POST /responses: gpt-5.4-mini")
    assert "1 input images" in responses.summary


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((1536, 1024), "3:2 landscape"),
        ((1024, 1536), "2:3 portrait"),
        ((1024, 1024), "1:1 square"),
        ((1360, 1024), "4:3 landscape"),
        ((1824, 1024), "16:9 landscape"),
        ((3, 1000), "3:1000 portrait"),
    ],
)
def test_shapes_in_words(size: tuple[int, int], words: str) -> None:
    assert aspect(*size) == words


@pytest.mark.parametrize("size", [None, "auto", "wide", "0x0"])
def test_no_size_leaves_the_prompt_alone(size: str | None) -> None:
    assert with_aspect("a kite", size) == "a kite"


def test_each_model_says_what_it_is_for() -> None:
    assert MODELS[0].id == "gpt-5.4-mini"
    assert all(model.use for model in MODELS)
