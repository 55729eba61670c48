"""Jobs of provider grok from end to end: the studio, the command line, a crash between plan and picture."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.kernel.opening import open_studio
from ima2.kernel.studio import Studio
from ima2_grok.catalogue import BASE, QUALITY
from ima2_kit.upstreams import Answer, ScriptedUpstream, json_answer, xai
from providers.grok.piping import KEY, PIXEL, picture

Env = dict[str, str]
Use = Callable[[Studio, ScriptedUpstream], Awaitable[Any]]


def environment(folder: Path, url: str) -> Env:
    return {"IMA2_CONFIG_DIR": str(folder / "house"), "XAI_API_KEY": KEY, "IMA2_XAI_BASE_URL": f"{url}/v1"}


@asynccontextmanager
async def scripted(script: Mapping[str, Sequence[Answer]] | None = None, *, n: int = 1) -> Any:
    async with ScriptedUpstream() as upstream:
        for route, answers in {**xai.good_run(upstream.url, picture(), n=n), **(script or {})}.items():
            upstream.say(route, *answers)
        yield upstream


def in_studio(
    folder: Path, use: Use, script: Mapping[str, Sequence[Answer]] | None = None, *, n: int = 1, **env: str
) -> Any:
    async def go() -> Any:
        async with (
            scripted(script, n=n) as upstream,
            open_studio({**environment(folder, upstream.url), **env}) as studio,
        ):
            return await use(studio, upstream)

    return asyncio.run(go())


def made(folder: Path, body: dict[str, Any], script: Any = None, *, n: int = 1, **env: str) -> dict[str, Any]:
    """The answer of a job, with the job under ``job`` and the routes asked under ``asked``."""

    async def use(studio: Studio, upstream: ScriptedUpstream) -> dict[str, Any]:
        job = await studio.wait((await studio.submit({"provider": "grok", **body})).job.id)
        answer = await studio.answer(job) if job.state == "done" else {}
        asked = [f"{each.method} {each.path}" for each in upstream.received]
        return {**answer, "job": job, "asked": asked}

    result: dict[str, Any] = in_studio(folder, use, script, n=n, **env)
    return result


def test_a_job_keeps_plan_sources_and_cost(tmp_path: Path) -> None:
    told = made(tmp_path, {"prompt": "a kite", "n": 2}, n=2)
    job = told["job"]
    assert (job.state, told["count"], told["size"]) == ("done", 2, "96x64")
    assert (job.plan.prompt, [source.url for source in job.plan.sources]) == (xai.PROMPT, ["https://kites.example/"])
    assert (told["model"], told["revisedPrompt"], told["webSearchCalls"]) == (BASE, xai.PROMPT, 2)
    ticks = xai.SEARCH_TICKS + xai.PLAN_TICKS + 2 * xai.IMAGE_TICKS
    assert told["usage"]["grok_cost_usd_ticks"] == ticks
    assert told["costUsd"] == pytest.approx(ticks / 1e10)
    assert told["webSearchEnabled"] is True
    assert told["providerUrl"].endswith(xai.PICTURE_PATH)
    sidecar = json.loads(Path(told["images"][0]["path"] + ".json").read_text("utf-8"))
    assert sidecar["sources"] == [{"url": "https://kites.example/", "title": None}]
    assert (sidecar["prompt"], sidecar["userPrompt"]) == (xai.PROMPT, "a kite")
    assert KEY not in json.dumps(told, default=str)


def test_the_answer_names_the_model_that_ran(tmp_path: Path) -> None:
    told = made(tmp_path, {"prompt": "a kite", "quality": "high"})
    assert (told["model"], told["quality"]) == (QUALITY, "high")
    assert [warning["code"] for warning in told["warnings"]] == ["MODEL_PROMOTED"]


@pytest.mark.parametrize(
    ("env", "body", "model"),
    [
        ({}, {}, BASE),
        ({"IMA2_GROK_IMAGE_MODEL_DEFAULT": QUALITY}, {}, QUALITY),
        ({"IMA2_GROK_IMAGE_MODEL_DEFAULT": QUALITY}, {"model": BASE}, BASE),
    ],
)
def test_the_model_by_request_environment_and_default(
    tmp_path: Path, env: Env, body: dict[str, Any], model: str
) -> None:
    assert made(tmp_path, {"prompt": "a kite", **body}, **env)["model"] == model


@pytest.mark.parametrize(
    ("env", "body", "planner"),
    [
        ({}, {}, "grok-4.3"),
        ({"IMA2_GROK_PLANNER_MODEL": "grok-4.5"}, {}, "grok-4.5"),
        ({"IMA2_GROK_PLANNER_MODEL": "grok-4.5"}, {"plannerModel": "grok-4.6"}, "grok-4.6"),
    ],
)
def test_the_planner_by_request_environment_and_default(
    tmp_path: Path, env: Env, body: dict[str, Any], planner: str
) -> None:
    async def use(studio: Studio, upstream: ScriptedUpstream) -> list[str]:
        accepted = await studio.submit({"provider": "grok", "prompt": "a kite", **body})
        await studio.wait(accepted.job.id)
        return [upstream.sent(route)[0].json["model"] for route in (xai.SEARCH, xai.PLAN)]

    assert in_studio(tmp_path, use, **env) == [planner, planner]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"references": [PIXEL] * 4}, "GROK_REF_TOO_MANY"),
        ({"references": [PIXEL] * 3, "image": PIXEL}, "GROK_REF_TOO_MANY"),
        (
            {"image": picture("PNG", (8, 8), (0, 0, 0, 0)), "mask": picture("PNG", (8, 8), (1, 1, 1, 0))},
            "GROK_MASK_UNSUPPORTED",
        ),
        ({"model": "grok-imagine-image-pro"}, "MODEL_RETIRED"),
        ({"model": "grok-2-image-1212"}, "MODEL_RETIRED"),
        ({"model": "grok-imagine-video"}, "INVALID_GROK_IMAGE_MODEL"),
        ({"plannerModel": "gpt-5.5"}, "INVALID_GROK_PLANNER_MODEL"),
        ({"quality": "max"}, "INVALID_QUALITY"),
        ({"resolution": "4k"}, "INVALID_RESOLUTION"),
        ({"aspectRatio": "7:5"}, "INVALID_ASPECT_RATIO"),
    ],
)
def test_refused_before_a_job_exists_and_before_anything_is_sent(
    tmp_path: Path, body: dict[str, Any], code: str
) -> None:
    async def use(studio: Studio, upstream: ScriptedUpstream) -> None:
        with pytest.raises(Ima2Error) as caught:
            await studio.submit({"provider": "grok", "prompt": "a kite", **body})
        assert (caught.value.code, caught.value.status, caught.value.paid) == (code, 400, "no")
        assert upstream.received == []

    in_studio(tmp_path, use)


def test_a_retired_model_names_its_successor(tmp_path: Path) -> None:
    async def use(studio: Studio, upstream: ScriptedUpstream) -> str:
        with pytest.raises(Ima2Error) as caught:
            await studio.submit({"provider": "grok", "prompt": "a kite", "model": "grok-imagine-image-pro"})
        return str(caught.value.hint)

    assert in_studio(tmp_path, use) == f"--model {QUALITY}"


@pytest.mark.parametrize("size", ["grok:16:9:2k", "wide", "1234x777"])
def test_sizes_of_other_clients_pass(tmp_path: Path, size: str) -> None:
    assert made(tmp_path, {"prompt": "a kite", "size": size})["count"] == 1


@pytest.mark.parametrize(
    "body", [{"references": [PIXEL]}, {"image": PIXEL}, {"image": PIXEL, "references": [PIXEL] * 2}]
)
def test_any_input_image_goes_to_edits(tmp_path: Path, body: dict[str, Any]) -> None:
    told = made(tmp_path, {"prompt": "a kite", **body})
    assert told["asked"] == [xai.SEARCH, xai.PLAN, xai.EDIT, xai.PICTURE]


def test_a_failed_planner_ends_the_job_and_buys_nothing(tmp_path: Path) -> None:
    told = made(tmp_path, {"prompt": "a kite"}, {xai.PLAN: [json_answer(xai.chatted({"content": "no"}))]})
    error = told["job"].error
    assert (error["code"], error["step"], error["paid"]) == ("GROK_PLANNER_EMPTY_TOOL_CALL", "plan", "no")
    assert error["webSearchCalls"] == 2
    assert told["asked"] == [xai.SEARCH, xai.PLAN]


def test_one_blocked_picture_of_three(tmp_path: Path) -> None:
    async def use(studio: Studio, upstream: ScriptedUpstream) -> dict[str, Any]:
        good = json_answer(xai.drawn(xai.at(upstream.url + xai.PICTURE_PATH)))
        upstream.say(xai.GENERATE, good, json_answer(xai.drawn()), good)
        job = await studio.wait((await studio.submit({"provider": "grok", "prompt": "a kite", "n": 3})).job.id)
        return await studio.answer(job)

    told = in_studio(tmp_path, use, {xai.GENERATE: [], xai.PICTURE: [Answer(body=picture(), repeat=True)]})
    # The same bytes twice are two pictures: each was paid for.
    assert told["count"] == 2
    [warning] = told["warnings"]
    assert (warning["code"], warning["reason"]) == ("PARTIAL_RESULT", "MODERATION_REFUSED")


def test_the_live_catalogue_lies_over_the_static_one(tmp_path: Path) -> None:
    listed = {
        "models": [
            {"id": BASE, "aliases": ["grok-imagine"], "image_price": 200000000},
            {"id": "grok-imagine-image-3.0", "aliases": []},
            {"id": "grok-imagine-video"},
            {"aliases": ["nameless"]},
            None,
        ]
    }

    async def use(studio: Studio, upstream: ScriptedUpstream) -> None:
        [(_, catalogue)] = await studio.models("grok", refresh=True)
        models = {model.id: model for model in catalogue.models}
        assert models[BASE].aliases == ("grok-imagine",)
        assert models["grok-imagine-image-3.0"].capabilities.max_references == 3
        assert not [model for model in catalogue.models if model.kind == "image" and "video" in model.id]
        assert upstream.received[-1].headers["authorization"] == f"Bearer {KEY}"
        with pytest.raises(Ima2Error) as caught:
            await studio.submit({"provider": "grok", "prompt": "x", "model": "grok-imagine-image-4.0"})
        assert caught.value.code == "UNKNOWN_MODEL"
        accepted = await studio.submit({"provider": "grok", "prompt": "x", "model": "grok-imagine"})
        job = await studio.wait(accepted.job.id)
        assert (job.state, job.model) == ("done", BASE)

    in_studio(tmp_path, use, {"GET /v1/image-generation-models": [json_answer(listed)]})


def test_a_service_that_lists_models_in_one_list_only(tmp_path: Path) -> None:
    listed = {"object": "list", "data": [{"id": "grok-4.3"}, {"id": BASE}, {"id": "grok-imagine-video"}]}

    async def use(studio: Studio, upstream: ScriptedUpstream) -> list[str]:
        [(_, catalogue)] = await studio.models("grok", refresh=True)
        return [model.id for model in catalogue.models if model.use == "listed by xAI" or model.id == BASE]

    script = {"GET /v1/image-generation-models": [Answer(404)], "GET /v1/models": [json_answer(listed)]}
    assert in_studio(tmp_path, use, script) == [BASE]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([json_answer({"models": []})], "GROK_NO_IMAGE_MODEL"),
        ([Answer(body=b"<html>")], "GROK_NO_IMAGE_MODEL"),
        ([json_answer({"error": "no"}, 401)], "GROK_AUTH_FAILED"),
        ([Answer(503)], "GROK_UPSTREAM_ERROR"),
    ],
)
def test_a_list_that_can_not_be_had(tmp_path: Path, answers: Sequence[Answer], code: str) -> None:
    async def use(studio: Studio, upstream: ScriptedUpstream) -> str:
        with pytest.raises(Ima2Error) as caught:
            await studio.models("grok", refresh=True)
        return caught.value.code

    assert in_studio(tmp_path, use, {"GET /v1/image-generation-models": answers}) == code


def cli(folder: Path, *arguments: str, script: Any = None, **env: str) -> tuple[int, str, str, list[str]]:
    """``ima2`` as a process: exit status, both outputs, the routes asked."""

    async def go() -> tuple[int, str, str, list[str]]:
        async with scripted(script) as upstream:
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMA2_", "XAI_"))}
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ima2",
                *arguments,
                env={**kept, **environment(folder, upstream.url), **env},
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            asked = [f"{each.method} {each.path}" for each in upstream.received]
            return process.returncode or 0, out.decode(), err.decode(), asked

    return asyncio.run(go())


def test_the_command_line(tmp_path: Path) -> None:
    status, out, err, asked = cli(tmp_path, "generate", "a kite", "--provider", "grok", "-o", "kite.jpg", "--json")
    assert status == 0, err
    assert asked == [xai.SEARCH, xai.PLAN, xai.GENERATE, xai.PICTURE]
    assert (tmp_path / "kite.jpg").read_bytes() == picture()
    told = json.loads(out)
    assert (told["provider"], told["model"], told["webSearchCalls"]) == ("grok", BASE, 2)
    shown = cli(tmp_path, "show", told["requestId"])[1]
    assert xai.PROMPT in shown
    assert "https://kites.example/" in shown
    written = [path for path in (tmp_path / "house").rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()], "the key is nowhere on disk"


def test_the_command_line_edits(tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(PIXEL)
    status, _, err, asked = cli(tmp_path, "edit", "in.png", "-p", "make it blue", "--provider", "grok")
    assert status == 0, err
    assert xai.EDIT in asked


def test_the_command_line_takes_a_planner(tmp_path: Path) -> None:
    arguments = ("generate", "a kite", "--provider", "grok", "--planner-model", "grok-4.6", "--dry-run", "--json")
    status, out, _, asked = cli(tmp_path, *arguments)
    steps = json.loads(out)["steps"]
    assert (status, asked) == (0, [])
    assert [step["name"] for step in steps] == ["search", "plan", "generate"]
    assert "grok-4.6" in steps[0]["summary"]


FAILURES = [
    ({xai.SEARCH: [json_answer(xai.searched(calls=0))]}, "GROK_SEARCH_NOT_DONE", 6),
    ({xai.SEARCH: [json_answer({"error": "x"}, 401)]}, "GROK_AUTH_FAILED", 4),
    ({xai.GENERATE: [json_answer(xai.drawn())]}, "MODERATION_REFUSED", 7),
    ({xai.GENERATE: [xai.refusal("resource-exhausted", "Too many requests.", 429)]}, "GROK_RATE_LIMITED", 5),
    ({xai.PICTURE: [Answer(404)]}, "GROK_IMAGE_DOWNLOAD_FAILED", 6),
]


@pytest.mark.parametrize(("script", "code", "exit_status"), FAILURES)
def test_the_command_line_fails_with_a_code(tmp_path: Path, script: Any, code: str, exit_status: int) -> None:
    status, out, err, _ = cli(tmp_path, "generate", "a kite", "--provider", "grok", "--json", script=script)
    assert json.loads(out)["code"] == code, err
    assert status == exit_status
