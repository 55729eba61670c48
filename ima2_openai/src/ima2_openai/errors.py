"""From what upstream says to the errors of ima2: one table by code, then by words, then by HTTP status.

Nothing here knows which backend speaks; :class:`Service` brings its name and the command that signs in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ima2.errors import Ima2Error, Paid
from ima2.upstream.waiting import duration

from ima2_openai.envelope import Envelope, parse, read
from ima2_openai.rules import BAD_KEY, BAD_REQUEST, BROKEN, CODES, GATEWAY, MODERATION, STATUSES, UNKNOWN, WORDS, Rule

_AGAIN = re.compile(r"try again in ([\d.hms]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """Who refused. ``rules`` by upstream code and ``words`` by message are this backend's own, looked up first."""

    title: str
    login: str
    auth_code: str
    rules: Mapping[str, Rule] = field(default_factory=dict)
    words: tuple[tuple[re.Pattern[str], Rule], ...] = ()


def refused(
    service: Service,
    status: int,
    body: bytes | str,
    *,
    step: str = "generate",
    retry_after: float | None = None,
    request_id: str | None = None,
) -> Ima2Error:
    """The error for an HTTP answer that is no success. ``retry_after`` is what the headers say, in seconds."""
    envelope = read(body)
    rule = GATEWAY if envelope.html and status < 500 else _rule(service, envelope) or _by_status(status)
    paid = rule.paid or ("maybe" if status >= 500 or envelope.stage == "output" else "no")
    return _error(service, rule, envelope, step=step, paid=paid, retry_after=retry_after, request_id=request_id,
                  upstream_status=status)  # fmt: skip


def failed(service: Service, value: Any, *, paid: Paid = "maybe", step: str = "generate") -> Ima2Error:
    """The error for a failure inside an accepted answer: an ``error`` event, ``response.failed``, a failed item."""
    envelope = parse(value)
    rule = _rule(service, envelope) or UNKNOWN
    return _error(service, rule, envelope, step=step, paid=rule.paid or _stage_paid(rule, envelope, paid))


def _stage_paid(rule: Rule, envelope: Envelope, paid: Paid) -> Paid:
    return "no" if rule is MODERATION and envelope.stage == "input" else paid


def _rule(service: Service, envelope: Envelope) -> Rule | None:
    for word in filter(None, (envelope.code, envelope.type)):
        if rule := service.rules.get(word) or CODES.get(word):
            return rule
    return next((rule for pattern, rule in (*service.words, *WORDS) if pattern.search(envelope.message)), None)


def _by_status(status: int) -> Rule:
    return STATUSES.get(status) or (BROKEN if status >= 500 else BAD_REQUEST)


def _error(
    service: Service,
    rule: Rule,
    envelope: Envelope,
    *,
    step: str,
    paid: Paid,
    retry_after: float | None = None,
    request_id: str | None = None,
    upstream_status: int | None = None,
) -> Ima2Error:
    facts = {
        "upstreamStatus": upstream_status,
        "upstreamCode": envelope.code,
        "upstreamType": envelope.type,
        "upstreamParam": envelope.param,
        "upstreamRequestId": request_id,
        "moderationStage": envelope.stage,
        "moderationCategories": list(envelope.categories),
    }
    return rule.error(
        _sentence(service, rule, envelope),
        code=rule.code or service.auth_code,
        status=rule.status,
        hint=rule.hint.format(login=service.login) if rule.hint else None,
        field=envelope.param or None,
        step=step,
        paid=paid,
        retryable=rule.retryable,
        retry_after=retry_after if retry_after is not None else _delay(envelope),
        details={name: value for name, value in facts.items() if value},
    )


def _sentence(service: Service, rule: Rule, envelope: Envelope) -> str:
    """Ours, then theirs. A refused credential is never quoted: the service repeats part of it."""
    theirs = "" if rule is BAD_KEY else envelope.message
    where = f" ({envelope.param})" if envelope.param and envelope.param not in theirs else ""
    ours = rule.says or "The request failed."
    return f"{service.title}: {ours[:-1]}{where}{': ' if theirs else '.'}{theirs}"


def _delay(envelope: Envelope) -> float | None:
    """Seconds to wait as the message says: "try again in 1.5s", "200ms", "6m0s"."""
    for name in ("resets_in_seconds", "retry_after"):
        value = envelope.raw.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    match = _AGAIN.search(envelope.message)
    return duration(match[1].rstrip(".")) if match else None
