"""Signing in with ChatGPT: browser, code, paste; and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from ima2.errors import Conflict, Ima2Error
from ima2.hookspecs import Ask, OpenUrl, ShowCode, SignedIn
from ima2_kit.context import KitContext, QuickClock
from ima2_oauth.session import authorized
from ima2_oauth.status import status
from providers.oauth.authority import ACCOUNT, CODE, DEVICE, TOKEN, USAGE, Authority, access
from providers.oauth.oauth_signing import (
    StillClock,
    bearer,
    codex_file,
    own_file,
    seed,
    signed_in,
    stored,
    with_service,
)

from ima2_oauth import plugin


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Browser:
    """Agrees, and comes back with what the test wants; ``pages`` is what it was shown then."""

    def __init__(self, service: Authority, *returns: dict[str, str] | None) -> None:
        self.service = service
        self.returns = returns or (None,)
        self.pages: list[tuple[int, str]] = []
        self.opened: dict[str, str] = {}

    async def __call__(self, event: Any, session: Any) -> None:
        if not isinstance(event, OpenUrl):
            return
        self.opened = self.service.agreed = asked(event.url)
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._come_back()))

    async def _come_back(self) -> None:
        async with httpx.AsyncClient() as client:
            for changes in self.returns:
                query = {"code": CODE, "state": self.opened["state"], **(changes or {})}
                left = {name: value for name, value in query.items() if value}
                answer = await client.get(f"{self.opened['redirect_uri']}?{urlencode(left)}")
                self.pages.append((answer.status_code, answer.text))


def browse(folder: Path, *returns: dict[str, str] | None, **more: Any) -> tuple[list[Any], Browser]:
    async def work(context: KitContext, service: Authority) -> tuple[list[Any], Browser]:
        browser = Browser(service, *returns)
        return await signed_in(context, "browser", browser), browser

    events, browser = with_service(folder, work, clock=StillClock(), **more)
    return events, browser


def test_with_a_browser(tmp_path: Path) -> None:
    events, browser = browse(tmp_path)
    opened, last = events
    assert last == SignedIn(account="a…@example.com", plan="plus")
    parts, query = urlsplit(opened.url), asked(opened.url)
    assert parts.path == "/oauth/authorize"
    assert {name: query[name] for name in query if name not in ("state", "code_challenge", "redirect_uri")} == {
        "response_type": "code",
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        "scope": "openid profile email offline_access",
        "code_challenge_method": "S256",
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "originator": "ima2",
    }
    back = urlsplit(query["redirect_uri"])
    assert (back.hostname, back.path) == ("localhost", "/auth/callback")
    assert browser.pages[0][0] == 200
    kept = stored(own_file(tmp_path))
    assert (kept["auth_mode"], kept["OPENAI_API_KEY"]) == ("chatgpt", None)
    assert kept["tokens"]["refresh_token"] == "refresh-1"
    assert kept["tokens"]["account_id"] == ACCOUNT
    if os.name == "posix":
        assert stat.S_IMODE(own_file(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE(own_file(tmp_path).parent.stat().st_mode) == 0o700
    assert not codex_file(tmp_path).exists()


def test_what_was_stored_is_used_at_once(tmp_path: Path) -> None:
    async def work(context: KitContext, service: Authority) -> str:
        await signed_in(context, "browser", Browser(service))
        return bearer(await authorized(context))

    assert with_service(tmp_path, work, clock=StillClock()) == access(1)


def test_a_foreign_state_is_waited_out(tmp_path: Path) -> None:
    """Another program of this machine may come to the port; it does not end the sign-in."""
    events, browser = browse(tmp_path, {"state": "wrong"}, {"state": ""}, None)
    assert isinstance(events[-1], SignedIn)
    assert [status for status, _ in browser.pages] == [400, 400, 200]


@pytest.mark.parametrize(
    ("back", "code", "words"),
    [
        ({"error": "access_denied", "error_description": "You said no"}, "OAUTH_LOGIN_DENIED", "You said no"),
        (
            {"error": "access_denied", "error_description": "missing_codex_entitlement"},
            "OAUTH_LOGIN_DENIED",
            "no access to Codex",
        ),
        ({"error": "server_error"}, "OAUTH_LOGIN_FAILED", "server_error"),
        ({"error": "x", "error_description": "\x1b[2J<script>"}, "OAUTH_LOGIN_FAILED", "[2J<script>"),
    ],
)
def test_a_refusal_in_the_browser_is_told_and_stores_nothing(
    tmp_path: Path, back: dict[str, str], code: str, words: str
) -> None:
    events, browser = browse(tmp_path, {"code": "", **back})
    error = events[-1]
    assert (error.code, error.step) == (code, "sign-in")
    assert words in error.message
    assert "\x1b" not in error.message
    assert "<script>" not in browser.pages[0][1]
    assert not own_file(tmp_path).exists()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "Not that code."}, "Not that code"),
        (400, {"error": {"code": "bad", "message": "No way"}}, "No way"),
        (500, {}, "HTTP 500"),
        (403, "<html>blocked</html>", "a web page"),
        (200, {"refresh_token": "x"}, "HTTP 200"),
        (200, ["x"], "HTTP 200"),
    ],
)
def test_a_code_that_is_not_taken_stores_nothing(tmp_path: Path, status: int, body: Any, words: str) -> None:
    service = Authority()
    service.say(TOKEN, status, body)
    events, _ = browse(tmp_path, service=service)
    assert events[-1].code == "OAUTH_LOGIN_FAILED"
    assert words in events[-1].message
    assert len(service.requests(TOKEN)) == 1
    assert not own_file(tmp_path).exists()


def test_nobody_comes_back(tmp_path: Path) -> None:
    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "browser")

    error = with_service(tmp_path, work, clock=QuickClock())[-1]
    assert (error.code, error.hint) == ("OAUTH_LOGIN_EXPIRED", "ima2 login --paste")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_second_port_when_the_first_is_taken_and_none_when_both_are(tmp_path: Path) -> None:
    second = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        events, _ = browse(tmp_path, login_ports=f"{first},{second}")
        assert asked(events[0].url)["redirect_uri"] == f"http://localhost:{second}/auth/callback"
        events, _ = browse(tmp_path, login_ports=f"{first}")
    assert isinstance(events[-1], Conflict)
    assert (events[-1].code, events[-1].hint) == ("LOGIN_PORTS_TAKEN", "ima2 login --device-code")


def test_leaving_frees_the_port(tmp_path: Path) -> None:
    port = free_port()

    async def work(context: KitContext, _: Authority) -> None:
        for _again in range(2):
            session = plugin.ima2_auth(context).login("browser")
            assert isinstance(await anext(aiter(session)), OpenUrl)
            await session.aclose()

    with_service(tmp_path, work, login_ports=str(port))
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_by_code(tmp_path: Path) -> None:
    service = Authority(pending=3)

    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "device")

    shown, last = with_service(tmp_path, work, service, clock=QuickClock())
    assert shown == ShowCode("ABCD-EFGHI", f"{service.url}/codex/device", 900)
    assert last == SignedIn(account="a…@example.com", plan="plus")
    assert len(service.requests(f"{DEVICE}/token")) == 4
    assert stored(own_file(tmp_path))["tokens"]["refresh_token"] == "refresh-1"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, {}), "OAUTH_DEVICE_UNAVAILABLE"),
        ((400, {"error": "no"}), "OAUTH_LOGIN_FAILED"),
        ((200, {"device_auth_id": "d", "user_code": "\x1b[2J"}), "OAUTH_LOGIN_FAILED"),
        ((200, {"user_code": "AB-12"}), "OAUTH_LOGIN_FAILED"),
        ((200, "<html></html>"), "OAUTH_LOGIN_FAILED"),
    ],
)
def test_no_code_is_given(tmp_path: Path, answer: tuple[int, Any], code: str) -> None:
    service = Authority()
    service.say(f"{DEVICE}/usercode", *answer)

    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "device")

    (error,) = with_service(tmp_path, work, service, clock=QuickClock())
    assert error.code == code


@pytest.mark.parametrize("spelling", [{"usercode": "AB-12"}, {"user_code": "AB-12", "interval": 7}])
def test_other_spellings_of_an_invitation(tmp_path: Path, spelling: dict[str, Any]) -> None:
    service = Authority()
    service.say(f"{DEVICE}/usercode", 200, {"device_auth_id": "d", **spelling})

    async def work(context: KitContext, _: Authority) -> Any:
        return (await signed_in(context, "device"))[0]

    assert with_service(tmp_path, work, service, clock=QuickClock()).code == "AB-12"


def test_what_may_pass_is_waited_out(tmp_path: Path) -> None:
    service = Authority()
    for answer in ((500, {}), (404, {}), (429, {}), (0, None), (502, "<html></html>")):
        service.say(f"{DEVICE}/token", *answer)

    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "device")

    assert isinstance(with_service(tmp_path, work, service, clock=QuickClock())[-1], SignedIn)


def test_a_code_that_nobody_types_expires_and_says_where_it_is_allowed(tmp_path: Path) -> None:
    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "device")

    service = Authority(pending=10_000)
    error = with_service(tmp_path, work, service, clock=QuickClock())[-1]
    assert (error.code, error.hint) == ("OAUTH_LOGIN_EXPIRED", "ima2 login")
    assert "Settings, Security" in error.message
    assert len(service.requests(f"{DEVICE}/token")) == 180


def test_a_refused_code_is_told(tmp_path: Path) -> None:
    service = Authority()
    service.say(f"{DEVICE}/token", 400, {"error": "expired"})

    async def work(context: KitContext, _: Authority) -> list[Any]:
        return await signed_in(context, "device")

    assert with_service(tmp_path, work, service, clock=QuickClock())[-1].code == "OAUTH_LOGIN_FAILED"


def paste(folder: Path, text: Any) -> Any:
    async def work(context: KitContext, service: Authority) -> Any:
        async def react(event: Any, session: Any) -> None:
            if isinstance(event, OpenUrl):
                service.agreed = asked(event.url)
            if isinstance(event, Ask):
                back = service.agreed["redirect_uri"]
                await session.answer(text.format(back=back, state=service.agreed["state"]))

        return (await signed_in(context, "paste", react))[-1]

    return with_service(folder, work, login_ports="1455,1457")


@pytest.mark.parametrize(
    "text",
    [
        f"{{back}}?code={CODE}&state={{state}}",
        f"  {{back}}?code={CODE}&scope=x&state={{state}}\n",
        f"code={CODE}&state={{state}}",
        f"?code={CODE}",
        CODE,
    ],
)
def test_by_pasting(tmp_path: Path, text: str) -> None:
    assert isinstance(paste(tmp_path, text), SignedIn)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "INVALID_LOGIN_ANSWER"),
        ("no", "INVALID_LOGIN_ANSWER"),
        ("{back}", "INVALID_LOGIN_ANSWER"),
        (f"{{back}}?code={CODE}&state=another", "INVALID_LOGIN_ANSWER"),
        ("{back}?error=access_denied&state={state}", "OAUTH_LOGIN_DENIED"),
        ("another-code-0123456789", "OAUTH_LOGIN_FAILED"),
    ],
)
def test_what_is_pasted_wrongly_stores_nothing(tmp_path: Path, text: str, code: str) -> None:
    error = paste(tmp_path, text)
    assert isinstance(error, Ima2Error)
    assert error.code == code
    assert not own_file(tmp_path).exists()


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    async def work(context: KitContext, _: Authority) -> str:
        with pytest.raises(Ima2Error) as caught:
            plugin.ima2_auth(context).login("api_key")
        return caught.value.code

    assert with_service(tmp_path, work) == "UNKNOWN_LOGIN_METHOD"


def test_signing_in_anew_ends_the_one_before(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000, refresh="old")
    service = Authority()
    browse(tmp_path, service=service)
    (told,) = service.requests("/oauth/revoke")
    assert told.json == {
        "token": "old",
        "token_type_hint": "refresh_token",
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
    }
    assert stored(own_file(tmp_path))["tokens"]["refresh_token"] == "refresh-1"


def test_the_sign_in_is_good_also_when_the_plan_is_not_told(tmp_path: Path) -> None:
    service = Authority()
    service.say(USAGE, 403, "<html></html>")
    events, _ = browse(tmp_path, service=service)
    assert events[-1] == SignedIn(account="a…@example.com", plan="plus")


def logout(folder: Path, service: Authority | None = None) -> Any:
    async def work(context: KitContext, _: Authority) -> Any:
        try:
            await plugin.ima2_auth(context).logout()
        except Ima2Error as error:
            return error
        return status(context)

    return with_service(folder, work, service)


@pytest.mark.parametrize("answer", [(200, {}), (500, {}), (0, None)])
def test_signing_out_forgets_and_tells_openai(tmp_path: Path, answer: tuple[int, Any]) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say("/oauth/revoke", *answer)
    found = logout(tmp_path, service)
    assert (found.ready, found.hint) == (False, "ima2 login")
    assert not own_file(tmp_path).exists()
    assert len(service.requests("/oauth/revoke")) == 1


def test_signing_out_twice_is_no_error(tmp_path: Path) -> None:
    assert not logout(tmp_path).ready
    assert not logout(tmp_path).ready


def test_codex_sign_in_is_never_ended(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), left=9000)
    before = codex_file(tmp_path).read_bytes()
    service = Authority()
    error = logout(tmp_path, service)
    assert error.code == "SIGN_IN_NOT_OURS"
    assert "codex logout" in error.hint
    seed(own_file(tmp_path), left=9000)
    found = logout(tmp_path, service)
    assert (found.ready, found.source) == (True, "codex")
    assert [each.json["token"] for each in service.requests("/oauth/revoke")] == ["refresh-0"]
    assert codex_file(tmp_path).read_bytes() == before
