"""What the ChatGPT service's refusals mean: its own codes and words over those of OpenAI's API.

It speaks in three envelopes, ``{"error": {…}}``, ``{"detail": "…"}`` and ``{"detail": {"code": …}}``, and in web pages
of the layer in front of it. Sources: recorded traffic and public reports, 2025-11 to 2026-10.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ima2 import errors
from ima2.errors import Ima2Error, NoImage
from ima2_openai.errors import Service
from ima2_openai.errors import refused as read_refusal
from ima2_openai.rules import BAD_IMAGE, Rule

LOGIN = "ima2 login"
CAPABILITY = "OAUTH_IMAGE_CAPABILITY_UNAVAILABLE"
USAGE_LIMIT = "USAGE_LIMIT_REACHED"

_LIMIT = Rule(
    errors.RateLimited,
    "USAGE_LIMIT_REACHED",
    "The plan's limit is reached.",
    "ima2 quota",
    retryable=False,
    paid="no",
)
_NOT_INCLUDED = Rule(
    errors.RateLimited,
    "USAGE_NOT_INCLUDED",
    "The plan does not include this.",
    "ima2 providers",
    retryable=False,
    paid="no",
)
_CREDITS = Rule(
    errors.RateLimited,
    "INSUFFICIENT_QUOTA",
    "The plan's credits are used up.",
    "ima2 quota",
    retryable=False,
    paid="no",
)
_THROTTLED = Rule(
    errors.RateLimited,
    "IMAGE_RATE_LIMITED",
    "Pictures are limited apart from the rest of the plan, and that limit is reached for now.",
    "Wait a few minutes, then run the command again.",
    paid="no",
)
_EXPIRED = Rule(errors.AuthFailed, "AUTH_CHATGPT_EXPIRED", "The sign-in has run out.", "{login}", paid="no")
_REVOKED = Rule(
    errors.AuthFailed,
    "AUTH_CHATGPT_REVOKED",
    "The sign-in was ended, in ChatGPT or by another program.",
    "{login}",
    paid="no",
)
_REUSED = Rule(
    errors.AuthFailed,
    "AUTH_CHATGPT_REUSED",
    "Another program has renewed this sign-in, which ended it here.",
    "{login}",
    paid="no",
)
_WORKSPACE = Rule(
    errors.AuthFailed,
    "AUTH_WORKSPACE_DEACTIVATED",
    "The workspace of this account is switched off.",
    "{login}",
    paid="no",
    status=402,
)
_NO_TOOL = Rule(
    errors.UpstreamError,
    "OAUTH_IMAGE_CAPABILITY_UNAVAILABLE",
    "This account or model has no image tool.",
    "ima2 models --provider oauth --refresh",
    paid="no",
    status=400,
)
_MODEL = Rule(
    errors.UpstreamError,
    "MODEL_NOT_FOUND",
    "The account can't use this model.",
    "ima2 models --provider oauth --refresh",
    paid="no",
    status=404,
)

_NO_ROUTE = Rule(
    errors.UpstreamError,
    "OAUTH_ROUTE_UNAVAILABLE",
    "The images route is not there for this account.",
    "ima2 generate --route responses",
    paid="no",
    status=404,
)

_CAPABILITY_WORDS = re.compile(
    r"'image_generation' not found in 'tools'"
    r"|image_generation\W+(tool )?is not (supported|available|enabled)"
    r"|unsupported tool( type)?:? \W*image_generation",
    re.IGNORECASE,
)

CHATGPT = Service(
    title="ChatGPT",
    login=LOGIN,
    auth_code="AUTH_CHATGPT_EXPIRED",
    rules={
        "usage_limit_reached": _LIMIT,
        "usage_not_included": _NOT_INCLUDED,
        "insufficient_quota": _CREDITS,
        "token_expired": _EXPIRED,
        **dict.fromkeys(("token_invalidated", "token_revoked", "refresh_token_invalidated"), _REVOKED),
        "refresh_token_expired": _EXPIRED,
        "refresh_token_reused": _REUSED,
        "deactivated_workspace": _WORKSPACE,
        "model_not_found": _MODEL,
    },
    words=(
        (_CAPABILITY_WORDS, _NO_TOOL),
        (re.compile(r"image generation request was rate limited|TooManyRequests", re.IGNORECASE), _THROTTLED),
        (re.compile(r"model is not supported|does not exist or you do not have access", re.IGNORECASE), _MODEL),
        (re.compile(r"error while downloading (file|image)", re.IGNORECASE), BAD_IMAGE),
    ),
)
IMAGES = replace(
    CHATGPT,
    words=((re.compile(r"^(not found|method not allowed)\.?$", re.IGNORECASE), _NO_ROUTE), *CHATGPT.words),
)
"""The same service on its images routes, where "not found" is said of the route and not of a model."""


def refused(
    status: int,
    body: bytes | str,
    *,
    step: str = "generate",
    retry_after: float | None = None,
    request_id: str | None = None,
) -> Ima2Error:
    """The error for an HTTP answer that is no success; as :func:`ima2_openai.errors.refused`."""
    error = read_refusal(CHATGPT, status, body, step=step, retry_after=retry_after, request_id=request_id)
    return advised(error)


def lacks_capability(error: Ima2Error) -> bool:
    """Whether upstream refused with 4xx, before it did anything, for want of the image tool and for no other reason."""
    status = error.details.get("upstreamStatus", 0)
    return error.code == CAPABILITY and error.paid == "no" and 400 <= status < 500


def token_refused(error: Ima2Error) -> bool:
    """Whether upstream refused the token itself, so that it never looked at the request."""
    return error.details.get("upstreamStatus") == 401 and error.paid == "no"


def advised(error: Ima2Error) -> Ima2Error:
    """With what is known of this service alone: when a limit opens again, and what a drawing in words means."""
    if error.code == USAGE_LIMIT and error.retry_after:
        hint = f"Wait {lasting(error.retry_after)} (ima2 quota), or take another provider: ima2 providers"
        return error.but(hint=hint)
    if isinstance(error, NoImage) and "<svg" in str(error.details.get("text", "")).lower():
        return error.but(code=CAPABILITY, hint="This account may have no image tool: ima2 generate --route images")
    return error


def lasting(seconds: float) -> str:
    """``2 min``, ``1 h 10 min``, ``6 d 3 h``: the two largest units, rounded up to a minute."""
    minutes = max(1, -(-int(seconds) // 60))
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (left, "min")) if count]
    return " ".join(parts[:2])


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id by which the service finds a request again."""
    names = ("x-codex-imagegen-request-id", "x-oai-request-id", "x-request-id")
    return next((headers[name] for name in names if headers.get(name)), None)
