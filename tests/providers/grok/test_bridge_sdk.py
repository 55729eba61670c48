"""The bridge to Grok as other programs use it: with OpenAI's own library and any key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web
from core.bridge.crossing import upstream
from ima2.upstream.bridge import Bridge
from ima2_grok.bridge import spec, stale
from ima2_kit.context import KitContext
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, replay, text_answer
from providers.grok.signing import OLD, seed, signing, stored
from xai_auth import AuthService

from ima2_grok import plugin

RECORDED = Path(__file__).parents[2] / "recorded" / "xai"
RESPONSES, CHAT = "POST /v1/responses", "POST /v1/chat/completions"
BAD_CREDENTIALS = json_answer(
    {"code": "unauthenticated:bad-credentials", "error": "The OAuth2 access token could not be validated."}, 403
)
SPENDING_LIMIT = json_answer(
    {"code": "personal-team-blocked:spending-limit", "error": "You have run out of credits."}, 403
)
MODEL = {"id": "grok-4.3", "object": "model", "created": 1, "owned_by": "xai"}


@dataclass
class Lent:
    upstream: ScriptedUpstream
    service: AuthService
    context: KitContext
    bridge: Bridge
    client: openai.AsyncOpenAI


@asynccontextmanager
async def lent(folder: Path, script: dict[str, list[Answer]]) -> AsyncIterator[Lent]:
    """A sign-in lent to the library, which tries again as it does by itself."""
    async with (
        ScriptedUpstream(script) as upstream,
        AuthService() as service,
        signing(folder, service, base_url=f"{upstream.url}/v1", bridge_port=0) as context,
        Bridge(spec(context), context.client) as bridge,
        openai.AsyncOpenAI(base_url=f"{bridge.url}/v1", api_key="anything") as client,
    ):
        yield Lent(upstream, service, context, bridge, client)


def lend(folder: Path, script: dict[str, list[Answer]], work: Callable[[Lent], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with asyncio.timeout(60), lent(folder, script) as given:
            return await work(given)

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def _signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XAI_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    seed(tmp_path, left=10**9)


def test_a_recorded_answer_with_a_web_search(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        answer = await given.client.responses.create(model="grok-4.3", input="news", tools=[{"type": "web_search"}])
        assert [item.type for item in answer.output].count("web_search_call") == 2
        assert answer.usage is not None
        assert answer.usage.total_tokens == 6277
        [sent] = given.upstream.sent(RESPONSES)
        assert sent.headers["authorization"] == f"Bearer {OLD}"
        assert sent.headers["user-agent"].startswith("ima2-grok/")
        assert sent.json["tools"] == [{"type": "web_search"}]

    lend(tmp_path, {RESPONSES: [replay(RECORDED / "responses-web-search-grok43.json")]}, work)


def test_a_recorded_stream(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        async with await given.client.responses.create(model="grok-4-fast", input="news", stream=True) as events:
            seen = [event.type async for event in events]
        assert len(seen) == 38
        assert seen[0] == "response.created"
        assert seen[-1] == "response.completed"

    lend(tmp_path, {RESPONSES: [replay(RECORDED / "responses-web-search-stream-grok4fast.json")]}, work)


def test_a_recorded_chat_with_a_forced_function(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        answer = await given.client.chat.completions.create(model="grok", messages=[{"role": "user", "content": "hi"}])
        [call] = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert json.loads(call.function.arguments)

    lend(tmp_path, {CHAT: [replay(RECORDED / "chat-forced-tool-call-grok41fast.json")]}, work)


@pytest.mark.parametrize("refusal", [text_answer("", 401), BAD_CREDENTIALS], ids=["401", "403-stale"])
def test_a_stale_token_is_renewed_once(tmp_path: Path, refusal: Answer) -> None:
    async def work(given: Lent) -> None:
        assert [model.id async for model in given.client.models.list()] == ["grok-4.3"]
        first, second = given.upstream.sent("GET /v1/models")
        assert first.headers["authorization"] == f"Bearer {OLD}"
        assert second.headers["authorization"] == f"Bearer {stored(tmp_path)['accessToken']}"
        assert len(given.service.refreshes) == 1

    models = json_answer({"object": "list", "data": [MODEL]})
    lend(tmp_path, {"GET /v1/models": [refusal, models]}, work)


def test_eight_refusals_at_once_renew_once(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        async def ask() -> None:
            await given.client.chat.completions.create(model="grok", messages=[{"role": "user", "content": "hi"}])

        await asyncio.gather(*(ask() for _ in range(8)))
        assert len(given.service.refreshes) == 1

    good = replay(RECORDED / "chat-forced-tool-call-grok41fast.json")
    lend(tmp_path, {CHAT: [text_answer("", 401)] * 8 + [good] * 8}, work)


def test_another_403_says_what_it_says(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        with pytest.raises(openai.PermissionDeniedError) as caught:
            await given.client.responses.create(model="grok-4.3", input="news")
        assert caught.value.body == "You have run out of credits."
        assert given.service.refreshes == []
        assert len(given.upstream.received) == 1

    lend(tmp_path, {RESPONSES: [SPENDING_LIMIT]}, work)


def test_a_sign_in_that_is_over_names_the_way_out(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        given.service.valid = "another"
        with pytest.raises(openai.AuthenticationError, match="ima2 grok login"):
            await given.client.responses.create(model="grok-4.3", input="news")
        assert len(given.upstream.received) == 1
        assert len(given.service.refreshes) == 1

    lend(tmp_path, {RESPONSES: [text_answer("", 401)]}, work)


def test_what_may_have_been_paid_for_is_not_sent_again_by_the_library(tmp_path: Path) -> None:
    """It would, twice, on any other 502."""

    async def drop(request: web.BaseRequest) -> web.StreamResponse:
        got.append(request.raw_path)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def go() -> None:
        async with (
            upstream(drop) as url,
            signing(tmp_path, AuthService(), base_url=f"{url}/v1", bridge_port=0) as context,
            Bridge(spec(context), context.client) as bridge,
            openai.AsyncOpenAI(base_url=f"{bridge.url}/v1", api_key="anything") as client,
        ):
            with pytest.raises(openai.InternalServerError, match="broke"):
                await client.responses.create(model="grok-4.3", input="news")

    got: list[str] = []
    asyncio.run(go())
    assert got == ["/v1/responses"]


def test_a_key_is_lent_as_well_as_a_sign_in(tmp_path: Path) -> None:
    async def work(given: Lent) -> None:
        given.context.credentials.write({"apiKey": "xai-stored-0123456"})
        await given.client.chat.completions.create(model="grok", messages=[{"role": "user", "content": "hi"}])
        assert given.upstream.sent(CHAT)[0].headers["authorization"] == "Bearer xai-stored-0123456"

    lend(tmp_path, {CHAT: [replay(RECORDED / "chat-forced-tool-call-grok41fast.json")]}, work)


@pytest.mark.parametrize("path", ["/v1/api-key", "/v1/billing", "/v1/models/../api-key"])
def test_keys_and_money_are_not_lent(tmp_path: Path, path: str) -> None:
    async def work(given: Lent) -> None:
        with pytest.raises(openai.NotFoundError):
            await given.client.get(f"{given.bridge.url}{path}", cast_to=object)
        assert given.upstream.received == []

    lend(tmp_path, {}, work)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (401, b"", True),
        (403, b'{"code":"unauthenticated:bad-credentials"}', True),
        (403, b'{"code":"...","error":"... [WKE=unauthenticated:bad-credentials]"}', True),
        (403, b'{"error":"The OAuth2 access token could not be validated."}', True),
        (403, b'{"code":"personal-team-blocked:spending-limit"}', False),
        (403, b"", False),
        (400, b"bad-credentials", False),
        (429, b"bad-credentials", False),
    ],
)
def test_which_refusals_are_about_the_token(status: int, body: bytes, answer: bool) -> None:
    assert stale(status, body) is answer


def test_the_service_tells_where_it_is_and_may_be_left_out(tmp_path: Path) -> None:
    async def go(**settings: Any) -> tuple[dict[str, Any], bytes]:
        [service] = plugin.ima2_services()
        async with signing(tmp_path, AuthService(), **settings) as context, service.start(context) as said:
            health = await context.client.get(f"{said['url']}/health") if "url" in said else None
            return dict(said), health.content if health else b""

    said, health = asyncio.run(go(bridge_port=0))
    assert (said["configuredPort"], said["status"]) == (0, "ready")
    assert said["url"] == f"http://127.0.0.1:{said['actualPort']}"
    assert json.loads(health)["auth"] == "ok"
    assert asyncio.run(go(no_bridge=True)) == ({"configuredPort": 18645, "status": "disabled"}, b"")
