"""Signing in with the browser of this machine, and by pasting the address of another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from ima2.errors import AuthFailed, InvalidRequest
from ima2.hookspecs import Ask, OpenUrl, SignedIn
from ima2_kit.context import QuickClock
from providers.grok.signing import auth_file, signed_in, signing, stored
from xai_auth import CODE, EMAIL, AuthService

WELL_KNOWN = 56121


class SlowClock(QuickClock):
    """Time stands still: nobody is late."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def browser_login(
    folder: Path, act: Callable[[AuthService, dict[str, str], httpx.AsyncClient], Any], **options: Any
) -> Any:
    """The events, with ``act`` done in place of the user once the page was opened."""

    async def go() -> list[Any]:
        async with (
            AuthService() as service,
            signing(folder, service, clock=options.get("clock", SlowClock())) as context,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            acting: list[asyncio.Task[Any]] = []

            async def react(event: Any, _: Any) -> None:
                if isinstance(event, OpenUrl):
                    assert event.url.startswith(f"{service.url}/oauth2/authorize?")
                    acting.append(asyncio.ensure_future(act(service, query_of(event.url), client)))

            async with asyncio.timeout(60):
                seen = await signed_in(context, "browser", react)
                await asyncio.gather(*acting)
            return seen

    return asyncio.run(go())


async def agree(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{query['redirect_uri']}?{service.agree(query)}")
    assert answer.status_code == 200
    assert "close this tab" in answer.text


def test_the_browser_comes_back_and_the_sign_in_is_stored(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        asked.append(query)
        await agree(service, query, client)

    seen = browser_login(tmp_path, act)
    assert [type(each) for each in seen] == [OpenUrl, SignedIn]
    assert stored(tmp_path)["email"] == EMAIL
    [query] = asked
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert query["referrer"] == "ima2"
    redirect = urlsplit(query["redirect_uri"])
    assert (redirect.scheme, redirect.hostname, redirect.path) == ("http", "127.0.0.1", "/callback")
    assert query["nonce"] != query["state"]


def test_a_port_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    """The service takes any port of 127.0.0.1."""
    ports: list[int | None] = []

    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        ports.append(urlsplit(query["redirect_uri"]).port)
        await agree(service, query, client)

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", WELL_KNOWN))
        other.listen()
        seen = browser_login(tmp_path, act)
    assert isinstance(seen[-1], SignedIn)
    assert ports != [WELL_KNOWN]


def test_strangers_neither_end_nor_win_a_sign_in(tmp_path: Path) -> None:
    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        url = query["redirect_uri"]
        for wrong in (
            "",
            f"?code={CODE}",
            f"?code={CODE}&state=guessed",
            "?error=access_denied",
            "?error=access_denied&state=%F0%9F%92%A9",
            f"?state={query['state']}",
        ):
            assert (await client.get(url + wrong)).status_code == 400
        assert (await client.get(url.replace("/callback", "/"))).status_code == 404
        assert (await client.post(f"{url}?{service.agree(query)}")).status_code == 404
        await agree(service, query, client)

    assert isinstance(browser_login(tmp_path, act)[-1], SignedIn)


@pytest.mark.parametrize(
    ("error", "code"), [("access_denied", "GROK_LOGIN_DENIED"), ("server_error", "GROK_LOGIN_FAILED")]
)
def test_a_no_in_the_browser_ends_it(tmp_path: Path, error: str, code: str) -> None:
    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        said = service.agree(query, code="", error=error, error_description="<script>alert(1)</script>")
        answer = await client.get(f"{query['redirect_uri']}?{said}")
        assert "<script>" not in answer.text

    seen = browser_login(tmp_path, act)
    assert isinstance(seen[-1], AuthFailed)
    assert seen[-1].code == code
    assert not auth_file(tmp_path).exists()


def test_a_script_of_xais_page_may_fetch_the_callback_and_no_other(tmp_path: Path) -> None:
    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        url = query["redirect_uri"]
        for origin, allowed in (("https://accounts.x.ai", True), ("https://evil.test", False)):
            answer = await client.options(url, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
            assert answer.status_code == 204
            assert ("access-control-allow-origin" in answer.headers) is allowed
        await agree(service, query, client)

    assert isinstance(browser_login(tmp_path, act)[-1], SignedIn)


def test_a_code_that_is_refused_stores_nothing(tmp_path: Path) -> None:
    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        said = service.agree({**query, "code_challenge": "of another"})
        await client.get(f"{query['redirect_uri']}?{said}")

    seen = browser_login(tmp_path, act)
    assert seen[-1].code == "GROK_LOGIN_FAILED"
    assert not auth_file(tmp_path).exists()


def test_a_token_made_for_another_sign_in_is_refused(tmp_path: Path) -> None:
    async def act(service: AuthService, query: dict[str, str], client: httpx.AsyncClient) -> None:
        said = service.agree({**query, "nonce": "of another"})
        await client.get(f"{query['redirect_uri']}?{said}")

    assert browser_login(tmp_path, act)[-1].code == "GROK_LOGIN_FAILED"
    assert not auth_file(tmp_path).exists()


def test_the_time_is_up_one_day_and_the_port_is_free_again(tmp_path: Path) -> None:
    ports: list[int | None] = []

    async def act(_: AuthService, query: dict[str, str], __: httpx.AsyncClient) -> None:
        ports.append(urlsplit(query["redirect_uri"]).port)

    clock = QuickClock()
    seen = browser_login(tmp_path, act, clock=clock)
    assert (seen[-1].code, clock.monotonic()) == ("GROK_LOGIN_EXPIRED", 600)
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", ports[0] or 0)) != 0


def test_who_leaves_gives_the_port_back(tmp_path: Path) -> None:
    async def go() -> int | None:
        async with AuthService() as service, signing(tmp_path, service, clock=SlowClock()) as context:
            opened: asyncio.Queue[str] = asyncio.Queue()

            async def react(event: Any, _: Any) -> None:
                opened.put_nowait(event.url)

            task = asyncio.ensure_future(signed_in(context, "browser", react))
            query = query_of(await opened.get())
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return urlsplit(query["redirect_uri"]).port

    port = asyncio.run(go())
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", port or 0)) != 0


def paste(folder: Path, text: Callable[[AuthService, dict[str, str]], str]) -> list[Any]:
    async def go() -> list[Any]:
        async with AuthService() as service, signing(folder, service) as context:
            query: dict[str, str] = {}

            async def react(event: Any, session: Any) -> None:
                if isinstance(event, OpenUrl):
                    query.update(query_of(event.url))
                elif isinstance(event, Ask):
                    await session.answer(text(service, query))

            return await signed_in(context, "paste", react)

    return asyncio.run(go())


@pytest.mark.parametrize(
    "form",
    [
        "{uri}?{said}",
        "  {uri}?{said}\n",
        "{said}",
        "?{said}",
        "{uri}?code={code}",
        "code={code}",
        "{code}",
    ],
)
def test_an_address_its_query_or_the_code_alone_will_do(tmp_path: Path, form: str) -> None:
    def text(service: AuthService, query: dict[str, str]) -> str:
        said = service.agree(query)
        return form.format(uri=query["redirect_uri"], said=said, code=CODE)

    seen = paste(tmp_path, text)
    assert [type(each) for each in seen] == [OpenUrl, Ask, SignedIn]
    assert stored(tmp_path)["refreshToken"] == "refresh-1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "not a code at all",
        "https://accounts.x.ai/somewhere",
        "http://127.0.0.1:56121/callback?code=abcdefghij&state=of-another",
        "http://[",
        "code=&state=",
        "кодкодкод",
        "code-\x1b[2J-0123456",
    ],
)
def test_a_wrong_paste_is_told_and_sent_nowhere(tmp_path: Path, text: str) -> None:
    services: list[AuthService] = []

    def given(service: AuthService, query: dict[str, str]) -> str:
        service.agree(query)
        services.append(service)
        return text

    seen = paste(tmp_path, given)
    assert isinstance(seen[-1], InvalidRequest)
    assert (seen[-1].code, seen[-1].status) == ("INVALID_LOGIN_ANSWER", 400)
    assert services[0].asked == []
    assert not auth_file(tmp_path).exists()


def test_a_pasted_no_is_a_no(tmp_path: Path) -> None:
    seen = paste(tmp_path, lambda _, query: f"{query['redirect_uri']}?error=access_denied&state={query['state']}")
    assert seen[-1].code == "GROK_LOGIN_DENIED"


def test_a_wrong_code_is_told(tmp_path: Path) -> None:
    def text(service: AuthService, query: dict[str, str]) -> str:
        service.agree(query)
        return "code-of-someone-else"

    assert paste(tmp_path, text)[-1].code == "GROK_LOGIN_FAILED"
    assert not auth_file(tmp_path).exists()
