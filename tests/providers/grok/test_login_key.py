"""An API key in place of the sign-in; signing out."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import InvalidRequest
from ima2.hookspecs import Ask, SignedIn
from ima2_grok.session import authorized
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, text_answer
from providers.grok.signing import auth_file, bearer, seed, signed_in, signing
from xai_auth import AuthService

from ima2_grok import plugin

ROUTE = "GET /v1/models"
KEY = "xai-0123456789abcdefXY"
MODELS = json_answer({"object": "list", "data": [{"id": "grok-4.3", "object": "model"}]})
WRONG_KEY = json_answer({"code": "invalid-argument", "error": "Incorrect API key provided: xa***XY."}, 400)


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)


def login(folder: Path, text: str, *answers: Answer) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """The events, what is stored then, and what the stand-in got."""

    async def go() -> tuple[list[Any], dict[str, Any], list[Any]]:
        async def react(event: Any, session: Any) -> None:
            if isinstance(event, Ask):
                assert event.secret
                await session.answer(text)

        async with (
            ScriptedUpstream({ROUTE: answers}) as upstream,
            signing(folder, AuthService(), base_url=f"{upstream.url}/v1/") as context,
        ):
            seen = await signed_in(context, "api_key", react)
            return seen, dict(context.credentials.read()), upstream.sent(ROUTE)

    return asyncio.run(go())


def test_a_good_key_is_checked_then_stored_for_the_owner_alone(tmp_path: Path) -> None:
    seen, stored, sent = login(tmp_path, f"  {KEY}\n", MODELS)
    assert isinstance(seen[-1], SignedIn)
    assert KEY not in repr(seen)
    assert stored == {"apiKey": KEY}
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"
    assert sent[0].headers["user-agent"].startswith("ima2-grok/")
    [file] = (tmp_path / "credentials").glob("*.json")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not auth_file(tmp_path).exists(), "other tools would take it for a sign-in"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MISSING_KEY"),
        ("   ", "MISSING_KEY"),
        ("sk-123", "INVALID_KEY_FORMAT"),
        ("xai-a b", "INVALID_KEY_FORMAT"),
        ("xai-\nX-Evil: 1", "INVALID_KEY_FORMAT"),
        ("xai-ключ", "INVALID_KEY_FORMAT"),
        ("xai-" + "x" * 509, "KEY_TOO_LARGE"),
    ],
)
def test_a_malformed_key_is_neither_sent_nor_stored(tmp_path: Path, text: str, code: str) -> None:
    seen, stored, sent = login(tmp_path, text, MODELS)
    assert isinstance(seen[-1], InvalidRequest)
    assert (seen[-1].code, stored, sent) == (code, {}, [])


@pytest.mark.parametrize("answer", [WRONG_KEY, text_answer("", 401), text_answer("<html>", 503, "text/html")])
def test_a_key_that_is_not_accepted_is_not_stored(tmp_path: Path, answer: Answer) -> None:
    seen, stored, _ = login(tmp_path, KEY, answer)
    assert (seen[-1].code, seen[-1].status, stored) == ("KEY_VALIDATION_FAILED", 400, {})
    assert KEY not in json.dumps(seen[-1].to_dict())


def test_the_last_sign_in_counts(tmp_path: Path) -> None:
    async def go() -> list[str | None]:
        async def react(event: Any, session: Any) -> None:
            if isinstance(event, Ask):
                await session.answer(KEY)

        async with (
            ScriptedUpstream({ROUTE: [MODELS]}) as upstream,
            AuthService() as service,
            signing(tmp_path, service, base_url=f"{upstream.url}/v1") as context,
        ):
            sources = []
            for method in ("device", "api_key", "device"):
                await signed_in(context, method, react)  # type: ignore[arg-type]
                sources.append((await plugin.ima2_status(context)).source)
            return sources

    assert asyncio.run(go()) == ["sign-in", "stored", "sign-in"]


def test_signing_out_forgets_both_and_may_be_done_twice(tmp_path: Path) -> None:
    seed(tmp_path, left=9000)

    async def go() -> None:
        async with AuthService() as service, signing(tmp_path, service, credentials={"apiKey": KEY}) as context:
            assert bearer(await authorized(context)) == KEY
            await plugin.ima2_auth(context).logout()
            await plugin.ima2_auth(context).logout()
            assert not (await plugin.ima2_status(context)).ready
            assert context.credentials.read() == {}
            assert service.paths == []

    asyncio.run(go())
    assert not auth_file(tmp_path).exists()


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    async def go() -> None:
        async with signing(tmp_path, AuthService()) as context:
            plugin.ima2_auth(context).login("carrier pigeon")  # type: ignore[arg-type]

    with pytest.raises(InvalidRequest) as caught:
        asyncio.run(go())
    assert caught.value.code == "UNKNOWN_LOGIN_METHOD"
