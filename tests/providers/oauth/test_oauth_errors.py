"""What the service's refusals become: each its own code and next step, told in any of its envelopes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chatgpt_images import RECORDED
from ima2.errors import AuthFailed, Ima2Error, NoImage, RateLimited
from ima2_kit.upstreams import chatgpt, openai
from ima2_oauth.errors import CHATGPT, advised, lacks_capability, lasting, refused
from ima2_openai.errors import failed

CODEX = RECORDED / "chatgpt-codex"
REPORTED: dict[str, dict[str, Any]] = {
    entry["id"]: entry for entry in json.loads((CODEX / "errors-reported.json").read_text("utf-8"))["errors"]
}


def told(name: str) -> Ima2Error:
    entry = REPORTED[name]
    if entry["status"] == 200 or "event" in entry["delivered_as"]:
        event = entry["body"][0]["data"] if isinstance(entry["body"], list) else entry["body"]
        return advised(failed(CHATGPT, event))
    return refused(entry["status"], json.dumps(entry["body"]))


@pytest.mark.parametrize(
    ("name", "code", "status", "exit_code", "hint"),
    [
        ("usage-limit-http", "USAGE_LIMIT_REACHED", 429, 5, "Wait 6 d 2 h"),
        ("usage-limit-event", "USAGE_LIMIT_REACHED", 429, 5, "Wait 3 h 50 min"),
        ("overloaded-in-200-stream", "UPSTREAM_5XX", 502, 6, "Try again"),
        ("token-invalidated", "AUTH_CHATGPT_REVOKED", 401, 4, "ima2 login"),
        ("model-not-supported", "MODEL_NOT_FOUND", 404, 5, "ima2 models --provider oauth --refresh"),
        ("deactivated-workspace", "AUTH_WORKSPACE_DEACTIVATED", 402, 5, "ima2 login"),
        ("refresh-token-reused", "AUTH_CHATGPT_REUSED", 401, 4, "ima2 login"),
        ("refresh-token-expired", "AUTH_CHATGPT_EXPIRED", 401, 4, "ima2 login"),
    ],
)
def test_reported_refusals(name: str, code: str, status: int, exit_code: int, hint: str) -> None:
    error = told(name)
    assert (error.code, error.status, error.exit_code) == (code, status, exit_code)
    assert str(error.hint).startswith(hint)
    assert not lacks_capability(error)


def test_every_reported_refusal_is_covered() -> None:
    [marks] = [mark for mark in test_reported_refusals.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert {case[0] for case in marks.args[1]} == set(REPORTED)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error-400-stream-required.body.json", "Stream must be set to true"),
        ("error-400-unsupported-verbosity.body.json", "text.verbosity"),
    ],
)
def test_recorded_refusals_in_two_envelopes(name: str, words: str) -> None:
    error = refused(400, (CODEX / name).read_bytes())
    assert (error.code, error.paid) == ("INVALID_REQUEST", "no")
    assert words in error.message


@pytest.mark.parametrize(
    ("status", "message", "lacking"),
    [
        (400, chatgpt.NO_TOOL, True),
        (400, "The image_generation tool is not supported for this account.", True),
        (403, "image_generation is not enabled", True),
        (400, "Unsupported tool type: image_generation", True),
        (500, chatgpt.NO_TOOL, False),
        (400, "Tool choice 'web_search' not found in 'tools' parameter.", False),
        (400, "Image generation failed.", False),
        (403, "Forbidden", False),
    ],
)
def test_want_of_the_image_tool(status: int, message: str, lacking: bool) -> None:
    assert lacks_capability(refused(status, json.dumps(openai.error(None, message)))) is lacking


def test_limits_say_when_they_open_and_are_not_tried_again() -> None:
    error = told("usage-limit-http")
    assert isinstance(error, RateLimited)
    assert (error.retryable, error.retry_after, error.paid) == (False, 529000, "no")
    assert "plan's limit" in error.message


def test_a_web_page_is_no_answer_of_the_service() -> None:
    error = refused(403, "<!DOCTYPE html><title>Just a moment...</title>")
    assert (error.code, error.paid) == ("UPSTREAM_GATEWAY", "no")
    assert "Just a moment" in error.message


def test_a_plain_401_is_the_sign_in() -> None:
    error = refused(401, "Unauthorized")
    assert isinstance(error, AuthFailed)
    assert (error.code, error.hint) == ("AUTH_CHATGPT_EXPIRED", "ima2 login")


def test_words_in_place_of_a_picture_stay_what_they_are() -> None:
    said = NoImage("It said: sorry", code="IMAGE_TOOL_NOT_CALLED", details={"text": "sorry"})
    assert advised(said) is said


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "1 min"), (60, "1 min"), (61, "2 min"), (3600, "1 h"), (90_000, "1 d 1 h")]
)
def test_how_long(seconds: float, words: str) -> None:
    assert lasting(seconds) == words
