"""Signing in as a user does: a process, its streams, its exit status."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from providers.oauth.authority import CODE, DEVICE, Authority, access, identity
from providers.oauth.oauth_house import House, at_home
from providers.oauth.oauth_signing import codex_file, own_file, seed, stored

NOTICE = "An unofficial use of a personal ChatGPT plan"


async def browse(process: asyncio.subprocess.Process, service: Authority) -> str:
    """Agree on the page that the command names; what it said until then."""
    assert process.stderr
    said = ""
    while not (found := re.search(r"Open (http\S+)\n", said)):
        said += (await process.stderr.readline()).decode()
    service.agreed = {name: values[0] for name, values in parse_qs(urlsplit(found[1]).query).items()}
    back = urlencode({"code": CODE, "state": service.agreed["state"]})
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{service.agreed['redirect_uri']}?{back}")).status_code == 200
    return said


@pytest.mark.parametrize("line", [("login",), ("login", "oauth"), ("oauth", "login")])
def test_login_with_a_browser(tmp_path: Path, line: tuple[str, ...]) -> None:
    """Without a name it is ChatGPT, since a plan that is paid already comes first."""

    async def work(house: House) -> tuple[str, str, int | None]:
        process = await house.start(*line, "--json", SSH_CONNECTION="1")
        said = await browse(process, house.service)
        out, _ = await process.communicate()
        return said, out.decode(), process.returncode

    said, out, code = at_home(tmp_path, work)
    assert (json.loads(out), code) == (
        {"ok": True, "provider": "oauth", "account": "a…@example.com", "plan": "plus"},
        0,
    )
    assert NOTICE in said
    assert stored(own_file(tmp_path))["tokens"]["refresh_token"] == "refresh-1"


def test_login_by_code_shows_it_and_no_secret(tmp_path: Path) -> None:
    service = Authority()
    service.say(f"{DEVICE}/usercode", 200, {"device_auth_id": "device-1", "user_code": "ABCD-EFGHI", "interval": "1"})

    async def work(house: House) -> Any:
        return await house.run("login", "--device-code")

    code, out, err = at_home(tmp_path, work, service)
    assert (code, out) == (0, "✓ signed in to oauth · a…@example.com · plus\n")
    assert f"Type ABCD-EFGHI at {service.url}/codex/device" in err
    assert NOTICE in err
    for secret in (access(1), "refresh-1", identity(), CODE, "made-by-the-service"):
        assert secret not in out + err


def test_setup_offers_chatgpt_first_and_says_what_it_is(tmp_path: Path) -> None:
    async def work(house: House) -> Any:
        process = await house.start("setup", SSH_CONNECTION="1")
        assert process.stdin
        process.stdin.write(b"1\n")
        said = await browse(process, house.service)
        out, _ = await process.communicate()
        return said, out.decode(), process.returncode

    said, out, code = at_home(tmp_path, work)
    assert said.startswith("1  ChatGPT: the plan you have · not signed in to ChatGPT\n")
    assert NOTICE in said
    assert "2  Grok" in said
    assert "3  OpenAI API: an API key, charged by use" in said
    assert code == 0
    assert "✓ signed in to oauth" in out


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_stores_nothing(tmp_path: Path) -> None:
    async def work(house: House) -> int | None:
        process = await house.start("login", SSH_CONNECTION="1")
        assert process.stderr
        while b"Open http" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        await process.communicate()
        return process.returncode

    assert at_home(tmp_path, work) == 130
    assert not own_file(tmp_path).exists()


def test_status_tells_the_account_the_plan_and_the_end(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), left=9000)

    async def work(house: House) -> Any:
        return await house.run("oauth", "status", "--json")

    code, out, _ = at_home(tmp_path, work)
    (state,) = json.loads(out)["providers"]
    assert code == 0
    assert (state["ready"], state["account"], state["plan"], state["source"]) == (
        True,
        "a…@example.com",
        "plus",
        "codex",
    )
    assert isinstance(state["expiresAt"], int)


def test_nobody_is_signed_in(tmp_path: Path) -> None:
    async def work(house: House) -> Any:
        return [await house.run("oauth", each) for each in ("status", "quota")]

    for code, _, _err in at_home(tmp_path, work):
        assert code == 4


def test_auto_takes_chatgpt_when_it_is_ready_and_says_why_when_not(tmp_path: Path) -> None:
    async def work(house: House) -> Any:
        before = await house.run("generate", "a kite", "--json")
        seed(own_file(tmp_path), left=9000)
        after = await house.run("generate", "a kite", "--dry-run", "--json", XAI_API_KEY="xai-0123456789abcdefXY")
        return before, after

    (code, out, _), (dry, said, _) = at_home(tmp_path, work)
    refusal = json.loads(out)
    assert (code, refusal["code"]) == (4, "NO_PROVIDER_READY")
    assert refusal["hint"].startswith("ima2 login")
    assert dry == 0
    assert json.loads(said)["provider"] == "oauth"


def test_logout_ends_ours_and_leaves_codex(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    theirs = seed(codex_file(tmp_path), left=9000)

    async def work(house: House) -> Any:
        return await house.run("logout", "oauth"), await house.run("oauth", "logout", "--json")

    (first, out, _), (second, again, _) = at_home(tmp_path, work)
    assert (first, out) == (0, "✓ signed out of oauth\n")
    assert (second, json.loads(again)["code"]) == (5, "SIGN_IN_NOT_OURS")
    assert stored(codex_file(tmp_path)) == theirs


def checks(folder: Path, service: Authority | None = None, **env: str) -> dict[str, Any]:
    async def work(house: House) -> Any:
        _, out, _ = await house.run("doctor", "--json", **env)
        return {each["name"]: each for each in json.loads(out)["checks"]}

    found: dict[str, Any] = at_home(folder, work, service)
    return found


def test_doctor_when_all_is_well(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    found = checks(tmp_path)
    assert (found["ChatGPT sign-in"]["ok"], found["ChatGPT sign-in"]["text"]) == (True, "ima2's own sign-in is used")
    assert found["ChatGPT service"]["ok"] is True
    assert found["ChatGPT port"]["ok"] is True
    assert found["ChatGPT clock"]["ok"] is True


def test_doctor_when_nobody_is_signed_in(tmp_path: Path) -> None:
    service = Authority()
    found = checks(tmp_path, service)
    assert (found["ChatGPT sign-in"]["ok"], found["ChatGPT sign-in"]["hint"]) == (None, "ima2 login")
    assert service.seen == []


def test_doctor_tells_what_is_wrong(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=-300 * 86400, refresh="used-up")
    service = Authority()
    service.say("/", 200, {}, Date="Mon, 01 Jan 2001 00:00:00 GMT")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = checks(tmp_path, service, IMA2_OAUTH_PROXY_PORT=str(taken.getsockname()[1]))
    assert (found["ChatGPT service"]["ok"], found["ChatGPT service"]["hint"]) == (False, "ima2 login")
    assert (found["ChatGPT clock"]["ok"], found["ChatGPT clock"]["hint"]) == (False, "set the clock")
    assert "minutes ahead of OpenAI's" in found["ChatGPT clock"]["text"]
    assert found["ChatGPT port"]["ok"] is None
    assert "belongs to another program" in found["ChatGPT port"]["text"]
    found = checks(tmp_path, service)
    assert (found["ChatGPT sign-in"]["ok"], found["ChatGPT sign-in"]["hint"]) == (False, "ima2 login")
    assert len(service.refreshes) == 1
