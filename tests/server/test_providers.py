"""Providers, models, keys and what plugins add, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from fakes import FakeProvider
from ima2.errors import AuthFailed, InvalidRequest
from ima2.hookspecs import (
    Ask,
    Context,
    LoginEvent,
    OpenUrl,
    QuotaWindow,
    Route,
    Service,
    Setting,
    SignedIn,
    Status,
    hookimpl,
)
from serving import Env, Served, run


class KeyLogin:
    """Asks for a key and takes those that begin with ``sk-good``."""

    def __init__(self, context: Context, method: str) -> None:
        self.context = context
        self.method = method
        self.given = ""
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[LoginEvent]:
        assert self.method == "api_key"
        yield Ask("API key", secret=True)
        if self.given == "sk-browser":
            yield OpenUrl("https://example.test")
        if not self.given.startswith("sk-"):
            raise InvalidRequest("A key begins with sk-.", code="INVALID_KEY_FORMAT")
        if not self.given.startswith("sk-good"):
            raise AuthFailed("The service refused the key.")
        self.context.credentials.write({"apiKey": self.given})
        yield SignedIn("sk-g..od")

    async def answer(self, text: str) -> None:
        self.given = text

    async def aclose(self) -> None:
        self.closed = True


class KeyAuth:
    methods = ("api_key",)

    def __init__(self, context: Context) -> None:
        self.context = context

    def login(self, method: str) -> KeyLogin:
        return KeyLogin(self.context, method)

    async def logout(self) -> None:
        self.context.credentials.delete()


class Keyed(FakeProvider):
    def __init__(self, source: str = "config", **options: Any) -> None:
        super().__init__(
            id="keyed",
            key_alias="acme",
            settings=(Setting("api_key", secret=True, env=("ACME_KEY",)), Setting("style", per_request=True)),
            **options,
        )
        self.source = source

    @hookimpl
    async def ima2_status(self, context: Context) -> Status:
        ready = bool(context.credentials.read() or context.settings["api_key"])
        quota = (QuotaWindow("5 h", 12.5, 99),)
        return Status(
            ready=ready,
            why="" if ready else "no key",
            account="sk-g..od" if ready else None,
            source="env" if context.settings["api_key"] else None,
            quota=quota,
            legacy={"status": "ready" if ready else "auth_required", "code": "API_KEY_REQUIRED"},
        )

    @hookimpl
    def ima2_auth(self, context: Context) -> KeyAuth:
        return KeyAuth(context)


def test_who_is_here_and_who_is_ready(env: Env) -> None:
    async def work(served: Served) -> None:
        said = (await served.client.get("/api/providers")).json()
        assert {"apiKey", "apiKeySource", "apiKeyDisabled", "runtime", "providers"} <= said.keys()
        by_id = {each["id"]: each for each in said["providers"]}
        assert (by_id["fake"]["ready"], by_id["keyed"]["ready"], by_id["keyed"]["hint"]) == (
            True,
            False,
            "ima2 login keyed",
        )
        status = (await served.client.get("/api/keyed/status")).json()
        assert (status["status"], status["ready"], status["quota"][0]["usedPercent"]) == ("auth_required", False, 12.5)
        for name in ("nobody", "..%2fx", "%00"):
            assert (await served.client.get(f"/api/{name}/status")).status_code == 404

    run(env, work, FakeProvider(), Keyed())


def test_a_key_comes_and_goes_and_is_never_shown(env: Env) -> None:
    async def work(served: Served) -> None:
        async def put(name: str, body: Any) -> tuple[int, dict[str, Any]]:
            answer = await served.client.put(f"/api/keys/{name}", json=body)
            assert "sk-good" not in answer.text
            return answer.status_code, answer.json()

        for body, code in (
            ({}, "MISSING_KEY"),
            ({"apiKey": " "}, "MISSING_KEY"),
            ({"apiKey": 7}, "MISSING_KEY"),
            ({"apiKey": "sk-" + "x" * 600}, "KEY_TOO_LARGE"),
            ({"apiKey": "sk-\u00e9"}, "INVALID_KEY_FORMAT"),
            ({"apiKey": "sk-a\r\nX-Evil: 1"}, "INVALID_KEY_FORMAT"),
            ({"apiKey": "pk-good"}, "INVALID_KEY_FORMAT"),
            ({"apiKey": "sk-bad"}, "KEY_VALIDATION_FAILED"),
            ({"apiKey": "sk-browser"}, "KEY_VALIDATION_FAILED"),
        ):
            status, said = await put("keyed", body)
            assert (status, said["ok"], said["code"]) == (400, False, code), body
        for name in ("nobody", "fake"):
            assert (await put(name, {"apiKey": "sk-good"}))[1]["code"] == "INVALID_PROVIDER"
        assert (await served.client.get("/api/keys/status")).json()["acme"]["configured"] is False
        assert await put("acme", {"apiKey": " sk-good "}) == (
            200,
            {"ok": True, "provider": "acme", "source": "config", "valid": True},
        )
        shown = await served.client.get("/api/keys/status")
        assert shown.json() == {
            "acme": {"configured": True, "source": "config", "valid": True, "maskedKey": "sk-g..od"}
        }
        for path in ("/api/providers", "/api/keyed/status", "/api/capabilities", "/api/models", "/"):
            assert "sk-good" not in (await served.client.get(path)).text
        removed = await served.client.delete("/api/keys/keyed")
        assert removed.json() == {"ok": True, "provider": "keyed", "removed": True}
        assert (await served.client.get("/api/keys/status")).json()["acme"]["configured"] is False

    run(env, work, FakeProvider(), Keyed())


def test_a_key_of_the_environment_stays_there(env: Env) -> None:
    async def work(served: Served) -> None:
        assert (await served.client.get("/api/keys/status")).json()["acme"]["source"] == "env"
        answer = await served.client.delete("/api/keys/acme")
        assert (answer.status_code, answer.json()["code"]) == (400, "ENV_KEY_IMMUTABLE")
        assert "sk-from-env" not in (await served.client.get("/api/capabilities")).text

    run({**env, "ACME_KEY": "sk-from-env"}, work, Keyed())


def test_models_in_lanes_and_in_a_list(env: Env) -> None:
    async def work(served: Served) -> None:
        said = (await served.client.get("/api/models")).json()
        assert said["ok"] is True
        lane = said["lanes"]["fake"]
        assert (lane["status"], said["lanes"]["keyed"]["status"]) == ("ready", "key-missing")
        assert lane["defaults"] == {"image": "fake-1"}
        model = lane["models"]["image"][0]
        assert (model["id"], model["label"]) == ("fake-1", "fake-1")
        assert {"source", "aspectRatios", "parameters", "inputRoles"} <= model["capabilities"].keys()
        assert model["capabilities"]["inputRoles"] == ["reference", "mask"]
        assert lane["models"]["video"] == []
        one = (await served.client.get("/api/models?provider=fake")).json()
        assert list(one["lanes"]) == ["fake"]
        unknown = await served.client.get("/api/models?provider=nobody")
        assert (unknown.status_code, unknown.json()["code"]) == (400, "UNKNOWN_PROVIDER")

    run(env, work, FakeProvider(), Keyed())


def test_capabilities_come_from_what_is_installed(env: Env) -> None:
    async def work(served: Served) -> None:
        said = (await served.client.get("/api/capabilities")).json()
        assert {"ok", "name", "source", "version", "defaults", "valid", "configKeys", "limits"} <= said.keys()
        assert (said["source"], said["server"]) == ("server", str(served.client.base_url).rstrip("/"))
        assert said["valid"]["providers"] == ["auto", "fake", "keyed"]
        assert said["valid"]["quality"] == ["low", "medium", "high"]
        assert said["limits"]["maxGeneratedImages"] == 24
        assert said["limits"]["maxRefCount"] == 3

    run(env, work, FakeProvider(), Keyed())


def test_health_is_what_clients_look_for(env: Env) -> None:
    async def work(served: Served) -> None:
        said = (await served.client.get("/api/health")).json()
        assert said.keys() == {"ok", "version", "provider", "uptimeSec", "activeJobs", "pid", "startedAt", "runtime"}
        assert said["runtime"]["backend"].keys() == {"configuredPort", "actualPort", "url"}

    run(env, work)


async def hello(request: web.Request) -> web.Response:
    return web.json_response({"hello": request.match_info["name"]})


async def broken(_request: web.Request) -> web.Response:
    raise ValueError("a secret prompt")


class Extra:
    """No provider: routes alone."""

    @hookimpl
    def ima2_routes(self) -> list[Route]:
        here = "test_plugin_targets"
        return [
            Route("GET", "/hello/{name}", f"{here}:hello"),
            Route("POST", "broken", f"{here}:broken"),
            Route("GET", "/../escape", f"{here}:hello"),
            Route("GET", "/missing", "no.such.module:handler"),
        ]


def test_plugin_routes_live_under_their_own_name(
    env: Env, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import sys
    import types

    module = types.ModuleType("test_plugin_targets")
    module.hello, module.broken = hello, broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "test_plugin_targets", module)

    async def work(served: Served) -> None:
        assert (await served.client.get("/api/x/extra/hello/kite")).json() == {"hello": "kite"}
        assert (await served.client.get("/api/x/extra/missing")).status_code == 404
        failed = await served.client.post("/api/x/extra/broken", json={})
        assert (failed.status_code, failed.json()["code"]) == (500, "INTERNAL_ERROR")
        assert "secret" not in failed.text
        assert (await served.client.post("/api/x/extra/broken", content=b"x")).status_code == 415
        assert (await served.client.get("/api/x/extra/hello/kite", headers={"Host": "evil.test"})).status_code == 403

    run(env, work, plugins={"extra": Extra()})
    assert "unexpected ValueError" in caplog.text
    assert "a secret prompt" not in caplog.text


class Listener:
    """A plugin's service, which says when it was stopped."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @asynccontextmanager
    async def start(self, _context: object) -> AsyncIterator[dict[str, Any]]:
        self.log.append("started")
        yield {"configuredPort": 1, "actualPort": 2, "url": "http://127.0.0.1:2"}
        self.log.append("stopped")

    @asynccontextmanager
    async def fail(self, _context: object) -> AsyncIterator[None]:
        raise OSError("no port")
        yield

    @hookimpl
    def ima2_services(self) -> list[Service]:
        return [Service("bad", self.fail), Service("bridge", self.start)]


def test_services_run_as_long_as_the_server(env: Env) -> None:
    import asyncio

    import httpx
    from ima2.kernel.opening import open_studio
    from ima2.server.serve import running

    listener = Listener()

    async def main() -> None:
        async with open_studio(env, plugins={"listener": listener}) as studio:
            async with running(studio, host="127.0.0.1", port=0) as runtime:
                assert runtime.services == {
                    "bridge": {"configuredPort": 1, "actualPort": 2, "url": "http://127.0.0.1:2"}
                }
                async with httpx.AsyncClient(base_url=runtime.url, trust_env=False) as client:
                    said = (await client.get("/api/providers")).json()
                assert (said["bridgePort"], said["bridgeActualPort"], said["bridgeUrl"]) == (1, 2, "http://127.0.0.1:2")
                assert said["runtime"]["backend"]["url"] == runtime.url
                assert listener.log == ["started"]
            assert listener.log == ["started", "stopped"]

    asyncio.run(main())
