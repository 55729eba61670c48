"""Signing in by a code: patience, back-off, and every way it can end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import AuthFailed, Ima2Error
from ima2.hookspecs import ShowCode, SignedIn
from ima2_kit.context import QuickClock
from providers.grok.signing import NOW, auth_file, seed, signed_in, signing, stored
from xai_auth import EMAIL, AuthService

RECORDED = Path(__file__).parents[2] / "recorded" / "xai-oauth"
TOKEN, DEVICE = "/oauth2/token", "/oauth2/device/code"
DISCOVERY = "/.well-known/openid-configuration"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text("utf-8"))


def login(folder: Path, service: AuthService, clock: QuickClock | None = None) -> tuple[list[Any], QuickClock]:
    used = clock or QuickClock()

    async def go() -> list[Any]:
        async with service, signing(folder, service, clock=used) as context:
            return await signed_in(context, "device")

    return asyncio.run(go()), used


def nothing_stored(folder: Path) -> bool:
    return not auth_file(folder).exists()


def test_a_code_is_shown_then_the_sign_in_is_stored(tmp_path: Path) -> None:
    service = AuthService(pending=2)
    seen, clock = login(tmp_path, service)
    shown, done = seen
    assert shown == ShowCode("ABCD-EFGH", "https://accounts.x.ai/oauth2/device?user_code=ABCD-EFGH", 900)
    assert done == SignedIn("a…@example.com", "SuperGrok")
    assert clock.monotonic() == 15, "five seconds before each question"
    assert service.begun == [
        {
            "client_id": "b1a00492-073a-47ea-816f-4c329264a828",
            "scope": "openid profile email offline_access grok-cli:access api:access",
        }
    ]
    assert service.asked[0]["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
    after = stored(tmp_path)
    assert (after["refreshToken"], after["email"]) == ("refresh-1", EMAIL)
    assert after["expiresAt"] == round((NOW + 15 + 21600) * 1000)
    assert EMAIL not in repr(seen)
    assert after["accessToken"] not in repr(seen)


def test_the_recorded_replies_are_understood(tmp_path: Path) -> None:
    service = AuthService()
    service.say(DEVICE, 200, recorded("device-code-200.body.json"))
    service.say(TOKEN, 400, recorded("token-400-authorization-pending.body.json"), times=3)
    service.say(TOKEN, 200, {"access_token": "opaque"})
    seen, clock = login(tmp_path, service)
    assert seen[0] == ShowCode("AAAA-0000", "https://accounts.x.ai/oauth2/device?user_code=AAAA-0000", 900)
    assert seen[1] == SignedIn(None, None), "a team's sign-in has no address"
    assert service.asked[0]["device_code"] == "device-code-replaced"
    assert clock.monotonic() == 20


def test_to_slow_down_is_for_good(tmp_path: Path) -> None:
    service = AuthService(pending=2)
    service.say(TOKEN, 400, {"error": "authorization_pending"})
    service.say(TOKEN, 400, {"error": "slow_down"})
    service.say(TOKEN, 400, {"error": "slow_down"})
    _, clock = login(tmp_path, service)
    assert clock.monotonic() == 5 + 5 + 10 + 15 + 15 + 15


@pytest.mark.parametrize("interval", [None, 0, -3, 1, "x", True, 1e400, {}])
def test_five_seconds_at_least(tmp_path: Path, interval: Any) -> None:
    _, clock = login(tmp_path, AuthService(pending=1, device={"interval": interval}))
    assert clock.monotonic() == 10


def test_a_longer_interval_is_kept(tmp_path: Path) -> None:
    _, clock = login(tmp_path, AuthService(pending=1, device={"interval": 8}))
    assert clock.monotonic() == 16


@pytest.mark.parametrize("expires_in", [None, "soon", 0, -1, [], float("1e300")])
def test_without_a_usable_expiry_a_code_is_good_for_ten_minutes(tmp_path: Path, expires_in: Any) -> None:
    seen, clock = login(tmp_path, AuthService(pending=10_000, device={"expires_in": expires_in}))
    assert seen[0].expires_in == 600
    assert seen[-1].code == "GROK_LOGIN_EXPIRED"
    assert clock.monotonic() == 600


@pytest.mark.parametrize(("expires_in", "waited"), [(12, 10), (900, 900), (86400, 1800)])
def test_nobody_waits_for_ever(tmp_path: Path, expires_in: int, waited: int) -> None:
    seen, clock = login(tmp_path, AuthService(pending=10_000, device={"expires_in": expires_in}))
    assert (seen[-1].code, clock.monotonic()) == ("GROK_LOGIN_EXPIRED", waited)
    assert nothing_stored(tmp_path)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "GROK_LOGIN_DENIED"),
        ("expired_token", "GROK_LOGIN_EXPIRED"),
        ("invalid_grant", "GROK_LOGIN_FAILED"),
        ("unheard_of", "GROK_LOGIN_FAILED"),
    ],
)
def test_a_no_is_final(tmp_path: Path, error: str, code: str) -> None:
    before = seed(tmp_path)
    service = AuthService()
    service.say(TOKEN, 400, {"error": error, "error_description": "because\r\n\x1b]52;c;eA==\x07"})
    seen, _ = login(tmp_path, service)
    assert isinstance(seen[-1], AuthFailed)
    assert (seen[-1].code, seen[-1].exit_code, seen[-1].hint) == (code, 4, "ima2 grok login")
    assert seen[-1].message.isprintable()
    assert len(service.asked) == 1
    assert stored(tmp_path) == before, "a sign-in that was there is untouched"


@pytest.mark.parametrize(
    ("status", "body"), [(502, "<html>"), (503, {}), (500, {"error": "server_error"}), (0, None), (200, "<html>")]
)
def test_what_may_pass_is_waited_out(tmp_path: Path, status: int, body: Any) -> None:
    service = AuthService(pending=1)
    service.say(TOKEN, status, body, times=4)
    seen, clock = login(tmp_path, service)
    assert isinstance(seen[-1], SignedIn)
    assert clock.monotonic() == 30


@pytest.mark.parametrize(
    "change",
    [
        {"user_code": "\x1b[31mABCD"},
        {"user_code": "A" * 33},
        {"user_code": None},
        {"device_code": None},
        {"device_code": 7},
        {"verification_uri": None, "verification_uri_complete": None},
        {"verification_uri": "javascript:alert(1)", "verification_uri_complete": "http://accounts.x.ai/"},
        {"verification_uri": "https://accounts.x.ai/\x1b[2J", "verification_uri_complete": "https://x@y/"},
    ],
)
def test_what_is_not_safe_to_show_is_not_shown(tmp_path: Path, change: dict[str, Any]) -> None:
    seen, _ = login(tmp_path, AuthService(device=change))
    assert [type(each) for each in seen] == [AuthFailed]
    assert nothing_stored(tmp_path)


def test_the_plain_page_serves_when_the_whole_one_is_missing(tmp_path: Path) -> None:
    seen, _ = login(tmp_path, AuthService(device={"verification_uri_complete": None}))
    assert seen[0].url == "https://accounts.x.ai/oauth2/device"


def test_where_no_codes_are_given_the_browser_is_named(tmp_path: Path) -> None:
    service = AuthService()
    service.say(DEVICE, 404, {})
    seen, _ = login(tmp_path, service)
    assert seen[-1].hint == "ima2 grok login --browser"


@pytest.mark.parametrize(
    ("status", "body"), [(404, {}), (500, "<html>"), (200, "<html>"), (200, []), (0, None), (302, {})]
)
def test_a_service_that_does_not_describe_itself_is_known(tmp_path: Path, status: int, body: Any) -> None:
    service = AuthService()
    service.say(DISCOVERY, status, body)
    seen, _ = login(tmp_path, service)
    assert isinstance(seen[-1], SignedIn)


@pytest.mark.parametrize("left_out", ["authorization_endpoint", "device_authorization_endpoint", "token_endpoint"])
def test_an_endpoint_that_is_left_out_is_known(tmp_path: Path, left_out: str) -> None:
    seen, _ = login(tmp_path, AuthService(document={left_out: None}))
    assert isinstance(seen[-1], SignedIn)


@pytest.mark.parametrize("endpoint", ["https://evil.test/oauth2/token", "http://127.0.0.1:9/oauth2/token", "file:///x"])
def test_a_description_that_leads_elsewhere_ends_it(tmp_path: Path, endpoint: str) -> None:
    service = AuthService(document={"token_endpoint": endpoint})
    seen, _ = login(tmp_path, service)
    assert seen[-1].code == "GROK_LOGIN_UNTRUSTED"
    assert service.paths == [DISCOVERY]


def test_xais_own_addresses_are_for_xais_own_service(tmp_path: Path) -> None:
    """The recorded description, told by another service."""
    service = AuthService()
    service.say(DISCOVERY, 200, recorded("discovery-200.body.json"))
    seen, _ = login(tmp_path, service)
    assert seen[-1].code == "GROK_LOGIN_UNTRUSTED"


def test_no_network_is_told_with_what_to_do(tmp_path: Path) -> None:
    async def go() -> list[Any]:
        async with AuthService() as service:
            gone = AuthService(url=service.url)
        async with signing(tmp_path, gone) as context:
            return await signed_in(context, "device")

    seen = asyncio.run(go())
    assert isinstance(seen[-1], Ima2Error)
    assert (seen[-1].code, seen[-1].paid) == ("NETWORK_FAILED", "no")


def test_a_new_sign_in_keeps_what_other_tools_stored_and_nothing_of_the_old_account(tmp_path: Path) -> None:
    seed(tmp_path, idToken="old", onboarding={"starPrompted": True})
    service = AuthService(leaves_out=("refresh_token", "id_token"))
    login(tmp_path, service)
    after = stored(tmp_path)
    assert after["onboarding"] == {"starPrompted": True}
    assert not {"refreshToken", "idToken", "email"} & after.keys()


def test_who_gives_up_stores_nothing(tmp_path: Path) -> None:
    async def go() -> None:
        async with AuthService(pending=10_000) as service, signing(tmp_path, service) as context:
            task = asyncio.ensure_future(signed_in(context, "device"))
            while len(service.asked) < 2:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    assert nothing_stored(tmp_path)
