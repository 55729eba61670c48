"""The bridge to ChatGPT: whose credential, which routes, which models; as a service and as a command."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from ima2.upstream.bridge import Bridge
from ima2_kit.context import KitContext
from ima2_oauth.bridge import serve, spec
from providers.oauth.authority import ACCOUNT, CODEX, Authority, access
from providers.oauth.oauth_house import House, at_home
from providers.oauth.oauth_signing import own_file, seed, stored, with_service

from ima2_oauth import limits

MODELS = f"{CODEX}/models"
RESPONSES = f"{CODEX}/responses"
LIST = {
    "models": [
        {"slug": "gpt-5.5", "visibility": "list"},
        {"slug": "gpt-hidden", "visibility": "hide"},
        {"slug": "gpt-6-sol"},
        {"slug": "gpt-image-2"},
        {"slug": 3},
        "x",
    ]
}
Asked = Callable[[httpx.AsyncClient, KitContext, Authority], Awaitable[Any]]


def across(folder: Path, work: Asked, service: Authority | None = None) -> Any:
    """Run ``work`` with a client of the bridge."""

    async def go(context: KitContext, running: Authority) -> Any:
        async with Bridge(spec(context), context.client) as bridge, httpx.AsyncClient(base_url=bridge.url) as client:
            return await work(client, context, running)

    return with_service(folder, go, service)


def get(path: str, **headers: str) -> Asked:
    async def ask(client: httpx.AsyncClient, _: KitContext, __: Authority) -> httpx.Response:
        return await client.get(path, headers=headers)

    return ask


def test_health_tells_who_is_there(tmp_path: Path) -> None:
    said = across(tmp_path, get("/health")).json()
    assert (said["ok"], said["replay_state"], said["auth"]) == (True, "stateless", "missing")
    assert said["server"].startswith("ima2-oauth/")
    seed(own_file(tmp_path), left=9000)
    assert across(tmp_path, get("/health")).json()["auth"] == "ok"


def test_models_in_the_form_of_openai(tmp_path: Path) -> None:
    written = seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 200, LIST)
    answer = across(tmp_path, get("/v1/models", Authorization="Bearer any-key", Cookie="a=b"), service).json()
    assert answer["object"] == "list"
    assert [each["id"] for each in answer["data"]] == ["gpt-5.5", "gpt-6-sol", "gpt-image-2"]
    assert answer["data"][0] == {"id": "gpt-5.5", "object": "model", "created": 0, "owned_by": "codex-oauth"}
    (sent,) = service.requests(MODELS)
    assert sent.query == {"client_version": "0.169.0"}
    assert sent.headers["authorization"] == f"Bearer {written['tokens']['access_token']}"
    assert sent.headers["chatgpt-account-id"] == ACCOUNT
    assert sent.headers["originator"] == "ima2"
    assert sent.headers["user-agent"].startswith("ima2-oauth/")
    assert "cookie" not in sent.headers


def test_openai_library_lists_the_models(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 200, LIST)

    async def work(client: httpx.AsyncClient, _: KitContext, __: Authority) -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{client.base_url.join('/v1')}", api_key="any") as library:
            return [model.id async for model in library.models.list()]

    assert across(tmp_path, work, service) == ["gpt-5.5", "gpt-6-sol", "gpt-image-2"]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, "<html></html>", (502, "MODELS_UNAVAILABLE")),
        (200, {"models": {}}, (502, "MODELS_UNAVAILABLE")),
        (500, {"error": {"code": "x"}}, (500, "x")),
        (0, None, (502, "NETWORK_FAILED")),
    ],
)
def test_models_that_can_not_be_listed(tmp_path: Path, status: int, body: Any, told: tuple[int, str]) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, status, body)
    answer = across(tmp_path, get("/v1/models"), service)
    assert (answer.status_code, answer.json()["error"]["code"]) == told


def test_nobody_is_signed_in(tmp_path: Path) -> None:
    service = Authority()
    answer = across(tmp_path, get("/v1/models"), service)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "OAUTH_AUTH_REQUIRED")
    assert "ima2 login" in answer.json()["error"]["message"]
    assert service.seen == []


def test_a_stale_token_is_renewed_once_and_the_same_is_asked_again(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 401, {"detail": "token expired"})
    service.say(MODELS, 200, LIST)
    assert across(tmp_path, get("/v1/models"), service).status_code == 200
    assert [each.headers["authorization"] for each in service.requests(MODELS)][1] == f"Bearer {access(1)}"
    assert len(service.refreshes) == 1


def test_a_refusal_that_stays_passes_on(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 401, {"detail": "token expired"}, times=9)
    assert across(tmp_path, get("/v1/models"), service).status_code == 401
    assert len(service.requests(MODELS)) == 2


@pytest.mark.parametrize("body", [{"error": {"code": "region"}}, "<html>blocked</html>"])
def test_a_403_is_no_matter_of_the_token(tmp_path: Path, body: Any) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 403, body)
    assert across(tmp_path, get("/v1/models"), service).status_code == 403
    assert service.refreshes == []


def test_the_limits_of_passing_answers_are_remembered(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 200, LIST, x_codex_primary_used_percent="42", x_codex_primary_window_minutes="300")

    async def work(client: httpx.AsyncClient, context: KitContext, _: Authority) -> Any:
        await client.get("/v1/models")
        return [window.shown().used_percent for window in limits.remembered(context)]

    assert across(tmp_path, work, service) == [42]


@pytest.mark.parametrize("path", ["/v1/me", "/v1/chat/completions", "/backend-api/wham/usage", "/v1/models/../me", "/"])
def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()

    async def raw(client: httpx.AsyncClient, _: KitContext, __: Authority) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        host = f"127.0.0.1:{client.base_url.port}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    assert across(tmp_path, raw, service).startswith(b"HTTP/1.1 404 ")
    assert service.seen == []


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "none"}, {"Host": "evil.test"}])
def test_no_page_in_a_browser_is_served(tmp_path: Path, headers: dict[str, str]) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    assert across(tmp_path, get("/v1/models", **headers), service).status_code == 403
    assert service.seen == []


def test_the_service_says_where_it_is(tmp_path: Path) -> None:
    async def work(context: KitContext, _: Authority) -> Any:
        async with serve(context) as told, httpx.AsyncClient() as client:
            return dict(told), (await client.get(f"{told['url']}/health")).json()["port"]

    told, port = with_service(tmp_path, work)
    assert (told["configuredPort"], told["status"], told["actualPort"]) == (0, "ready", port)

    async def off(context: KitContext, _: Authority) -> Any:
        async with serve(context) as told:
            return dict(told)

    assert with_service(tmp_path, off, no_bridge=True) == {"configuredPort": 0, "status": "disabled"}


def test_a_taken_port_is_left_to_its_owner(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def work(context: KitContext, _: Authority) -> Any:
            async with serve(context) as told:
                return told["configuredPort"], told["actualPort"]

        configured, actual = with_service(tmp_path, work, bridge_port=port)
    assert configured == port != actual


def test_proxy_lends_the_sign_in_until_it_is_stopped(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    service = Authority()
    service.say(MODELS, 200, LIST)

    async def work(house: House) -> tuple[Any, int | None]:
        process = await house.start("oauth", "proxy", "--json")
        assert process.stdout
        said = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient() as client:
            listed = (await client.get(f"{said['url']}/v1/models")).json()
        process.send_signal(signal.SIGTERM if sys.platform != "win32" else signal.CTRL_BREAK_EVENT)
        await process.communicate()
        return [each["id"] for each in listed["data"]], process.returncode

    ids, code = at_home(tmp_path, work, service)
    assert ids == ["gpt-5.5", "gpt-6-sol", "gpt-image-2"]
    assert code == 0


def test_proxy_without_a_sign_in_says_what_to_type(tmp_path: Path) -> None:
    async def work(house: House) -> Any:
        return await house.run("oauth", "proxy")

    code, out, err = at_home(tmp_path, work)
    assert (code, out) == (4, "")
    assert "ima2 login" in err


def test_serve_opens_the_bridge_and_tells_it(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)

    async def work(house: House) -> Any:
        process = await house.start("serve", "--port", "0", "--json")
        assert process.stdout
        url = json.loads(await process.stdout.readline())["url"]
        async with httpx.AsyncClient() as client:
            health = (await client.get(f"{url}/api/health")).json()["runtime"]["oauth"]
            status = (await client.get(f"{url}/api/oauth/status")).json()
            quota = (await client.get(f"{url}/api/quota")).json()
            lent = (await client.get(f"{health['url']}/health")).json()
        process.send_signal(signal.SIGTERM if sys.platform != "win32" else signal.CTRL_BREAK_EVENT)
        await process.communicate()
        return health, status, quota, lent

    window = {"used_percent": 95, "limit_window_seconds": 18000, "reset_after_seconds": 900}
    usage = {"plan_type": "pro", "rate_limit": {"primary_window": window}}
    health, status, quota, lent = at_home(tmp_path, work, Authority(usage=usage))
    assert (health["configuredPort"], health["status"], lent["auth"]) == (0, "ready", "ok")
    assert (status["status"], status["ready"], status["source"]) == ("ready", True, "ima2")
    assert status["runtime"]["oauth"]["url"] == health["url"]
    assert quota["codex"]["account"] == {"email": "a…@example.com", "plan": "pro"}
    assert [(each["label"], each["percent"]) for each in quota["codex"]["windows"]] == [("5 h", 95)]
    assert quota["codex"]["authenticated"] is True
    assert (quota["grok"]["authenticated"], quota["grok"]["windows"]) == (False, [])
    assert [each["provider"] for each in quota["providers"]] == ["oauth", "grok"]
    assert stored(own_file(tmp_path))["tokens"]["refresh_token"] == "refresh-0"
