from __future__ import annotations

import io
import logging

import pytest
from ima2.upstream.redact import RedactFilter, mask, redact

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJl-secret_"
SECRETS = [
    ("Authorization: Bearer canary.0123-abc_~+/==", "canary"),
    ("authorization: bearer canary", "canary"),
    ("Proxy-Authorization: Basic Y2FuYXJ5Og==", "Y2FuYXJ5"),
    ("key sk-proj-canary_0123 used", "canary"),
    ("key 'xai-canary0123'", "canary"),
    (f"token {JWT}.", "secret"),
    ("data:image/png;base64,canary+/canary==", "canary"),
    ("DATA:image/svg+xml,%3Csvg%3Ecanary", "canary"),
    ("GET https://host/cb?code=canary&state=canary2", "canary"),
    ("GET /cb?state=1&code=canary HTTP/1.1", "canary"),
    ("http://user:canary@host/", "canary"),
    ('{"refresh_token": "canary", "a": 1}', "canary"),
    ("{'access_token': 'canary'}", "canary"),
    ("client_secret=canary", "canary"),
    ("picture " + "iVBORw0KGgoAAAAN" * 20, "iVBOR"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_are_removed(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "[removed]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "job 01J9ZK of provider acme done in 3.2 s",
        "GET /api/jobs/1 200",
        "Which one? That = this",
        "gpt-image-2 at 1024x1024, task-force",
        "https://host/path:8080",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert redact(text) == text


def logged() -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactFilter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream


def test_arguments_are_redacted() -> None:
    logger, stream = logged()
    logger.error("sent %s, %r", "sk-canary-123", {"id_token": "canary"})
    assert "canary" not in stream.getvalue()
    assert stream.getvalue().startswith("sent [removed]")


def test_arguments_that_do_not_fit_do_not_leak(capsys: pytest.CaptureFixture[str]) -> None:
    logger, stream = logged()
    arguments = ("sk-canary-123",)
    logger.error("no place", *arguments)
    assert "canary" not in stream.getvalue() + capsys.readouterr().err
    assert stream.getvalue()


def test_tracebacks_are_redacted() -> None:
    logger, stream = logged()
    try:
        raise ValueError("GET https://host/?code=canary")
    except ValueError:
        logger.exception("failed")
    assert "ValueError: GET https://host/?[removed]" in stream.getvalue()
    assert "canary" not in stream.getvalue()


def test_a_huge_record_is_cheap_enough_to_redact() -> None:
    assert len(redact("://" * 100_000 + "?" * 100_000 + "data:" * 100_000)) > 0


def test_mask() -> None:
    assert mask("sk-proj-0123456789") == "sk-p..89"
    assert mask("short") == mask("") == ".."
