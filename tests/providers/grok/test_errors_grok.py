"""Everything that goes wrong: one code each, the step, what was paid, what to do; and no picture too many is bought."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.models import Media, Phase, Sending
from ima2_grok.catalogue import MODELS
from ima2_grok.envelope import Envelope, read
from ima2_grok.errors import IMAGE, refused
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, text_answer, xai
from providers.grok.piping import PIXEL, Ran, ask, picture, run
from providers.grok.signing import OLD, seed
from xai_auth import AuthService

from ima2_grok import plugin

LIMIT = xai.refusal("resource-exhausted", "Too many requests for team t and model m.", 429)
CREDITS = xai.refusal("Some resource has been exhausted", "You have used all available credits.", 429)
SPENT = xai.refusal("personal-team-blocked:spending-limit", "You have run out of credits.", 403)
STALE = xai.refusal("unauthenticated:bad-credentials", "The OAuth2 access token could not be validated.", 403)
FREE = xai.refusal("subscription:free-usage-exhausted", "Come back later.", 429)
BROKEN = text_answer("upstream connect error", 503)
PAGE = text_answer("<!doctype html><title>error 520</title>", 520, "text/html")
CUT = json_answer({"output": []}).but(stop=3, ending="cut")
SILENT = json_answer({}).but(stop=1, ending="silence")
MODERATED = xai.refusal("imagine:content-moderated", "Generated image rejected by content moderation.", 400)
UNAVAILABLE = json_answer({"code": "The service is currently unavailable", "error": "Try later."})
BAD = xai.refusal("invalid-argument", "The prompt is odd.", 400)

Row = tuple[Sequence[Answer], str, int]

BOTH: list[tuple[Sequence[Answer], str, int, int]] = [
    # answers, code ({} is SEARCH or PLANNER), HTTP status, how often the step was asked
    ([BAD], "GROK_{}_BAD_REQUEST", 400, 1),
    ([text_answer("Failed to deserialize the JSON body", 422)], "GROK_{}_BAD_REQUEST", 422, 1),
    ([text_answer("", 405)], "GROK_{}_BAD_REQUEST", 405, 1),
    ([xai.refusal("not-found", "The model does not exist.", 404)], "GROK_{}_BAD_REQUEST", 404, 1),
    ([json_answer({"error": {"message": "no", "code": 413}}, 413)], "GROK_{}_BAD_REQUEST", 413, 1),
    ([LIMIT, LIMIT], "GROK_RATE_LIMITED", 429, 2),
    ([CREDITS], "GROK_CREDITS_EXHAUSTED", 429, 1),
    ([SPENT], "GROK_CREDITS_EXHAUSTED", 429, 1),
    ([FREE], "GROK_CREDITS_EXHAUSTED", 429, 1),
    ([json_answer({"error": "pay"}, 402)], "GROK_CREDITS_EXHAUSTED", 429, 1),
    ([BROKEN, BROKEN], "GROK_UPSTREAM_ERROR", 502, 2),
    ([PAGE, PAGE], "GROK_UPSTREAM_ERROR", 502, 2),
    ([text_answer("<html>tls", 526, "text/html")], "GROK_UPSTREAM_ERROR", 502, 1),
    ([UNAVAILABLE, UNAVAILABLE], "GROK_UPSTREAM_ERROR", 502, 2),
    ([text_answer("<html>login", 200, "text/html")] * 2, "GROK_UPSTREAM_ERROR", 502, 2),
    ([text_answer("[]", 200)] * 2, "GROK_UPSTREAM_ERROR", 502, 2),
    ([CUT, CUT], "GROK_{}_NETWORK_FAILED", 502, 2),
    ([xai.refusal("permission-denied", "Your team is blocked.", 403)], "GROK_AUTH_FAILED", 502, 1),
    ([xai.refusal("invalid-argument", "Incorrect API key provided.", 400)], "GROK_AUTH_FAILED", 502, 1),
    ([json_answer({"error": "no credentials"}, 401)], "GROK_AUTH_FAILED", 502, 1),
    ([STALE], "GROK_AUTH_FAILED", 502, 1),
    ([MODERATED], "MODERATION_REFUSED", 422, 1),
]


@pytest.mark.parametrize(("answers", "code", "status", "asked"), BOTH)
@pytest.mark.parametrize(("route", "word", "step"), [(xai.SEARCH, "SEARCH", "search"), (xai.PLAN, "PLANNER", "plan")])
def test_before_anything_is_paid(
    tmp_path: Path, route: str, word: str, step: str, answers: Sequence[Answer], code: str, status: int, asked: int
) -> None:
    ran = run(tmp_path, ask(), {route: answers})
    error = ran.failure
    assert (error.code, error.status, error.step, error.paid) == (code.format(word), status, step, "no")
    assert error.hint or code.endswith("BAD_REQUEST")
    assert ran.asked.count(route) == asked
    assert not {xai.GENERATE, xai.EDIT} & set(ran.asked), "a failed plan never spends a picture"
    assert ran.of(Sending) == []


@pytest.mark.parametrize("first", [LIMIT, BROKEN, PAGE, UNAVAILABLE, CUT])
@pytest.mark.parametrize("route", [xai.SEARCH, xai.PLAN])
def test_search_and_planner_are_asked_once_more(tmp_path: Path, route: str, first: Answer) -> None:
    good = {xai.SEARCH: json_answer(xai.searched()), xai.PLAN: json_answer(xai.planned())}
    ran = run(tmp_path, ask(), {route: [first, good[route]]})
    assert ran.error is None
    assert ran.asked.count(route) == 2
    assert ran.sent(route)[0] == ran.sent(route)[1]


@pytest.mark.parametrize(("seconds", "asked"), [("3", 2), ("10", 2), ("11", 1), ("86400", 1)])
def test_a_long_wait_is_left_to_the_user(tmp_path: Path, seconds: str, asked: int) -> None:
    limited = LIMIT.but(headers={**LIMIT.headers, "Retry-After": seconds})
    ran = run(tmp_path, ask(), {xai.SEARCH: [limited, limited]})
    assert ran.asked.count(xai.SEARCH) == asked
    assert ran.failure.retry_after == float(seconds)


@pytest.mark.parametrize(
    ("route", "answer", "code"),
    [
        (xai.SEARCH, json_answer(xai.searched(calls=0)), "GROK_SEARCH_NOT_DONE"),
        (xai.SEARCH, json_answer(xai.searched(" ")), "GROK_SEARCH_EMPTY_RESPONSE"),
        (xai.PLAN, json_answer(xai.chatted({"content": "A kite."})), "GROK_PLANNER_EMPTY_TOOL_CALL"),
        (xai.PLAN, json_answer(xai.planned(arguments="{")), "GROK_PLANNER_INVALID_TOOL_ARGS"),
    ],
)
def test_an_answer_of_no_use(tmp_path: Path, route: str, answer: Answer, code: str) -> None:
    ran = run(tmp_path, ask(), {route: [answer]})
    assert (ran.failure.code, ran.failure.paid) == (code, "no")
    assert ran.asked.count(route) == 1
    assert xai.GENERATE not in ran.asked


def test_a_failed_plan_says_what_the_search_cost(tmp_path: Path) -> None:
    details = run(tmp_path, ask(), {xai.PLAN: [BAD]}).failure.details
    assert details["webSearchCalls"] == 2
    assert details["searchCostUsd"] == pytest.approx(xai.SEARCH_TICKS / 1e10)


IMAGES: list[tuple[Answer, str, int, str]] = [
    (BAD, "GROK_BAD_REQUEST", 400, "no"),
    (text_answer("Failed to deserialize", 422), "GROK_BAD_REQUEST", 422, "no"),
    (LIMIT, "GROK_RATE_LIMITED", 429, "no"),
    (CREDITS, "GROK_CREDITS_EXHAUSTED", 429, "no"),
    (STALE, "GROK_AUTH_FAILED", 502, "no"),
    (json_answer({"error": "x"}, 401), "GROK_AUTH_FAILED", 502, "no"),
    (BROKEN, "GROK_UPSTREAM_ERROR", 502, "maybe"),
    (PAGE, "GROK_UPSTREAM_ERROR", 502, "maybe"),
    (UNAVAILABLE, "GROK_UPSTREAM_ERROR", 502, "maybe"),
    (CUT, "GROK_NETWORK_FAILED", 502, "maybe"),
    (json_answer({}), "GROK_EMPTY_RESPONSE", 502, "maybe"),
    (json_answer({"data": [{}]}), "GROK_EMPTY_RESPONSE", 502, "maybe"),
    (json_answer(xai.drawn(xai.at(""))), "GROK_EMPTY_RESPONSE", 502, "yes"),
    (json_answer(xai.drawn({"b64_json": "%%%"})), "GROK_EMPTY_RESPONSE", 502, "yes"),
    (MODERATED, "MODERATION_REFUSED", 422, "no"),
    (xai.refusal("imagine:content-moderated", "x", 400, ticks=9), "MODERATION_REFUSED", 422, "yes"),
    (json_answer({"data": []}), "MODERATION_REFUSED", 422, "maybe"),
    (json_answer(xai.drawn()), "MODERATION_REFUSED", 422, "yes"),
    (json_answer({"data": [], "reason": "Not allowed."}), "MODERATION_REFUSED", 422, "maybe"),
    (json_answer(xai.drawn(xai.at("", respect_moderation=False))), "MODERATION_REFUSED", 422, "yes"),
    (json_answer(xai.drawn(xai.inline(picture(), respect_moderation=False))), "MODERATION_REFUSED", 422, "yes"),
    (json_answer(xai.drawn(xai.inline(b"no picture at all"))), "GROK_IMAGE_WRONG_TYPE", 502, "yes"),
]


@pytest.mark.parametrize(("answer", "code", "status", "paid"), IMAGES)
@pytest.mark.parametrize("route", [xai.GENERATE, xai.EDIT])
def test_the_paid_call_is_made_once_whatever_comes(
    tmp_path: Path, route: str, answer: Answer, code: str, status: int, paid: str
) -> None:
    inputs: Any = [(PIXEL, "reference")] if route == xai.EDIT else []
    ran = run(tmp_path, ask(), {route: [answer.but(repeat=True)]}, inputs=inputs)
    error = ran.failure
    assert (error.code, error.status, error.paid) == (code, status, paid)
    assert error.step == ("download" if code == "GROK_IMAGE_WRONG_TYPE" else "generate")
    assert ran.asked.count(route) == len(ran.of(Sending)) == 1
    assert not (error.retryable and error.paid != "no")


def test_a_picture_that_moderation_took_is_not_fetched(tmp_path: Path) -> None:
    def script(url: str) -> dict[str, Any]:
        item = xai.at(url + xai.PICTURE_PATH, respect_moderation=False)
        return {xai.GENERATE: [json_answer(xai.drawn(item))]}

    ran = run(tmp_path, ask(), script)
    assert ran.failure.exit_code == 7
    assert xai.PICTURE not in ran.asked


DOWNLOADS: list[tuple[Sequence[Answer], str, int]] = [
    ([Answer(404)], "GROK_IMAGE_DOWNLOAD_FAILED", 1),
    ([Answer(410)], "GROK_IMAGE_DOWNLOAD_FAILED", 1),
    ([Answer(500)] * 3, "GROK_IMAGE_DOWNLOAD_FAILED", 3),
    ([Answer(body=picture(), stop=9, ending="cut")] * 3, "GROK_IMAGE_DOWNLOAD_FAILED", 3),
    ([Answer(body=b"")], "GROK_IMAGE_DOWNLOAD_FAILED", 1),
    ([text_answer("<html>gone</html>", 200, "image/jpeg")], "GROK_IMAGE_WRONG_TYPE", 1),
    ([Answer(headers={"Content-Type": "image/gif"}, body=b"GIF89a" + b"\0" * 99)], "GROK_IMAGE_WRONG_TYPE", 1),
    ([Answer(body=b"\xff\xd8\xff" + b"\0" * (50 * 2**20))], "DOWNLOAD_TOO_LARGE", 1),
    ([Answer(302, {"Location": "http://10.0.0.1/x.jpg"})], "DOWNLOAD_FORBIDDEN_ADDRESS", 1),
]


@pytest.mark.parametrize(("answers", "code", "asked"), DOWNLOADS)
def test_a_paid_picture_that_does_not_come_home(
    tmp_path: Path, answers: Sequence[Answer], code: str, asked: int
) -> None:
    ran = run(tmp_path, ask(), {xai.PICTURE: answers})
    error = ran.failure
    assert (error.code, error.step, error.paid, error.retryable) == (code, "download", "yes", False)
    assert (ran.asked.count(xai.PICTURE), ran.asked.count(xai.GENERATE)) == (asked, 1)
    if code != "DOWNLOAD_FORBIDDEN_ADDRESS":
        assert error.details["providerUrl"] == ran.url + xai.PICTURE_PATH
    assert not list((tmp_path / "spool").iterdir()), "nothing useless is left"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://10.1.2.3/x.jpg",
        "http://[fe80::1]/x",
        "file:///etc/passwd",
        "ftp://x/y",
        "x",
    ],
)
def test_an_address_inside_the_network_is_not_asked(tmp_path: Path, url: str) -> None:
    ran = run(tmp_path, ask(), {xai.GENERATE: [json_answer(xai.drawn(xai.at(url)))]})
    assert (ran.failure.code, ran.failure.paid) == ("DOWNLOAD_FORBIDDEN_ADDRESS", "yes")
    assert "providerUrl" not in ran.failure.details


LIMITS = [
    (xai.SEARCH, "planner_timeout_ms", "GROK_SEARCH_TIMEOUT", "search", "no"),
    (xai.PLAN, "planner_timeout_ms", "GROK_PLANNER_TIMEOUT", "plan", "no"),
    (xai.GENERATE, "generation_timeout_ms", "GENERATION_TIMEOUT", "generate", "maybe"),
    (xai.PICTURE, "download_timeout_ms", "GROK_IMAGE_TIMEOUT", "download", "yes"),
]


@pytest.mark.parametrize(("route", "setting", "code", "step", "paid"), LIMITS)
def test_each_step_has_a_time_limit_of_its_own(
    tmp_path: Path, route: str, setting: str, code: str, step: str, paid: str
) -> None:
    ran = run(tmp_path, ask(), {route: [SILENT.but(body=picture())]}, **{setting: 300})
    error = ran.failure
    assert (error.code, error.status, error.step, error.paid, error.exit_code) == (code, 504, step, paid, 8)
    assert ran.asked.count(route) == 1
    assert ran.asked[-1] == route


def test_nobody_there(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(), base_url="http://127.0.0.1:9/v1")
    assert (ran.failure.code, ran.failure.paid) == ("GROK_SEARCH_NETWORK_FAILED", "no")


def test_a_base_address_that_is_none(tmp_path: Path) -> None:
    ran = run(tmp_path, ask(), base_url="api.x.ai/v1")
    assert ran.failure.code == "GROK_SEARCH_NETWORK_FAILED"
    assert ran.failure.hint == "ima2 config ls --show-origin"


def signed_in(
    folder: Path, script: dict[str, Sequence[Answer]], *, answers: Sequence[tuple[int, Any]] = ()
) -> tuple[list[Any], Ima2Error | None, list[Any], int]:
    """A run with a sign-in that must be renewed: events, error, requests, renewals."""

    async def go() -> tuple[list[Any], Ima2Error | None, list[Any], int]:
        events: list[Any] = []
        error: Ima2Error | None = None
        seed(folder, left=3600)
        async with AuthService() as service, ScriptedUpstream() as upstream:
            for status, body in answers:
                service.say("/oauth2/token", status, body)
            for route, said in {**xai.good_run(upstream.url, picture()), **script}.items():
                upstream.say(route, *said)
            given = {"base_url": f"{upstream.url}/v1", "home": str(folder), "auth_url": service.url}
            async with open_context(plugin.ima2_provider(), folder, settings=given) as context:
                try:
                    events += [event async for event in plugin.ima2_plan(ask(), context)]
                    events += [event async for event in plugin.ima2_generate_image(events[-1].plan.calls[0], context)]
                except Ima2Error as failed:
                    error = failed
            return events, error, upstream.received, len(service.refreshes)

    return asyncio.run(go())


@pytest.mark.parametrize("stale", [STALE, json_answer({"error": "no"}, 401)])
@pytest.mark.parametrize("route", [xai.SEARCH, xai.PLAN])
def test_a_stale_sign_in_is_renewed_once(tmp_path: Path, route: str, stale: Answer) -> None:
    good = {xai.SEARCH: json_answer(xai.searched()), xai.PLAN: json_answer(xai.planned())}
    events, error, received, renewals = signed_in(tmp_path, {route: [stale, good[route]]})
    assert error is None
    assert any(isinstance(event, Media) for event in events)
    assert renewals == 1
    bearers = [each.headers.get("authorization") for each in received if f"POST {each.path}" == route]
    assert bearers[0] == f"Bearer {OLD}"
    assert len(set(bearers)) == 2


def test_a_sign_in_refused_after_renewal_is_over(tmp_path: Path) -> None:
    _, error, received, renewals = signed_in(tmp_path, {xai.SEARCH: [STALE, STALE]})
    assert error is not None
    assert (error.code, error.exit_code, error.hint) == ("GROK_AUTH_FAILED", 4, "ima2 grok login")
    assert (len(received), renewals) == (2, 1)


def test_an_ended_sign_in_says_how_to_sign_in(tmp_path: Path) -> None:
    ended = [(400, {"error": "invalid_grant"})]
    _, error, received, _ = signed_in(tmp_path, {xai.SEARCH: [STALE]}, answers=ended)
    assert error is not None
    assert (error.code, error.hint) == ("GROK_AUTH_REQUIRED", "ima2 grok login")
    assert len(received) == 1


def test_credits_are_not_a_reason_to_renew(tmp_path: Path) -> None:
    _, error, _, renewals = signed_in(tmp_path, {xai.SEARCH: [SPENT]})
    assert error is not None
    assert error.code == "GROK_CREDITS_EXHAUSTED"
    assert renewals == 0


def test_nobody_signed_in_asks_nothing(tmp_path: Path) -> None:
    async def go() -> tuple[str, list[Any]]:
        async with ScriptedUpstream() as upstream:
            given = {"base_url": f"{upstream.url}/v1", "home": str(tmp_path)}
            async with open_context(plugin.ima2_provider(), tmp_path, settings=given) as context:
                with pytest.raises(Ima2Error) as caught:
                    [event async for event in plugin.ima2_plan(ask(), context)]
            return caught.value.code, upstream.received

    assert asyncio.run(go()) == ("GROK_AUTH_REQUIRED", [])


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"code":"invalid-argument","error":"text"}', "text", "invalid-argument"),
        (b'{"error":"text"}', "text", ""),
        (b'{"error":{"message":"text","type":"t","param":null,"code":"c"}}', "text", "c"),
        (b'{"error":{"code":404,"message":"text"}}', "text", "404"),
        (
            b'{"code":429,"error":"text [WKE=personal-team-blocked:spending-limit]"}',
            "text",
            "personal-team-blocked:spending-limit",
        ),
        (b'{"code":"The caller does not have permission","error":"[WKE=a:b] text"}', "text", "a:b"),
        (b"Failed to deserialize", "Failed to deserialize", ""),
        (b'"text"', "text", ""),
        (b'{"detail":"text"}', "text", ""),
        (b'{"message":"text"}', "text", ""),
        (b'{"error":["a"]}', '["a"]', ""),
        (b"", "", ""),
        (b"{", "{", ""),
        (b"null", "", ""),
        (b"[]", "[]", ""),
        (b'{"error":null,"code":null}', "", ""),
        ("é".encode("latin-1"), "�", ""),
        (b"ab " * 5000, ("ab " * 100).strip(), ""),
    ],
)
def test_envelopes(body: bytes, message: str, code: str) -> None:
    envelope = read(body)
    assert (envelope.message, envelope.code) == (message, code)


def test_markup_and_secrets_are_not_repeated() -> None:
    assert read(b"\xef\xbb\xbf <html><script>alert(1)</script>") == Envelope("a web page", page=True)
    said = read(b'{"error":"key xai-0123456789abcdef of data:image/png;base64,AAAA is wrong"}').message
    assert "0123456789" not in said
    assert "AAAA" not in said


def test_a_page_can_not_name_the_cause() -> None:
    """The words of a gateway's page, which may quote anything, decide nothing."""
    assert refused(IMAGE, 502, b"<p>content moderation spending-limit</p>").code == "GROK_UPSTREAM_ERROR"


@pytest.mark.parametrize(
    ("fields", "roles", "code"),
    [
        ({}, ["reference"] * 4, "GROK_REF_TOO_MANY"),
        ({"operation": "edit"}, ["source", "reference", "reference", "reference"], "GROK_REF_TOO_MANY"),
        ({"model": "grok-imagine-image-2.0"}, ["reference"] * 4, "GROK_REF_TOO_MANY"),
        ({"operation": "edit"}, ["source", "mask"], "GROK_MASK_UNSUPPORTED"),
        ({"operation": "edit"}, [], "EDIT_IMAGE_REQUIRED"),
        ({"model": "grok-imagine-video"}, [], "INVALID_GROK_IMAGE_MODEL"),
        ({"model": "grok-4.3"}, [], "INVALID_GROK_IMAGE_MODEL"),
        ({"model": "gpt-5.4"}, [], "INVALID_GROK_IMAGE_MODEL"),
        ({"options": {"planner_model": "gpt-5.5"}}, [], "INVALID_GROK_PLANNER_MODEL"),
        ({"options": {"planner_model": "grok-imagine-image"}}, [], "INVALID_GROK_PLANNER_MODEL"),
    ],
)
def test_what_is_refused_before_anything_is_sent(fields: dict[str, Any], roles: list[str], code: str) -> None:
    from ima2.models import Reference

    facts = {"media_type": "image/png", "width": 8, "height": 8, "size": 9}
    inputs = tuple(
        Reference.model_validate({"sha256": f"{n:064x}", "role": role, **facts}) for n, role in enumerate(roles)
    )
    [problem] = plugin.ima2_check(ask(references=inputs, **fields))
    assert (problem.code, problem.status) == (code, 400)


def test_what_may_be_right_passes() -> None:
    for model in (*(each.id for each in MODELS), "grok-imagine-image-9", "someone-elses"):
        assert list(plugin.ima2_check(ask(model=model))) == []


def test_phases_stop_where_it_stopped(tmp_path: Path) -> None:
    for route, phases in ((xai.SEARCH, ["search"]), (xai.PLAN, ["search", "plan"])):
        ran: Ran = run(tmp_path, ask(), {route: [BAD]})
        assert [phase.name for phase in ran.of(Phase)] == phases
