"""Keeping secrets and pictures out of logs."""

from __future__ import annotations

import logging
import re

_REMOVED = "[removed]"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"data:[^,\s\"']{0,100},[^\s\"'<>]*", re.I), "data:" + _REMOVED),
    (re.compile(r"[A-Za-z0-9+/]{256,}={0,2}"), _REMOVED),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.I), r"\1 " + _REMOVED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"), _REMOVED),
    (re.compile(r"\b(?:sk|xai)-[A-Za-z0-9_-]{6,}"), _REMOVED),
    (re.compile(r"(://)[^/\s@\"']+@"), r"\1" + _REMOVED + "@"),
    (re.compile(r"\?[\w.~%+-]+=[^\s\"'<>]*"), "?" + _REMOVED),
    (
        re.compile(
            r"((?:access|refresh|id)_token|api_?key|client_secret|device_code|code_verifier|password)"
            r"([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
            re.I,
        ),
        r"\1\2" + _REMOVED,
    ),
)


def redact(text: str) -> str:
    """``text`` without tokens, keys, JWTs, ``data:`` payloads, long base64 and query strings."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def mask(secret: str) -> str:
    """A secret to recognise it by: first four characters, two dots, last two. A short one is all dots."""
    return f"{secret[:4]}..{secret[-2:]}" if len(secret) >= 12 else ".."


def mask_address(address: str | None) -> str | None:
    """An e-mail address for its owner to recognise it by: ``m…@example.com``; None for anything else."""
    name, at, domain = (address or "").rpartition("@")
    return f"{name[:1]}…@{domain}" if at else None


class RedactFilter(logging.Filter):
    """Redacts message, arguments and traceback. Put it on the handler: so it sees other libraries' records too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without its secrets."""
        record.msg, record.args = redact(_message(record)), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"
