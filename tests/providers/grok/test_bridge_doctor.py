"""What ``ima2 doctor`` finds when something is wrong."""

from __future__ import annotations

import asyncio
import socket
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from core.bridge.crossing import upstream
from ima2.upstream.bridge import Bridge
from ima2_grok.bridge import spec
from ima2_kit.context import QuickClock
from providers.grok.signing import seed, signing
from xai_auth import AuthService

from ima2_grok import plugin


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)


async def found(name: str, context: Any) -> tuple[bool | None, str, str | None]:
    [check] = [each for each in plugin.ima2_doctor_checks() if each.name == f"grok {name}"]
    answer: tuple[bool | None, str, str | None] = await check.run(context)
    return answer


def examine(name: str, folder: Path, status: int = 200, date: str | None = None, **settings: Any) -> Any:
    """One check, with xAI answering ``status`` to everything, at ``date``."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({}, status=status, headers={"Date": date} if date else {})

    async def go() -> Any:
        async with upstream(answer) as url:
            clock = QuickClock(time.time())
            async with signing(
                folder, AuthService(url=url), clock=clock, **{"base_url": f"{url}/v1", **settings}
            ) as context:
                return await found(name, context)

    return asyncio.run(go())


@pytest.mark.parametrize(("status", "ok"), [(200, True), (401, False), (403, False), (500, False)])
def test_whether_xai_takes_the_sign_in(tmp_path: Path, status: int, ok: bool) -> None:
    seed(tmp_path, left=10**9)
    assert examine("sign-in", tmp_path, status)[0] is ok


def test_a_sign_in_that_is_over_is_found(tmp_path: Path) -> None:
    seed(tmp_path, left=-(10**8), refreshToken=None)
    ok, _, hint = examine("sign-in", tmp_path)
    assert (ok, hint) == (False, "ima2 grok login")


def test_a_bridge_that_may_not_listen_is_found(tmp_path: Path) -> None:
    ok, text, _ = examine("bridge", tmp_path, bridge_host="0.0.0.0")
    assert ok is False
    assert "this machine alone" in text


def test_a_bridge_answers_whatever_proxy_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert examine("bridge", tmp_path)[0] is True


def test_who_has_the_port(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        other.settimeout(0)
        ok, text, hint = examine("port", tmp_path, bridge_port=port)
    assert (ok, hint) == (None, "IMA2_GROK_PROXY_PORT=0 takes any")
    assert str(port) in text
    assert examine("port", tmp_path, bridge_port=port)[0] is True
    assert examine("port", tmp_path, bridge_port=0)[0] is True


def test_a_bridge_that_runs_already_is_no_stranger(tmp_path: Path) -> None:
    async def go() -> Any:
        async with (
            signing(tmp_path, AuthService(), bridge_port=0) as context,
            Bridge(spec(context), context.client) as bridge,
            signing(tmp_path, AuthService(), bridge_port=bridge.port) as other,
        ):
            return await found("port", other)

    ok, text, _ = asyncio.run(go())
    assert ok is True
    assert "a bridge to Grok answers" in text


@pytest.mark.parametrize(("off", "ok", "word"), [(0, True, "agrees"), (7200, False, "behind"), (-7200, False, "ahead")])
def test_a_clock_that_is_wrong_is_found(tmp_path: Path, off: float, ok: bool, word: str) -> None:
    seed(tmp_path, left=10**9)
    found, text, _ = examine("clock", tmp_path, date=formatdate(time.time() + off, usegmt=True))
    assert found is ok
    assert word in text


def test_a_service_without_a_clock_is_no_finding(tmp_path: Path) -> None:
    seed(tmp_path, left=10**9)
    assert examine("clock", tmp_path, date="yesterday")[0] is None
    assert examine("clock", tmp_path, auth_url="http://127.0.0.1:9")[0] is None
