"""``ima2 grok …`` as its users call it: a process, its streams, its exit status."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ima2_kit.upstreams import ScriptedUpstream, json_answer
from providers.grok.signing import auth_file, seed, stored
from xai_auth import AuthService

KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG")
KEY = "xai-0123456789abcdefXY"
MODELS = json_answer({"object": "list", "data": [{"id": "grok-4.3", "object": "model"}]}).but(repeat=True)
LISTS = {
    "GET /v1/models": [MODELS],
    "GET /v1/image-generation-models": [json_answer({"models": [{"id": "grok-imagine-image-9"}]})],
    "GET /v1/video-generation-models": [json_answer({"models": [{"id": "grok-imagine-video-9"}]})],
}


class House:
    """``ima2`` with a folder of its own and stand-ins for xAI."""

    def __init__(self, folder: Path, service: AuthService, upstream: ScriptedUpstream) -> None:
        self.folder = folder
        self.service = service
        self.upstream = upstream

    async def start(self, *arguments: str, **env: str) -> asyncio.subprocess.Process:
        own = {name: os.environ[name] for name in KEPT if name in os.environ}
        addresses = {
            "HOME": str(self.folder),
            "IMA2_CONFIG_DIR": str(self.folder),
            "IMA2_XAI_AUTH_URL": self.service.url,
            "IMA2_XAI_BASE_URL": f"{self.upstream.url}/v1",
            "IMA2_GROK_PROXY_PORT": "0",
            "PYTHONUNBUFFERED": "1",
        }
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ima2",
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**own, **addresses, **env},
        )

    async def run(self, *arguments: str, given: bytes = b"", **env: str) -> tuple[int | None, str, str]:
        process = await self.start(*arguments, **env)
        out, err = await process.communicate(given)
        return process.returncode, out.decode(), err.decode()


def at_home(folder: Path, work: Callable[[House], Awaitable[Any]], service: AuthService | None = None) -> Any:
    async def go() -> Any:
        async with service or AuthService() as running, ScriptedUpstream(LISTS) as upstream:
            return await work(House(folder, running, upstream))

    return asyncio.run(go())


@pytest.mark.parametrize(
    "line",
    [
        ("grok",),
        ("grok", "--help"),
        ("grok", "login", "--help"),
        ("grok", "login", "--browser", "--help"),
        ("grok", "logout", "-h"),
        ("grok", "status", "--help"),
        ("grok", "models", "--help"),
        ("grok", "proxy", "--help"),
    ],
)
def test_help_never_acts(tmp_path: Path, line: tuple[str, ...]) -> None:
    before = seed(tmp_path)

    async def work(house: House) -> None:
        code, out, err = await house.run(*line)
        assert (code, err) == (0, "")
        assert "Usage: ima2 grok" in out
        assert house.service.paths == []
        assert house.upstream.received == []

    at_home(tmp_path, work)
    assert stored(tmp_path) == before


def test_help_is_light(tmp_path: Path) -> None:
    code = (
        "import sys; from ima2.cli.main import run; run(['grok', 'proxy', '--help']); run(['plugins']);"
        "print([name for name in ('pydantic', 'httpx', 'aiohttp', 'PIL', 'rich') if name in sys.modules])"
    )
    env = {**{name: os.environ[name] for name in KEPT if name in os.environ}, "IMA2_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"


def test_in_by_code_who_am_i_out(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        code, out, err = await house.run("grok", "login", "--json")
        assert code == 0, err
        said = {"ok": True, "provider": "grok", "account": "a…@example.com", "plan": "SuperGrok"}
        assert json.loads(out) == said
        assert "ABCD-EFGH" in err
        assert "https://accounts.x.ai/oauth2/device?user_code=ABCD-EFGH" in err
        code, out, _ = await house.run("grok", "status", "--json")
        [state] = json.loads(out)["providers"]
        assert (code, state["ready"], state["account"]) == (0, True, "a…@example.com")
        assert stored(tmp_path)["accessToken"] not in out
        assert (await house.run("grok", "logout"))[0] == 0
        code, out, _ = await house.run("grok", "status", "--json")
        [state] = json.loads(out)["providers"]
        assert (code, state["ready"], state["hint"]) == (4, False, "ima2 grok login")

    service = AuthService(device={"interval": 5})
    at_home(tmp_path, work, service)
    assert not auth_file(tmp_path).exists()


def test_a_refused_code_ends_with_the_status_for_signing_in(tmp_path: Path) -> None:
    service = AuthService()
    service.say("/oauth2/device/code", 403, {"error": "access_denied", "error_description": "not you"})

    async def work(house: House) -> None:
        code, out, err = await house.run("grok", "login", "--json")
        assert code == 4
        assert json.loads(out)["code"] == "GROK_LOGIN_FAILED"
        assert "ima2 grok login" in err

    at_home(tmp_path, work, service)


def test_pasting_through_a_pipe(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        process = await house.start("grok", "login", "--manual-paste")
        assert process.stdin is not None
        assert process.stderr is not None
        line = ""
        while not line.startswith("Open "):
            line = (await process.stderr.readline()).decode()
            assert line
        query = dict(re.findall(r"[?&](\w+)=([^&\s]*)", line))
        decoded = {name: urllib.parse.unquote(value) for name, value in query.items()}
        process.stdin.write(f"{decoded['redirect_uri']}?{house.service.agree(decoded)}\n".encode())
        out, err = await process.communicate()
        assert process.returncode == 0, err
        assert "signed in to grok" in out.decode()

    at_home(tmp_path, work)
    assert stored(tmp_path)["refreshToken"] == "refresh-1"


@pytest.mark.parametrize("line", [("grok", "login", "--api-key"), ("login", "grok", "--api-key")])
def test_a_key_through_a_pipe(tmp_path: Path, line: tuple[str, ...]) -> None:
    async def work(house: House) -> None:
        code, out, err = await house.run(*line, given=f"{KEY}\n".encode())
        assert code == 0, err
        assert KEY not in out + err
        code, out, _ = await house.run("providers", "--json")
        [grok] = [each for each in json.loads(out)["providers"] if each["id"] == "grok"]
        assert (code, grok["ready"], grok["source"]) == (0, True, "stored")

    at_home(tmp_path, work)


def test_the_models_of_the_account(tmp_path: Path) -> None:
    seed(tmp_path, left=10**9)

    async def work(house: House) -> None:
        code, out, err = await house.run("grok", "models", "--json")
        assert code == 0, err
        listed = {each["id"] for each in json.loads(out)["models"]}
        assert {"grok-imagine-image-9", "grok-imagine-video-9"} <= listed
        assert {request.headers["user-agent"].split("/")[0] for request in house.upstream.received} == {"ima2-grok"}

    at_home(tmp_path, work)


def test_a_key_in_the_environment_is_ready_too(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        code, out, _ = await house.run("grok", "status", "--json", XAI_API_KEY=KEY)
        [state] = json.loads(out)["providers"]
        assert (code, state["ready"], state["source"]) == (0, True, "env")
        assert KEY not in out

    at_home(tmp_path, work)


def test_the_bridge_for_other_tools(tmp_path: Path) -> None:
    seed(tmp_path, left=10**9)

    async def work(house: House) -> None:
        process = await house.start("grok", "proxy")
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        match = re.fullmatch(r"Listening:    (http://127\.0\.0\.1:(\d+))/v1\n", line)
        assert match, line
        health = json.loads(await asyncio.to_thread(_get, f"{match[1]}/health"))
        assert {"status": "ok", "upstream": "xAI Grok", "proxy": "progrok"}.items() <= health.items()
        assert (health["auth"], health["port"]) == ("ok", int(match[2]))
        assert json.loads(await asyncio.to_thread(_get, f"{match[1]}/v1/models"))["data"][0]["id"] == "grok-4.3"
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0

    at_home(tmp_path, work)


def test_no_bridge_without_a_sign_in_or_off_this_machine(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        code, _, err = await house.run("grok", "proxy")
        assert code == 4
        assert "ima2 grok login" in err
        seed(tmp_path, left=10**9)
        code, _, err = await house.run("grok", "proxy", "--host", "0.0.0.0")
        assert code == 5
        assert "this machine alone" in err

    at_home(tmp_path, work)


def test_the_doctor_looks_at_sign_in_bridge_port_and_clock(tmp_path: Path) -> None:
    async def work(house: House) -> tuple[dict[str, Any], dict[str, Any]]:
        async def checks() -> dict[str, Any]:
            _, out, _ = await house.run("doctor", "--json")
            return {each["name"]: each for each in json.loads(out)["checks"] if each["name"].startswith("grok ")}

        without = await checks()
        assert house.service.paths == [], "nobody is signed in, so nobody is asked"
        seed(tmp_path, left=10**9)
        return without, await checks()

    without, signed = at_home(tmp_path, work)
    assert set(without) == set(signed) == {"grok sign-in", "grok bridge", "grok port", "grok clock"}
    assert (without["grok sign-in"]["ok"], without["grok sign-in"]["hint"]) == (None, "ima2 grok login")
    assert [each["ok"] for each in signed.values()] == [True] * 4, signed


def test_the_server_opens_the_bridge_and_tells_who_is_signed_in(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        process = await house.start("serve", "--port", "0", "--json")
        assert process.stdout is not None
        url = json.loads(await process.stdout.readline())["url"]

        async def asked(address: str) -> Any:
            return json.loads(await asyncio.to_thread(_get, address))

        said = await asked(f"{url}/api/grok/status")
        assert (said["status"], said["ready"], said["hint"]) == ("offline", False, "ima2 grok login")
        seed(tmp_path, left=10**9)
        said = await asked(f"{url}/api/grok/status")
        assert (said["status"], said["ready"], said["account"]) == ("ready", True, "a…@example.com")
        bridge = (await asked(f"{url}/api/health"))["runtime"]["grok"]
        assert bridge["configuredPort"] == 0
        assert (await asked(f"{bridge['url']}/health"))["port"] == bridge["actualPort"]
        assert (await asked(f"{bridge['url']}/v1/models"))["data"][0]["id"] == "grok-4.3"
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0

    at_home(tmp_path, work)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content
