"""Every shape in which the service refuses has a code and says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ima2_kit.upstreams import exchanges, replay
from ima2_openai.envelope import MAX_WORDS, read
from ima2_openai.errors import Service, failed, refused
from ima2_openai.rules import CODES, QUOTA, STATUSES, UNKNOWN, WORDS, Rule

RECORDED = Path(__file__).parents[2] / "recorded" / "openai"
OPENAI = Service("OpenAI", "ima2 login api", "AUTH_API_KEY_INVALID")


@pytest.mark.parametrize(
    ("name", "code", "status", "param"),
    [
        ("error-401-invalid-api-key.json", "AUTH_API_KEY_INVALID", 401, None),
        ("error-400-responses-bad-parameter.json", "INVALID_REQUEST", 400, "temperature"),
        ("error-400-images-edits-invalid-image-file.json", "INVALID_REQUEST", 400, "images[0].image_url"),
        ("error-400-images-edits-unsupported-mimetype.json", "INVALID_REQUEST", 400, "image[0]"),
        ("error-400-images-response-format.body.json", "INVALID_REQUEST", 400, "response_format"),
        ("error-429-insufficient-quota.body.json", "INSUFFICIENT_QUOTA", 429, None),
    ],
)
def test_recorded_refusals(name: str, code: str, status: int, param: str | None) -> None:
    answer = replay(RECORDED / name)
    error = refused(OPENAI, answer.status, answer.body)
    assert (error.code, error.status, error.field, error.paid) == (code, status, param, "no")
    assert not error.retryable
    assert error.details.get("upstreamParam") == param
    assert error.details["upstreamStatus"] == answer.status
    if param:
        assert param in error.message


def test_the_same_type_is_told_apart_by_its_code() -> None:
    """A bad picture and a moderation block share the type ``image_generation_user_error``."""
    answer = replay(RECORDED / "error-400-images-edits-invalid-image-file.json")
    assert refused(OPENAI, answer.status, answer.body).code == "INVALID_REQUEST"
    blocked = next(each for each in reported() if each["id"] == "moderation-blocked-output")
    error = refused(OPENAI, 400, json.dumps(blocked["body"]))
    assert (error.code, error.status, error.paid) == ("MODERATION_REFUSED", 422, "maybe")
    assert error.details["moderationStage"] == "output"
    assert error.details["moderationCategories"] == ["sexual"]


def test_an_unverified_organization_is_known_by_its_words() -> None:
    body = next(each for each in reported() if each["id"] == "org-not-verified")["body"]
    error = refused(OPENAI, 403, json.dumps(body))
    assert (error.code, error.status) == ("ORG_NOT_VERIFIED", 403)
    assert error.hint
    assert "settings/organization/general" in error.hint


def reported() -> list[dict[str, Any]]:
    return list(json.loads((RECORDED / "errors-reported.json").read_text("utf-8"))["errors"])


def envelope(code: str | None, message: str = "m", kind: str = "invalid_request_error", **more: Any) -> str:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code, **more}})


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable", "paid"),
    [
        (429, envelope("rate_limit_exceeded"), "RATE_LIMITED", True, "no"),
        (429, envelope(None, kind="requests"), "RATE_LIMITED", True, "no"),
        (429, envelope("billing_hard_limit_reached"), "INSUFFICIENT_QUOTA", False, "no"),
        (429, "slow down", "RATE_LIMITED", True, "no"),
        (404, envelope("model_not_found"), "MODEL_NOT_FOUND", False, "no"),
        (403, envelope("unsupported_country_region_territory"), "REGION_UNSUPPORTED", False, "no"),
        (403, envelope(None, "Country, region, or territory not supported"), "REGION_UNSUPPORTED", False, "no"),
        (403, envelope(None, "Project does not allow this"), "UPSTREAM_FORBIDDEN", False, "no"),
        (401, envelope(None, "Insufficient permissions. Missing scopes: x"), "UPSTREAM_FORBIDDEN", False, "no"),
        (401, "", "AUTH_API_KEY_INVALID", False, "no"),
        (400, '{"detail": "Unsupported parameter: max_output_tokens"}', "INVALID_REQUEST", False, "no"),
        (400, '{"detail": {"code": "model_not_found"}}', "MODEL_NOT_FOUND", False, "no"),
        (400, '{"error": "wrong"}', "INVALID_REQUEST", False, "no"),
        (400, "null", "INVALID_REQUEST", False, "no"),
        (400, "[]", "INVALID_REQUEST", False, "no"),
        (400, '{"error": [1]}', "INVALID_REQUEST", False, "no"),
        (400, envelope(None, "Tool choice 'image_generation' not found in 'tools' parameter."),
         "IMAGE_CAPABILITY_UNAVAILABLE", False, "no"),
        (400, envelope("moderation_blocked", moderation_details={"moderation_stage": "input", "categories": []}),
         "MODERATION_REFUSED", False, "no"),
        (400, envelope(None, "Your request was rejected by the safety system."), "MODERATION_REFUSED", False, "no"),
        (413, "<html><title>413 Request Entity Too Large</title>", "UPSTREAM_GATEWAY", False, "no"),
        (413, "{}", "INVALID_REQUEST", False, "no"),
        (403, "<!DOCTYPE html><title>Just a moment...</title>", "UPSTREAM_GATEWAY", False, "no"),
        (500, envelope("server_error"), "UPSTREAM_5XX", True, "maybe"),
        (502, "<html>bad gateway</html>", "UPSTREAM_5XX", True, "maybe"),
        (503, envelope("server_is_overloaded"), "UPSTREAM_5XX", True, "maybe"),
        (504, "", "UPSTREAM_5XX", True, "maybe"),
        (418, "\x00\xff", "INVALID_REQUEST", False, "no"),
    ],
)  # fmt: skip
def test_refusals(status: int, body: str, code: str, retryable: bool, paid: str) -> None:
    error = refused(OPENAI, status, body, request_id="req_1")
    assert (error.code, error.retryable, error.paid) == (code, retryable, paid)
    assert error.details["upstreamRequestId"] == "req_1"
    assert error.message.startswith("OpenAI: ")


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("try again in 200ms", 0.2),
        ("try again in 6m0s", 360.0),
        ("try again in 1h2m3s", 3723.0),
        ("try again in a while", None),
        ("", None),
    ],
)
def test_a_delay_in_words(message: str, seconds: float | None) -> None:
    assert refused(OPENAI, 429, envelope("rate_limit_exceeded", message)).retry_after == seconds


def test_the_header_wins_over_the_words_and_relative_resets_count() -> None:
    body = envelope("rate_limit_exceeded", "try again in 9s")
    assert refused(OPENAI, 429, body, retry_after=3.0).retry_after == 3.0
    assert refused(OPENAI, 429, body, retry_after=0.0).retry_after == 0.0
    assert refused(OPENAI, 429, envelope("rate_limit_exceeded", resets_in_seconds=42)).retry_after == 42.0


def test_a_refused_key_is_not_quoted() -> None:
    error = refused(OPENAI, 401, envelope("invalid_api_key", "Incorrect API key provided: sk-pro**********f3."))
    assert "sk-" not in json.dumps(error.to_dict())
    assert error.hint == "ima2 login api"


def test_words_that_look_like_a_key_are_taken_out_and_long_ones_cut() -> None:
    error = refused(OPENAI, 400, envelope(None, "bad sk-abcdefghijkl and eyJhbGciOi.x " + "y" * 5000))
    assert "abcdefghijkl" not in error.message
    assert "hbGciOi" not in error.message
    assert len(error.message) < MAX_WORDS + 100


@pytest.mark.parametrize(
    "value",
    [
        {"type": "error", "code": "server_error", "message": "m", "param": None},
        {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "m"}},
        {"code": "server_error", "message": "m"},
    ],
)
def test_flat_and_nested_events_are_the_same(value: dict[str, Any]) -> None:
    error = failed(OPENAI, value)
    assert (error.code, error.paid, error.details["upstreamCode"]) == ("UPSTREAM_5XX", "maybe", "server_error")


@pytest.mark.parametrize(("stage", "paid"), [("input", "no"), ("output", "maybe"), ("unknown", "maybe")])
def test_what_was_stopped_at_the_door_costs_nothing(stage: str, paid: str) -> None:
    blocked = {"code": "moderation_blocked", "moderation_details": {"moderation_stage": stage, "categories": []}}
    assert failed(OPENAI, {"error": blocked}).paid == paid


def test_an_unknown_failure_says_what_upstream_said() -> None:
    error = failed(OPENAI, {"code": "brand_new", "message": "Something else."})
    assert (error.code, error.details["upstreamCode"]) == ("UPSTREAM_ERROR", "brand_new")
    assert "Something else." in error.message


def test_another_backend_brings_its_own_codes() -> None:
    service = Service("X", "ima2 login x", "AUTH_X", rules={"usage_limit_reached": QUOTA})
    body = json.dumps({"error": {"type": "usage_limit_reached", "message": "m", "resets_in_seconds": 60}})
    error = refused(service, 429, body)
    assert (error.code, error.retry_after) == ("INSUFFICIENT_QUOTA", 60.0)
    denied = refused(service, 401, "")
    assert (denied.code, denied.hint) == ("AUTH_X", "ima2 login x")


def all_rules() -> list[Rule]:
    return [*CODES.values(), *STATUSES.values(), *(rule for _, rule in WORDS), UNKNOWN]


def test_every_rule_says_what_happened_and_most_what_to_do() -> None:
    for rule in all_rules():
        assert rule.says.endswith(".")
        assert rule.hint or rule.code == "INVALID_REQUEST", rule


def test_every_recorded_refusal_is_covered() -> None:
    """A recording added later must be classified too, not fall through to the vaguest code."""
    for path in RECORDED.glob("error-4*"):
        answer = replay(path) if path.name.endswith(".body.json") else replay(path, len(exchanges(path)) - 1)
        assert refused(OPENAI, answer.status, answer.body).code != "UPSTREAM_ERROR"
        assert read(answer.body).code
