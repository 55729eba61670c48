"""What an answer to "is the clip ready?" means. Pure.

Seen 2026-03 to 2026-08: HTTP 202 while pending, with or without a body; ``progress`` in whole percent, at 1 for most of
the time; a failed job with HTTP 200; a moderated one as ``done`` without an address, or as HTTP 400, and charged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ima2.errors import Ima2Error, NoImage, Refused, UpstreamError
from ima2.models import Usage
from ima2.upstream.polling import Ready, Waiting, fraction

from ima2_grok.envelope import parse
from ima2_grok.errors import WORDS, refused
from ima2_grok.reading import LARGEST, mapping, text
from ima2_grok.spent import usage
from ima2_grok.video.errors import POLL

_REWORD = "change the prompt or the input, then run it again"
_ACCOUNT = "look at your plan on https://grok.com, or at https://console.x.ai"
_LATER = "look at https://console.x.ai for what was charged, and run it again later"
_FAILED: Mapping[str, tuple[str, int, str]] = {
    "invalid_argument": ("GROK_VIDEO_REQUEST_FAILED", 400, _REWORD),
    "permission_denied": ("GROK_VIDEO_REQUEST_FAILED", 403, _ACCOUNT),
    "failed_precondition": ("GROK_VIDEO_REQUEST_FAILED", 412, _ACCOUNT),
    "service_unavailable": ("GROK_VIDEO_POLL_FAILED", 502, _LATER),
}
"""Code, status and what to do next by xAI's own code of a failed job."""
_ANYTHING_ELSE = ("GROK_VIDEO_FAILED", 502, _LATER)
_TRANSIENT = frozenset({408, 425, 429})
_KNOWN = frozenset({"status", "video", "progress"})
"""An answer has at least one of them."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished clip: where it lies for some minutes, and what xAI says of it; ``seconds`` of the whole file."""

    url: str
    model: str
    seconds: float | None
    usage: Usage


Outcome = Clip | UpstreamError
"""xAI's last word: a clip, or that there will be none (failed, expired, moderated, empty) and what that cost."""


def read(status: int, body: bytes, retry_after: float | None = None) -> Waiting | Ready[Outcome]:
    """The last word, or that xAI is still at work.

    :raises UpstreamError: the question was not answered, which says nothing of the clip; ``retryable`` when it may be
        asked again.
    """
    value = _object(body)
    if status == 202 or (status == 200 and not body.strip()):
        return _said(value) if value.get("status") else Waiting(fraction(value.get("progress")))
    if status == 200 and _KNOWN & value.keys():
        return _said(value)
    error = refused(POLL, status, body, retry_after=retry_after)
    passes = status >= 500 or status in _TRANSIENT
    if isinstance(error, Refused) and not passes:
        return Ready(_moderated(parse(value).message, value))
    raise _unanswered(error, status, passes=passes or status == 200)


def _unanswered(error: Ima2Error, status: int, *, passes: bool) -> UpstreamError:
    """Words that would end a clip end nothing when the answer is a fault's or a limit's."""
    if isinstance(error, UpstreamError) and not isinstance(error, Refused) and status != 404:
        code = POLL.bad_request if type(error) is UpstreamError else error.code
        return error.but(retryable=error.retryable or passes, code=code)
    unknown = "xAI knows no clip by this id, or not for the account that asks."
    return UpstreamError(
        unknown if status == 404 else error.message,
        code=POLL.bad_request,
        status=404 if status == 404 else 502,
        step=POLL.name,
        retryable=passes,
        retry_after=error.retry_after,
        details=error.details,
    )


def _said(value: Mapping[str, Any]) -> Waiting | Ready[Outcome]:
    """Moderation is looked at before the address, since a moderated clip has none. An unknown status is waiting."""
    clip, status = mapping(value.get("video")), text(value.get("status"))
    url = text(clip.get("url"))
    if status == "failed":
        return Ready(_failed(value))
    if status == "expired":
        return Ready(_ended("The clip was ready and has expired at xAI.", "GROK_VIDEO_EXPIRED", value))
    if status != "done" and (status or not url):
        return Waiting(fraction(value.get("progress")))
    if clip.get("respect_moderation") is False:
        return Ready(_moderated("", value))
    if not url:
        return Ready(_ended("xAI says that the clip is done and gives no address.", "GROK_VIDEO_EMPTY_RESPONSE", value))
    return Ready(Clip(url, text(value.get("model")), _number(clip.get("duration")), usage(value)))


def _moderated(words: str, value: Mapping[str, Any]) -> Refused:
    """The finished clip was refused; xAI charges it all the same."""
    return Refused(
        "xAI's moderation refused the finished clip." + (f" It said: {words}" if words else ""),
        code="GROK_VIDEO_MODERATION_BLOCKED",
        status=502,
        step=POLL.name,
        paid="yes",
        hint="change the prompt or the input images",
        details=POLL.cost(value),
    )


def _failed(value: Mapping[str, Any]) -> UpstreamError:
    envelope = parse(value)
    if any(pattern.search(f"{envelope.code} {envelope.message}") and rule.error is Refused for pattern, rule in WORDS):
        return _moderated(envelope.message, value)
    code, status, hint = _FAILED.get(envelope.code, _ANYTHING_ELSE)
    words = f": {envelope.message}" if envelope.message else "."
    return UpstreamError(
        f"xAI could not make the clip{words}",
        code=code,
        status=status,
        step=POLL.name,
        paid="yes" if usage(value).cost_usd else "maybe",
        hint=hint,
        details={"upstreamCode": envelope.code, **POLL.cost(value)},
    )


def _ended(message: str, code: str, value: Mapping[str, Any]) -> NoImage:
    return NoImage(
        message,
        code=code,
        status=502,
        step=POLL.name,
        paid="yes",
        hint="look at https://console.x.ai before you run it again",
        details=POLL.cost(value),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _number(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 < value < LARGEST else None
