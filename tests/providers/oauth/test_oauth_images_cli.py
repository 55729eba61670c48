"""ChatGPT pictures through the whole house: the command line as a process, the service as another, and the studio."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from chatgpt_images import EDITS, GENERATIONS, RECORDED, RESPONSES, png, sign_in
from ima2.kernel.opening import open_studio
from ima2_kit.upstreams import Answer, ScriptedUpstream, chatgpt, events, openai

MODELS = f"GET {chatgpt.BASE}/models"


def written(answer: Answer, **more: Any) -> dict[str, Any]:
    """An answer as a script holds it."""
    body = base64.b64encode(answer.body).decode()
    return {"base64": body, "status": answer.status, "headers": dict(answer.headers), **more}


@contextmanager
def service(folder: Path, script: Mapping[str, Sequence[dict[str, Any]]]) -> Iterator[str]:
    """A stand-in process; yields its address."""
    file = folder / "script.json"
    file.write_text(json.dumps({"routes": script}))
    command = [sys.executable, "-m", "ima2_kit.upstreams", "--script", str(file), "--as", "chatgpt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def environment(folder: Path, url: str, **more: str) -> dict[str, str]:
    """A signed-in home of its own."""
    home = folder / "config"
    secrets = home / "credentials" / "oauth.json"
    if not secrets.exists():
        secrets.parent.mkdir(parents=True)
        secrets.write_text(json.dumps(sign_in()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "OPENAI_", "CODEX_"))}
    mine = {"IMA2_CONFIG_DIR": str(home), "CODEX_HOME": str(folder / "codex"), "IMA2_OPENAI_AUTH_URL": url}
    return {**kept, **mine, "IMA2_CODEX_BASE_URL": f"{url}{chatgpt.BASE}", **more}


def ima2(folder: Path, url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ima2", *arguments]
    env = environment(folder, url, **more)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, cwd=folder, check=False)


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return dict(json.loads(done.stdout or done.stderr.splitlines()[-1]))


def log(url: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{url}/_log").json())


def test_a_recorded_picture_reaches_the_gallery_and_names_its_route(tmp_path: Path) -> None:
    recorded = {"recorded": str(RECORDED / "openai" / "images-generations-gpt-image-2.json"), "pieces": [4099]}
    with service(tmp_path, {GENERATIONS: [recorded]}) as url:
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--size", "1536x1024", "--json")
        assert done.returncode == 0, done.stderr
        answer = said(done)
        [picture] = answer["images"]
        assert Path(picture["path"]).stat().st_size == 1_521_426
        assert (answer["route"], answer["model"], answer["provider"]) == ("images", "gpt-image-2", "oauth")
        assert (answer["size"], answer["requestedSize"]) == ("1024x1024", "1536x1024")
        assert [warning["code"] for warning in answer["warnings"]] == ["SIZE_DRIFT"]
        [sent] = log(url)
        assert sent["json"]["prompt"].endswith("Aspect ratio: 3:2 landscape.")


def test_a_move_is_one_paid_call_with_a_warning(tmp_path: Path) -> None:
    script = {RESPONSES: [written(chatgpt.no_tool())], GENERATIONS: [written(chatgpt.drawn(png()))]}
    with service(tmp_path, script) as url:
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--web-search", "--json")
        assert done.returncode == 0, done.stderr
        answer = said(done)
        assert answer["route"] == "images"
        assert "ROUTE_MOVED" in [warning["code"] for warning in answer["warnings"]]
        assert [each["path"].removeprefix(chatgpt.BASE) for each in log(url)] == ["/responses", "/images/generations"]


def test_the_setting_fixes_the_route(tmp_path: Path) -> None:
    script = {RESPONSES: [written(chatgpt.no_tool())], GENERATIONS: [written(chatgpt.drawn(png()))]}
    with service(tmp_path, script) as url:
        assert ima2(tmp_path, url, "config", "set", "oauth.route", "responses").returncode == 0
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--json")
        assert (said(done)["code"], done.returncode) == ("OAUTH_IMAGE_CAPABILITY_UNAVAILABLE", 5)
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--route", "images", "--json")
        assert said(done)["route"] == "images"


def test_an_edit_with_references(tmp_path: Path) -> None:
    (tmp_path / "kite.png").write_bytes(png())
    with service(tmp_path, {EDITS: [written(chatgpt.drawn(png(80, 60), tokens_in=300))]}) as url:
        done = ima2(tmp_path, url, "edit", "kite.png", "-p", "at night", "--provider", "oauth", "--json")
        assert done.returncode == 0, done.stderr
        assert (said(done)["route"], said(done)["warnings"]) == ("images", [])


def test_a_catalogue_and_a_default_that_the_account_lacks(tmp_path: Path) -> None:
    listed = written(chatgpt.models({"slug": "gpt-5.5"}, {"slug": "gpt-6-sol", "use_responses_lite": True}))
    script = {MODELS: [listed], RESPONSES: [written(chatgpt.hosted(png()))]}
    with service(tmp_path, script) as url:
        done = ima2(tmp_path, url, "models", "--provider", "oauth", "--refresh")
        assert "gpt-6-sol" in done.stdout, done.stderr
        assert "strongest, uses more of the plan" in done.stdout
        done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--web-search", "--json")
        assert done.returncode == 0, done.stderr
        assert said(done)["model"] == "gpt-5.5"
        assert "MODEL_REPLACED" in [warning["code"] for warning in said(done)["warnings"]]


FAILURES = [
    (chatgpt.usage_limit(), "USAGE_LIMIT_REACHED", 5),
    (chatgpt.web_page(), "UPSTREAM_GATEWAY", 6),
    (chatgpt.drawn(), "EMPTY_RESPONSE", 5),
]


def test_failures_are_told_once_with_the_next_step(tmp_path: Path) -> None:
    with service(tmp_path, {GENERATIONS: [written(answer) for answer, _, _ in FAILURES]}) as url:
        for count, (_, code, status) in enumerate(FAILURES, 1):
            done = ima2(tmp_path, url, "generate", "a kite", "--provider", "oauth", "--json")
            told = said(done)
            assert (told["code"], done.returncode) == (code, status), done.stderr
            assert told["hint"]
            assert len(log(url)) == count


def test_a_probe_can_be_shown_to_anybody(tmp_path: Path) -> None:
    words = openai.message_item("the secret garden, as you asked")
    spoken = written(events(openai.stream([words])))
    script = {GENERATIONS: [written(chatgpt.drawn(png())), written(chatgpt.usage_limit())], RESPONSES: [spoken]}
    probe = ("doctor", "image-probe", "--provider", "oauth", "--prompt", "a secret garden", "--json")
    with service(tmp_path, script) as url:
        drawn, limited = ima2(tmp_path, url, *probe), ima2(tmp_path, url, *probe)
        told = ima2(tmp_path, url, *probe, "--model", "gpt-5.5")
    assert (said(drawn)["ok"], said(drawn)["route"], drawn.returncode) == (True, "images", 0)
    assert (said(limited)["error"]["code"], limited.returncode) == ("USAGE_LIMIT_REACHED", 5)
    assert said(limited)["error"]["upstreamStatus"] == 429
    assert said(told)["error"]["code"] == "IMAGE_TOOL_NOT_CALLED"
    secrets = ("secret garden", "account-0123456789", sign_in()["tokens"]["access_token"], str(tmp_path), "reached.")
    for done in (drawn, limited, told):
        assert [private for private in secrets if private in done.stdout] == []


def test_shared_defaults_are_written_for_both_and_say_what_overrides_them(tmp_path: Path) -> None:
    def run(*arguments: str, **more: str) -> dict[str, Any]:
        done = ima2(tmp_path, "http://127.0.0.1:9", *arguments, "--json", **more)
        assert done.returncode == 0, done.stderr
        return said(done)

    written_keys = run("defaults", "set", "model", "gpt-5.5")["written"]
    assert {"imageModels.default", "apiProvider.defaultImageModel"} <= set(written_keys)
    overridden = run("defaults", "set", "reasoning", "high", IMA2_REASONING_EFFORT="low")
    assert {"imageModels.reasoningEffort", "apiProvider.defaultReasoningEffort"} <= set(overridden["written"])
    assert overridden["overriddenBy"] == ["IMA2_REASONING_EFFORT"]
    shown = run("defaults", IMA2_REASONING_EFFORT="low")
    assert (shown["defaults"]["oauth"]["model"], shown["defaults"]["api"]["model"]) == ("gpt-5.5", "gpt-5.5")
    assert shown["origins"]["oauth"]["reasoningEffort"] == {"origin": "env", "source": "IMA2_REASONING_EFFORT"}
    assert shown["origins"]["api"]["reasoningEffort"]["origin"] == "config"


async def job(studio: Any, **body: Any) -> dict[str, Any]:
    accepted = await studio.submit({"prompt": "a kite", "provider": "oauth", **body})
    ended = await studio.wait(accepted.job.id)
    assert ended.state == "done", ended.error
    return dict(await studio.answer(ended))


def test_a_default_changed_in_the_file_holds_from_the_next_job(tmp_path: Path) -> None:
    async def go() -> tuple[dict[str, Any], dict[str, Any], ScriptedUpstream]:
        script = {GENERATIONS: [chatgpt.drawn(png())], RESPONSES: [chatgpt.hosted(png(shade=3))]}
        async with ScriptedUpstream(script, refuse=chatgpt.refuse) as upstream:
            env = environment(tmp_path, upstream.url)
            async with open_studio(env) as studio:
                before = await job(studio)
                done = await asyncio.to_thread(ima2, tmp_path, upstream.url, "defaults", "set", "model", "gpt-5.5")
                assert done.returncode == 0, done.stderr
                after = await job(studio)
        return before, after, upstream

    before, after, upstream = asyncio.run(go())
    assert (before["route"], before["model"]) == ("images", "gpt-image-2")
    assert (after["route"], after["model"]) == ("responses", "gpt-5.5")
    [sent] = upstream.sent(RESPONSES)
    assert sent.json["model"] == "gpt-5.5"


def test_four_pictures_two_at_a_time(tmp_path: Path) -> None:
    async def go() -> dict[str, Any]:
        drawn = [chatgpt.drawn(png(shade=shade)) for shade in range(4)]
        async with (
            ScriptedUpstream({GENERATIONS: drawn}, refuse=chatgpt.refuse) as upstream,
            open_studio(environment(tmp_path, upstream.url)) as studio,
        ):
            return await job(studio, n=4)

    answer = asyncio.run(go())
    assert (answer["count"], len({picture["sha256"] for picture in answer["images"]})) == (4, 4)


@pytest.mark.parametrize("provider", ["oauth", "auto"])
def test_a_dry_run_says_where_it_would_go(tmp_path: Path, provider: str) -> None:
    arguments = ("generate", "a kite", "--provider", provider, "--reasoning-effort", "high", "--dry-run", "--json")
    plan = said(ima2(tmp_path, "http://127.0.0.1:9", *arguments))
    assert plan["provider"] == "oauth"
    assert plan["steps"][0]["summary"].startswith("Responses route (for reasoning high)")
