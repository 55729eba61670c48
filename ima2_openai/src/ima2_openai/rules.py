"""What upstream's codes, words and statuses mean: the table behind :mod:`ima2_openai.errors`.

Sources: the public SDK's error codes (``openai`` 3.54, 2026-11), recorded traffic, and public reports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ima2 import errors
from ima2.errors import Ima2Error, Paid


@dataclass(frozen=True, slots=True)
class Rule:
    """What an upstream code means.

    :ivar says: our sentence, before upstream's own words; empty shows theirs alone.
    :ivar hint: the one thing to do next; ``{login}`` is the service's sign-in command.
    :ivar paid: None leaves it to how far the call had come.
    """

    error: type[Ima2Error]
    code: str
    says: str = ""
    hint: str | None = None
    retryable: bool | None = None
    paid: Paid | None = None
    status: int | None = None


QUOTA = Rule(
    errors.RateLimited,
    "INSUFFICIENT_QUOTA",
    "The account's credit is used up; waiting does not help.",
    "Add credit at https://platform.openai.com/settings/organization/billing",
    retryable=False,
    paid="no",
)
SLOW_DOWN = Rule(
    errors.RateLimited, "RATE_LIMITED", "Too many requests.", "Wait, then run the command again.", paid="no"
)
MODERATION = Rule(
    errors.Refused, "MODERATION_REFUSED", "The safety system refused.", "Change the prompt or the input images."
)
OVERLOADED = Rule(
    errors.UpstreamError, "UPSTREAM_5XX", "The service is overloaded.", "Try again in a minute.", retryable=True
)
BROKEN = Rule(errors.UpstreamError, "UPSTREAM_5XX", "The service failed.", "Try again in a minute.", retryable=True)
MODEL = Rule(
    errors.UpstreamError, "MODEL_NOT_FOUND", "The account can't use this model.", "ima2 models", paid="no", status=404
)
BAD_KEY = Rule(errors.AuthFailed, "", "The key or sign-in was refused.", "{login}", paid="no")
UNVERIFIED = Rule(
    errors.UpstreamError,
    "ORG_NOT_VERIFIED",
    "OpenAI wants the organization verified for this.",
    "Verify it at https://platform.openai.com/settings/organization/general, then wait up to 15 minutes",
    paid="no",
    status=403,
)
REGION = Rule(
    errors.UpstreamError,
    "REGION_UNSUPPORTED",
    "The service is not offered in this country or region.",
    "Choose another provider: ima2 providers",
    paid="no",
    status=403,
)
BAD_REQUEST = Rule(errors.UpstreamError, "INVALID_REQUEST", "The request was refused.", None, paid="no", status=400)
BAD_IMAGE = Rule(
    errors.UpstreamError,
    "INVALID_REQUEST",
    "An input image was refused.",
    "Use a PNG, JPEG or WebP file under 15 MB.",
    paid="no",
    status=400,
)
TOO_LARGE = Rule(
    errors.UpstreamError, "INVALID_REQUEST", "The request is too large.", "Send fewer or smaller input images.",
    paid="no", status=413,
)  # fmt: skip
NO_TOOL = Rule(
    errors.UpstreamError,
    "IMAGE_CAPABILITY_UNAVAILABLE",
    "This account or model has no image tool.",
    "Choose another model or provider: ima2 models",
    paid="no",
    status=400,
)
FORBIDDEN = Rule(
    errors.UpstreamError, "UPSTREAM_FORBIDDEN", "The account may not do this.", "ima2 doctor", paid="no", status=403
)
SCOPES = Rule(
    errors.UpstreamError,
    "UPSTREAM_FORBIDDEN",
    "The key lacks a permission.",
    "Give it the permission where you made it, or make another key.",
    paid="no",
    status=403,
)
GATEWAY = Rule(
    errors.UpstreamError,
    "UPSTREAM_GATEWAY",
    "A gateway in front of the service answered with a web page.",
    "Wait a few minutes; check a proxy or VPN.",
    paid="no",
    status=502,
)

UNKNOWN = Rule(errors.UpstreamError, "UPSTREAM_ERROR", "The service failed.", "ima2 jobs")

CODES: dict[str, Rule] = {
    **dict.fromkeys(("insufficient_quota", "billing_hard_limit_reached", "billing_not_active"), QUOTA),
    **dict.fromkeys(("rate_limit_exceeded", "requests", "tokens"), SLOW_DOWN),
    **dict.fromkeys(("server_is_overloaded", "slow_down", "overloaded_error", "engine_overloaded"), OVERLOADED),
    **dict.fromkeys(("server_error", "internal_error", "vector_store_timeout"), BROKEN),
    **dict.fromkeys(
        (
            "moderation_blocked",
            "content_policy_violation",
            "image_content_policy_violation",
            "content_filter",
            "bio_policy",
            "misalignment_policy_violation",
        ),
        MODERATION,
    ),
    **dict.fromkeys(("invalid_api_key", "invalid_authentication", "account_deactivated"), BAD_KEY),
    **dict.fromkeys(("model_not_found", "model_not_available"), MODEL),
    "unsupported_country_region_territory": REGION,
    "invalid_prompt": BAD_REQUEST,
    "data_residency_mismatch": BAD_REQUEST,
    "context_length_exceeded": BAD_REQUEST,
    **dict.fromkeys(
        (
            "invalid_image",
            "invalid_image_file",
            "invalid_image_format",
            "invalid_base64_image",
            "invalid_image_url",
            "invalid_image_mode",
            "image_too_large",
            "image_too_small",
            "image_parse_error",
            "image_file_too_large",
            "unsupported_image_media_type",
            "unsupported_file_mimetype",
            "empty_image_file",
            "failed_to_download_image",
            "image_file_not_found",
        ),
        BAD_IMAGE,
    ),
}
"""By ``code``, then by ``type``: public SDK (``openai`` 3.54) and recorded traffic."""

WORDS: tuple[tuple[re.Pattern[str], Rule], ...] = (
    (re.compile(r"missing scopes|insufficient permissions", re.IGNORECASE), SCOPES),
    (re.compile(r"must be verified", re.IGNORECASE), UNVERIFIED),
    (re.compile(r"'image_generation' not found in 'tools'", re.IGNORECASE), NO_TOOL),
    (re.compile(r"country, region|unsupported_country", re.IGNORECASE), REGION),
    (re.compile(r"rejected by (the|our) safety system|safety_violations", re.IGNORECASE), MODERATION),
    (re.compile(r"model is not supported|does not exist or you do not have access", re.IGNORECASE), MODEL),
    (re.compile(r"at capacity|overloaded", re.IGNORECASE), OVERLOADED),
    (re.compile(r"exceeded your current quota", re.IGNORECASE), QUOTA),
)
STATUSES: dict[int, Rule] = {401: BAD_KEY, 403: FORBIDDEN, 404: MODEL, 408: BROKEN, 413: TOO_LARGE, 429: SLOW_DOWN}
