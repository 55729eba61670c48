"""From what xAI says to the errors of ima2: by words and codes first, then by HTTP status.

The status alone tells little: a wrong key is 400, a stale sign-in 401 or 403, and 429 is also what used-up credits get.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ima2 import errors
from ima2.errors import Ima2Error, Paid

from ima2_grok.envelope import Envelope, parse, read
from ima2_grok.identity import LOGIN
from ima2_grok.reading import mapping
from ima2_grok.spent import usage


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the pipeline: its phase, what a person calls it, and its codes.

    :ivar limit: the setting with its time limit, in milliseconds.
    :ivar buys: what it costs is a picture; the steps before cost tokens, and may be repeated.
    """

    name: str
    title: str
    bad_request: str
    timeout: str
    network: str
    limit: str
    buys: bool = False

    def cost(self, value: Any) -> dict[str, Any]:
        """Facts for an error's ``details``: what the answer that is of no use has cost."""
        spent = usage(value).cost_usd
        return {} if spent is None else {"costUsd": spent}


SEARCH = Step(
    "search",
    "web search",
    bad_request="GROK_SEARCH_BAD_REQUEST",
    timeout="GROK_SEARCH_TIMEOUT",
    network="GROK_SEARCH_NETWORK_FAILED",
    limit="planner_timeout_ms",
)
PLAN = Step(
    "plan",
    "planner",
    bad_request="GROK_PLANNER_BAD_REQUEST",
    timeout="GROK_PLANNER_TIMEOUT",
    network="GROK_PLANNER_NETWORK_FAILED",
    limit="planner_timeout_ms",
)
IMAGE = Step(
    "generate",
    "image",
    bad_request="GROK_BAD_REQUEST",
    timeout="GENERATION_TIMEOUT",
    network="GROK_NETWORK_FAILED",
    limit="generation_timeout_ms",
    buys=True,
)
REPLY = Step(
    "reply",
    "answer",
    bad_request="GROK_REPLY_BAD_REQUEST",
    timeout="VIDEO_TIMEOUT",
    network="GROK_REPLY_NETWORK_FAILED",
    limit="video_analyze_timeout_ms",
)
MODELS = Step(
    "models",
    "model list",
    bad_request="GROK_BAD_REQUEST",
    timeout="GROK_NETWORK_FAILED",
    network="GROK_NETWORK_FAILED",
    limit="planner_timeout_ms",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a refusal means. ``code`` None is the step's own; ``status`` None is upstream's.

    :ivar paid: None leaves it to the step and the status.
    """

    error: type[Ima2Error]
    code: str | None
    says: str
    hint: str | None = None
    status: int | None = 502
    retryable: bool = False
    paid: Paid | None = "no"


MODERATED = Rule(
    errors.Refused,
    "MODERATION_REFUSED",
    "moderation refused it",
    "change the prompt or the input images",
    status=422,
    paid=None,
)
CREDITS = Rule(
    errors.RateLimited,
    "GROK_CREDITS_EXHAUSTED",
    "the credits or the plan are used up, and waiting does not help",
    "add credits at https://grok.com/?_s=usage (sign-in) or https://console.x.ai (key)",
    status=429,
)
FREE_USED = Rule(
    errors.RateLimited,
    "GROK_CREDITS_EXHAUSTED",
    "the free use of this account is used up; it comes back within about a day",
    "wait a day, or look at the plans on https://grok.com",
    status=429,
)
SLOW_DOWN = Rule(
    errors.RateLimited,
    "GROK_RATE_LIMITED",
    "too many requests",
    "wait a minute, then run the command again",
    status=429,
    retryable=True,
)
STALE = Rule(errors.AuthFailed, "GROK_AUTH_FAILED", "the sign-in was not accepted", LOGIN, status=502, retryable=True)
WRONG_KEY = Rule(
    errors.AuthFailed,
    "GROK_AUTH_FAILED",
    "the API key was not accepted",
    f"{LOGIN}   or   set XAI_API_KEY",
    status=502,
)
FORBIDDEN = Rule(
    errors.AuthFailed,
    "GROK_AUTH_FAILED",
    "the account may not do this, and signing in again does not help",
    "look at your plan on https://grok.com",
    status=502,
)
BROKEN = Rule(
    errors.UpstreamError,
    "GROK_UPSTREAM_ERROR",
    "the service failed",
    "try again in a minute",
    retryable=True,
    paid=None,
)
UNREACHED = Rule(
    errors.UpstreamError, "GROK_UPSTREAM_ERROR", "xAI's gateway can't reach the service", "try again later"
)
UNKNOWN_MODEL = Rule(errors.UpstreamError, None, "no such model or address", "ima2 models --refresh", status=404)
TOO_LARGE = Rule(errors.UpstreamError, None, "the request is too large", "send smaller input images", status=413)
BAD_REQUEST = Rule(errors.UpstreamError, None, "the request was refused", None, status=None)

_WORDS: tuple[tuple[str, Rule], ...] = (
    (r"content-moderat|content moderation|content policy|usage guidelines|safety (system|filter|check)", MODERATED),
    (r"free-usage-exhausted", FREE_USED),
    (r"spending-limit|used all available credits|monthly spending limit|run out of credits", CREDITS),
    (r"incorrect api key|invalid api key", WRONG_KEY),
    (r"bad-credentials|access token could not be validated", STALE),
    (r"currently unavailable", BROKEN),
)
WORDS = tuple((re.compile(pattern, re.IGNORECASE), rule) for pattern, rule in _WORDS)
STATUSES = {
    401: STALE,
    402: CREDITS,
    403: FORBIDDEN,
    404: UNKNOWN_MODEL,
    413: TOO_LARGE,
    429: SLOW_DOWN,
    525: UNREACHED,
    526: UNREACHED,
}


def refused(
    step: Step,
    status: int,
    body: bytes | Any,
    *,
    retry_after: float | None = None,
    request_id: str | None = None,
) -> Ima2Error:
    """The error for an answer that is a refusal: ``body`` as bytes or already parsed, ``retry_after`` in seconds."""
    envelope = read(body) if isinstance(body, bytes) else parse(body)
    rule = _rule(status, envelope)
    cost = step.cost(_parsed(body))
    facts = {"upstreamStatus": status, "upstreamCode": envelope.code, "upstreamRequestId": request_id, **cost}
    paid = _paid(step, status, rule, charged=bool(cost))
    return rule.error(
        f"xAI, {step.title}: {rule.says}" + (f": {envelope.message}" if envelope.message else "."),
        code=rule.code or step.bad_request,
        status=rule.status or (status if 400 <= status < 500 else 502),
        hint=rule.hint,
        step=step.name,
        paid=paid,
        # A paid step is never sent again by a program: only the user can say so.
        retryable=rule.retryable and paid == "no",
        retry_after=retry_after,
        details={name: value for name, value in facts.items() if value},
    )


def _rule(status: int, envelope: Envelope) -> Rule:
    said = f"{envelope.code} {envelope.message}"
    found = next((rule for pattern, rule in WORDS if pattern.search(said)), None)
    if found and not envelope.page:
        return found
    return STATUSES.get(status) or (BAD_REQUEST if 400 <= status < 500 and not envelope.page else BROKEN)


def _paid(step: Step, status: int, rule: Rule, *, charged: bool) -> Paid:
    """Whether a picture may have been paid for. Moderation may charge, and then says so."""
    if not step.buys:
        return "no"
    if charged:
        return "yes"
    return rule.paid or ("no" if 400 <= status < 500 else "maybe")


def _parsed(body: bytes | Any) -> Mapping[str, Any]:
    if not isinstance(body, bytes):
        return mapping(body)
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}
