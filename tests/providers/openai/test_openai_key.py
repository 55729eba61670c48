"""The key: where it comes from, how it is checked, stored, shown and forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.hookspecs import Ask, SignedIn, Status
from ima2_kit.context import KitContext, open_context
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, openai, text_answer

from ima2_openai import plugin

ROUTE = "GET /v1/models"
KEY = "sk-proj-0123456789abcdefXY"
MODELS = json_answer({"object": "list", "data": [{"id": "gpt-5.4-mini"}, {"id": "gpt-image-2"}, {"id": "tts-1"}]})


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def login(folder: Path, text: str, *answers: Answer) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """The session's events, what is stored then, and what the stand-in got."""

    async def go() -> tuple[list[Any], dict[str, Any], list[Any]]:
        async with ScriptedUpstream({ROUTE: answers}) as upstream:
            settings = {"base_url": f"{upstream.url}/v1/"}
            async with open_context(plugin.ima2_provider(), folder, settings=settings) as context:
                seen: list[Any] = []
                session = plugin.ima2_auth(context).login("api_key")
                try:
                    async for event in session:
                        seen.append(event)
                        if isinstance(event, Ask):
                            await session.answer(text)
                except Ima2Error as error:
                    seen.append(error)
                await session.aclose()
                return seen, context.credentials.read(), upstream.sent(ROUTE)

    return asyncio.run(go())


def test_a_good_key_is_checked_then_stored_for_the_owner_alone(tmp_path: Path) -> None:
    seen, stored, sent = login(tmp_path, f"  {KEY}\n", MODELS)
    assert seen[0].secret
    assert isinstance(seen[1], SignedIn)
    assert KEY not in repr(seen)
    assert stored == {"apiKey": KEY}
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"
    [file] = (tmp_path / "credentials").glob("*.json")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MISSING_KEY"),
        ("   ", "MISSING_KEY"),
        ("xai-123", "INVALID_KEY_FORMAT"),
        ("sk-a b", "INVALID_KEY_FORMAT"),
        ("sk-\nX-Evil: 1", "INVALID_KEY_FORMAT"),
        ("sk-ключ", "INVALID_KEY_FORMAT"),
        ("sk-" + "x" * 510, "KEY_TOO_LARGE"),
    ],
)
def test_a_malformed_key_is_neither_sent_nor_stored(tmp_path: Path, text: str, code: str) -> None:
    seen, stored, sent = login(tmp_path, text, MODELS)
    assert (seen[-1].code, seen[-1].status) == (code, 400)
    assert stored == {}
    assert sent == []


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(openai.error("invalid_api_key", f"Incorrect API key provided: {KEY}."), 401),
        text_answer("<html>", 403, "text/html"),
        text_answer("no", 500),
        text_answer("not json", 200),
        json_answer({"data": "x"}),
    ],
)
def test_a_key_that_is_not_accepted_is_not_stored(tmp_path: Path, answer: Answer) -> None:
    seen, stored, _ = login(tmp_path, KEY, answer)
    assert (seen[-1].code, seen[-1].status) == ("KEY_VALIDATION_FAILED", 400)
    assert KEY not in json.dumps(seen[-1].to_dict())
    assert stored == {}


def test_a_restricted_key_that_may_not_list_models_is_good(tmp_path: Path) -> None:
    said = openai.error(None, "You have insufficient permissions for this operation. Missing scopes: api.model.read.")
    _, stored, _ = login(tmp_path, KEY, json_answer(said, 403))
    assert stored == {"apiKey": KEY}


def test_only_a_key_signs_in(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_context(plugin.ima2_provider(), tmp_path) as context:
            plugin.ima2_auth(context).login("browser")

    with pytest.raises(Ima2Error) as caught:
        asyncio.run(go())
    assert caught.value.code == "UNKNOWN_LOGIN_METHOD"


def with_context(folder: Path, ask: Any, **more: Any) -> Any:
    async def go() -> Any:
        async with open_context(plugin.ima2_provider(), folder, **more) as context:
            return await ask(context)

    return asyncio.run(go())


def test_environment_then_stored_then_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def status(context: KitContext) -> Status:
        return await plugin.ima2_status(context)

    stored, config, env = ({"apiKey": "sk-stored-1234567"}, {"api_key": "sk-config-1234567"}, "sk-env-1234567")
    assert with_context(tmp_path, status, settings=config).source == "config"
    found = with_context(tmp_path, status, settings=config, credentials=stored)
    assert (found.source, found.legacy["source"], found.ready) == ("stored", "config", True)
    monkeypatch.setenv("OPENAI_API_KEY", env)
    found = with_context(tmp_path, status, settings={"api_key": env}, credentials=stored)
    assert (found.source, found.legacy["source"]) == ("env", "env")
    assert env not in repr(found)


def test_the_status_without_a_key(tmp_path: Path) -> None:
    async def status(context: KitContext) -> Status:
        return await plugin.ima2_status(context)

    found = with_context(tmp_path, status)
    assert not found.ready
    assert found.legacy["code"] == "API_KEY_REQUIRED"
    assert found.hint
    assert "ima2 login api" in found.hint


def test_logout_forgets(tmp_path: Path) -> None:
    async def forget(context: KitContext) -> tuple[bool, bool]:
        before = (await plugin.ima2_status(context)).ready
        await plugin.ima2_auth(context).logout()
        await plugin.ima2_auth(context).logout()
        return before, (await plugin.ima2_status(context)).ready

    assert with_context(tmp_path, forget, credentials={"apiKey": KEY}) == (True, False)


def test_the_live_catalogue_and_the_doctor(tmp_path: Path) -> None:
    async def go() -> tuple[Any, Any, Any]:
        async with ScriptedUpstream({ROUTE: [MODELS, MODELS, text_answer("", 401)]}) as upstream:
            settings = {"base_url": f"{upstream.url}/v1", "api_key": KEY}
            async with open_context(plugin.ima2_provider(), tmp_path, settings=settings) as context:
                models = await plugin.ima2_models(context)
                [check] = plugin.ima2_doctor_checks()
                return models, await check.run(context), await check.run(context)

    models, good, bad = asyncio.run(go())
    assert [model.id for model in models] == ["gpt-5.4-mini"]
    assert models[0].capabilities.extra["imageToolModels"] == ("gpt-image-2",)
    assert good[0]
    assert KEY not in good[1]
    assert (bad[0], bad[2]) == (False, "ima2 login api")


def test_the_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, ima2_openai.plugin as p; p.ima2_provider(); p.ima2_doctor_checks();"
        "print([m for m in ('pydantic', 'httpx', 'aiohttp', 'PIL', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
