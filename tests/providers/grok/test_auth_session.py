"""The sign-in while it lasts: renewed in time, once, without losing what other tools have put in the file."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error, NotReady, UpstreamError
from ima2_grok.session import authorized, base_url
from ima2_kit.context import KitContext
from providers.grok.signing import NOW, OLD, auth_file, bearer, seed, signing, stored
from xai_auth import AuthService, jwt

from ima2_grok import plugin

TOKEN = "/oauth2/token"
CHILD = """
import asyncio, sys
from pathlib import Path
from ima2_kit.context import QuickClock
from providers.grok.signing import signing
from xai_auth import AuthService
from ima2_grok.session import authorized

async def main(folder, url, force):
    async with signing(Path(folder), AuthService(url=url)) as context:
        sys.stdin.readline()
        print((await authorized(context, force_refresh=force == "force"))["authorization"])

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)


Work = Callable[[KitContext, AuthService], Awaitable[Any]]


def with_service(folder: Path, work: Work, service: AuthService | None = None, **more: Any) -> Any:
    async def go() -> Any:
        async with service or AuthService() as running, signing(folder, running, **more) as context:
            return await work(context, running)

    return asyncio.run(go())


async def use(context: KitContext, service: AuthService) -> tuple[str, AuthService]:
    return bearer(await authorized(context)), service


def failing(error: type[Ima2Error], **how: Any) -> Work:
    async def work(context: KitContext, service: AuthService) -> tuple[Any, AuthService]:
        with pytest.raises(error) as caught:
            await authorized(context, **how)
        return caught.value, service

    return work


def test_a_token_with_time_left_is_used_as_it_is(tmp_path: Path) -> None:
    before = seed(tmp_path, left=301)
    token, service = with_service(tmp_path, use)
    assert (token, service.paths) == (OLD, [])
    assert stored(tmp_path) == before


@pytest.mark.parametrize("left", [299, 0, -86400])
def test_a_token_near_its_end_is_renewed_and_kept(tmp_path: Path, left: float) -> None:
    seed(tmp_path, left=left, onboarding={"seen": True}, tokenEndpoint=None)
    token, service = with_service(tmp_path, use)
    after = stored(tmp_path)
    assert token == after["accessToken"] != OLD
    assert after["refreshToken"] == "refresh-1"
    assert after["expiresAt"] == round((NOW + 21600) * 1000)
    assert after["tokenEndpoint"] == f"{service.url}/oauth2/token"
    assert after["onboarding"] == {"seen": True}
    assert service.refreshes == [
        {
            "grant_type": "refresh_token",
            "client_id": "b1a00492-073a-47ea-816f-4c329264a828",
            "refresh_token": "refresh-0",
        }
    ]
    assert all(agent.startswith("ima2-grok/") for agent in service.agents)
    if os.name == "posix":
        assert stat.S_IMODE(auth_file(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE(auth_file(tmp_path).parent.stat().st_mode) == 0o700


def test_what_the_answer_leaves_out_stays(tmp_path: Path) -> None:
    seed(tmp_path, idToken="id-0")
    service = AuthService(leaves_out=("refresh_token", "id_token", "expires_in"))
    with_service(tmp_path, use, service)
    after = stored(tmp_path)
    assert (after["refreshToken"], after["email"], after["idToken"]) == ("refresh-0", "ann@example.com", "id-0")
    claims = json.loads(_payload(after["accessToken"]))
    assert after["expiresAt"] == claims["exp"] * 1000


def test_without_any_word_on_its_end_a_token_counts_for_an_hour(tmp_path: Path) -> None:
    seed(tmp_path)
    service = AuthService()
    service.say(TOKEN, 200, {"access_token": "opaque"})
    token, _ = with_service(tmp_path, use, service)
    assert (token, stored(tmp_path)["expiresAt"]) == ("opaque", round((NOW + 3600) * 1000))


def test_a_file_without_an_end_is_read_from_the_token(tmp_path: Path) -> None:
    seed(tmp_path, left=None, accessToken=jwt(exp=round(NOW) - 5))
    token, _ = with_service(tmp_path, use)
    assert token == stored(tmp_path)["accessToken"]
    seed(tmp_path, left=None, accessToken="opaque")
    assert with_service(tmp_path, use)[0] == "opaque"


@pytest.mark.parametrize("word", ["invalid_grant", "invalid_client"])
def test_two_words_end_a_sign_in(tmp_path: Path, word: str) -> None:
    seed(tmp_path, kept="yes")
    service = AuthService()
    service.say(TOKEN, 400, {"error": word})
    error, _ = with_service(tmp_path, failing(NotReady), service)
    assert (error.code, error.hint) == ("GROK_AUTH_REQUIRED", "ima2 grok login")
    assert "refreshToken" not in stored(tmp_path)
    assert stored(tmp_path)["kept"] == "yes"
    _, service = with_service(tmp_path, failing(NotReady))
    assert service.paths == [], "a refresh token that is over is not sent again"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_request"}),
        (401, {"error": "unauthorized_client"}),
        (400, {"error": {"message": "invalid_grant"}}),
        (429, {"error": "slow_down"}),
        (500, {}),
        (502, "<html>Bad gateway: invalid_grant"),
        (200, "<html>"),
        (200, {"token_type": "Bearer"}),
        (0, None),
    ],
)
def test_nothing_else_does(tmp_path: Path, status: int, body: Any) -> None:
    before = seed(tmp_path)
    service = AuthService()
    service.say(TOKEN, status, body, times=3)
    error, service = with_service(tmp_path, failing(UpstreamError), service)
    assert (error.code, error.retryable, error.paid) == ("GROK_REFRESH_FAILED", True, "no")
    assert stored(tmp_path) == before
    assert len(service.refreshes) == 3
    assert with_service(tmp_path, use)[0] != OLD


def test_a_plan_that_is_refused_is_not_asked_for_again(tmp_path: Path) -> None:
    before = seed(tmp_path)
    service = AuthService()
    service.say(TOKEN, 403, {"error": "no_entitlement", "error_description": "upgrade\x1b[2J"})
    error, service = with_service(tmp_path, failing(UpstreamError), service)
    assert (error.code, len(service.refreshes)) == ("GROK_REFRESH_REFUSED", 1)
    assert "\x1b" not in error.message
    assert stored(tmp_path) == before


@pytest.mark.parametrize("status", [403, 503, 0])
def test_while_the_token_lives_a_failure_costs_nothing(tmp_path: Path, status: int) -> None:
    seed(tmp_path, left=200)
    service = AuthService()
    service.say(TOKEN, status, {})
    token, service = with_service(tmp_path, use, service)
    assert (token, len(service.refreshes)) == (OLD, 1)


def test_a_refused_token_is_renewed_once_for_all_who_held_it(tmp_path: Path) -> None:
    seed(tmp_path, left=9000)

    async def work(context: KitContext, service: AuthService) -> tuple[set[str], int]:
        many = await asyncio.gather(*(authorized(context, force_refresh=True) for _ in range(8)))
        late = await authorized(context, force_refresh=True)
        return {bearer(each) for each in (*many, late)}, len(service.refreshes)

    tokens, refreshes = with_service(tmp_path, work)
    assert refreshes == 1
    assert tokens == {stored(tmp_path)["accessToken"]}


def test_a_refused_token_without_a_refresh_token_asks_for_a_sign_in(tmp_path: Path) -> None:
    seed(tmp_path, left=9000, refreshToken=None)
    assert with_service(tmp_path, use)[0] == OLD
    error, service = with_service(tmp_path, failing(NotReady, force_refresh=True))
    assert (error.code, service.paths) == ("GROK_AUTH_REQUIRED", [])


@pytest.mark.parametrize("how", ["expired", "force"])
def test_eight_processes_at_once_make_one_call(tmp_path: Path, how: str) -> None:
    seed(tmp_path, left=-1 if how == "expired" else 9000)

    async def go() -> tuple[list[bytes], int]:
        async with AuthService() as service:
            arguments = (sys.executable, "-c", CHILD, str(tmp_path), service.url, how)
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "env": env}
            children = [await asyncio.create_subprocess_exec(*arguments, **pipes) for _ in range(8)]
            done = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
            assert [child.returncode for child in children] == [0] * 8
            return [out for out, _ in done], len(service.refreshes)

    tokens, refreshes = asyncio.run(go())
    assert refreshes == 1
    assert {token.decode().strip() for token in tokens} == {f"Bearer {stored(tmp_path)['accessToken']}"}


def test_who_leaves_half_way_does_not_lose_the_new_token(tmp_path: Path) -> None:
    """The old refresh token is used up as soon as it was sent."""
    seed(tmp_path)

    async def work(context: KitContext, service: AuthService) -> None:
        task = asyncio.ensure_future(authorized(context))
        while not service.refreshes:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stored(tmp_path)["refreshToken"] == service.valid == "refresh-1"

    with_service(tmp_path, work)


def test_a_tool_without_a_lock_may_have_been_quicker(tmp_path: Path) -> None:
    seed(tmp_path)

    async def work(context: KitContext, service: AuthService) -> str:
        service.valid = "refresh-of-another"
        lock_holder = context
        task = asyncio.ensure_future(authorized(lock_holder))
        while not service.refreshes:
            await asyncio.sleep(0)
        seed(tmp_path, left=9000, accessToken="of-another", refreshToken="refresh-of-another")
        return bearer(await task)

    assert with_service(tmp_path, work) == "of-another"
    assert stored(tmp_path)["refreshToken"] == "refresh-of-another"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.test/oauth2/token",
        "https://auth.x.ai.evil.test/oauth2/token",
        "http://auth.x.ai/oauth2/token",
        "https://evil.test@auth.x.ai:9/oauth2/token",
        "//auth.x.ai",
        "http://[",
        "nonsense",
    ],
)
def test_a_refresh_token_goes_to_no_address_that_only_the_file_names(tmp_path: Path, endpoint: str) -> None:
    seed(tmp_path, tokenEndpoint=endpoint)
    token, service = with_service(tmp_path, use)
    assert (token, len(service.refreshes)) == (stored(tmp_path)["accessToken"], 1)


def test_a_team_says_for_whom_it_asks(tmp_path: Path) -> None:
    seed(tmp_path, accessToken=jwt(principal_type="Team", principal_id="team-7"), email=None)
    _, service = with_service(tmp_path, use)
    assert service.refreshes[0]["principal_id"] == "team-7"
    assert service.refreshes[0]["principal_type"] == "Team"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_token_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    seed(tmp_path)
    auth_file(tmp_path).parent.chmod(0o500)
    error, _ = with_service(tmp_path, failing(Ima2Error))
    auth_file(tmp_path).parent.chmod(0o700)
    assert error.code == "CREDENTIALS_UNWRITABLE"


def test_keys_and_sign_ins_have_an_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key stored on purpose, the sign-in, then a key that merely lies about."""

    async def work(context: KitContext, _: AuthService) -> tuple[str, str | None]:
        return bearer(await authorized(context)), (await plugin.ima2_status(context)).source

    assert with_service(tmp_path, work, api_key="xai-from-config-1") == ("xai-from-config-1", "config")
    monkeypatch.setenv("XAI_API_KEY", "xai-from-env-1")
    assert with_service(tmp_path, work, api_key="xai-from-env-1") == ("xai-from-env-1", "env")
    seed(tmp_path, left=9000)
    assert with_service(tmp_path, work, api_key="xai-from-env-1") == (OLD, "sign-in")
    stored_key = {"apiKey": "xai-stored-1"}
    assert with_service(tmp_path, work, credentials=stored_key) == ("xai-stored-1", "stored")


def test_a_key_steps_in_when_the_sign_in_is_over(tmp_path: Path) -> None:
    seed(tmp_path, refreshToken=None)
    assert with_service(tmp_path, use, api_key="xai-from-config-1")[0] == "xai-from-config-1"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"accessToken": 7}', '{"accessToken": ""}', "\x00", "[" * 100_000])
def test_a_broken_file_is_told_and_left(tmp_path: Path, text: str) -> None:
    auth_file(tmp_path).parent.mkdir()
    auth_file(tmp_path).write_text(text, encoding="utf-8")

    async def status(context: KitContext, _: AuthService) -> Any:
        return await plugin.ima2_status(context)

    error, service = with_service(tmp_path, failing(NotReady))
    assert error.code in ("CREDENTIALS_UNREADABLE", "GROK_AUTH_REQUIRED")
    found = with_service(tmp_path, status)
    assert not found.ready
    assert found.hint
    assert found.legacy["status"] in ("error", "offline")
    assert auth_file(tmp_path).read_text("utf-8") == text
    assert service.paths == []


def test_status_by_reading_alone(tmp_path: Path) -> None:
    async def status(context: KitContext, service: AuthService) -> Any:
        found = await plugin.ima2_status(context)
        assert service.paths == []
        return found

    missing = with_service(tmp_path, status)
    assert (missing.ready, missing.hint) == (False, "ima2 grok login")
    assert missing.legacy == {"status": "offline", "reason": "not signed in", "code": "GROK_AUTH_REQUIRED"}
    seed(tmp_path, left=-9000)
    found = with_service(tmp_path, status)
    assert (found.ready, found.account, found.plan, found.source) == (True, "a…@example.com", "SuperGrok", "sign-in")
    assert found.expires_at == round(NOW - 9000)
    assert found.legacy == {"status": "ready"}
    seed(tmp_path, left=-9000, refreshToken=None)
    assert not with_service(tmp_path, status).ready


def test_the_base_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    async def work(context: KitContext, _: AuthService) -> str:
        return base_url(context)

    assert with_service(tmp_path, work) == "https://api.x.ai/v1"
    assert with_service(tmp_path, work, base_url="http://127.0.0.1:9/v1/") == "http://127.0.0.1:9/v1"


def _payload(token: str) -> bytes:
    import base64

    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
