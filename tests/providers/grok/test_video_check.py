"""Every combination that is refused, with its code, before anything is sent: through the kernel and the hooks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ima2.errors import Ima2Error
from ima2.kernel.opening import open_studio
from ima2.models import Reference
from ima2_grok.video.catalogue import BASE, SECOND, live
from ima2_grok.video.check import MAX_CLIP_BYTES, check
from ima2_kit.conformance.pictures import clip, picture
from ima2_kit.upstreams import ScriptedUpstream, json_answer
from providers.grok.filming import ask

from ima2_grok import plugin

Outcome = tuple[str, int] | dict[str, Any]


def tried(folder: Path, **body: Any) -> Outcome:
    """What a dry run says: the code and status of its refusal, or the preview."""

    async def main() -> Outcome:
        env = {"IMA2_CONFIG_DIR": str(folder), "IMA2_PLUGINS": "off", "XAI_API_KEY": "xai-test-0123456789abcdef"}
        async with open_studio(env, plugins={"grok": plugin}) as studio:
            try:
                whole = {"prompt": "a red kite", "provider": "grok", **body}
                return await studio.preview(whole, surface="video")
            except Ima2Error as error:
                return error.code, error.status

    return asyncio.run(main())


def pictures(count: int) -> list[bytes]:
    return [picture(colour=f"#{shade:02}0000") for shade in range(count)]


@pytest.mark.parametrize(
    ("body", "count", "fields"),
    [
        ({"aspectRatio": "9:16"}, 0, []),
        ({"aspectRatio": "9:16", "storyboard": True}, 1, ["aspectRatio"]),
        ({"aspectRatio": "9:16", "storyboard": True}, 0, ["storyboard"]),
        ({"storyboard": True}, 2, ["storyboard"]),
        ({"operation": "edit", "duration": 9, "resolution": "720p", "aspectRatio": "1:1", "storyboard": True}, 0,
         ["duration", "resolution", "aspectRatio", "storyboard"]),
        ({"operation": "extend", "duration": 9, "resolution": "720p", "aspectRatio": "auto"}, 0, ["resolution"]),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_told_by_a_dry_run_too(
    tmp_path: Path, body: dict[str, Any], count: int, fields: list[str]
) -> None:
    inputs = {"referenceImages": pictures(count)} if count else {}
    inputs |= {"videoUrl": clip(seconds=5)} if "operation" in body else {}
    told = tried(tmp_path, **body, **inputs)
    assert isinstance(told, dict), told
    assert [(each["code"], each["field"]) for each in told["warnings"]] == [("FIELD_IGNORED", each) for each in fields]
    assert not {each for each in fields if told["request"].get(each)}


def test_a_large_image_is_told_as_shrunk(tmp_path: Path) -> None:
    told = tried(tmp_path, referenceImages=[picture(width=3000, height=2000)])
    assert isinstance(told, dict), told
    assert "at most" in told["steps"][-1]["summary"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"duration": 0}, "INVALID_VIDEO_DURATION"),
        ({"duration": 16}, "INVALID_VIDEO_DURATION"),
        ({"duration": 1, "storyboard": True, "referenceImages": 1}, "INVALID_VIDEO_DURATION"),
        ({"duration": 2.5}, "INVALID_VIDEO_DURATION"),
        ({"duration": "long"}, "INVALID_VIDEO_DURATION"),
        ({"duration": 16, "referenceImages": 2}, "INVALID_VIDEO_DURATION"),
        ({"resolution": "1080p"}, "INVALID_VIDEO_RESOLUTION"),
        ({"resolution": "360p"}, "INVALID_VIDEO_RESOLUTION"),
        ({"resolution": "1080p", "model": SECOND, "referenceImages": 2}, "INVALID_VIDEO_RESOLUTION"),
        ({"aspectRatio": "21:9"}, "INVALID_VIDEO_ASPECT_RATIO"),
        ({"referenceImages": 8}, "GROK_VIDEO_REF_TOO_MANY"),
        ({"model": "grok-imagine-image"}, "INVALID_GROK_VIDEO_MODEL"),
        ({"model": "grok-4.3"}, "INVALID_GROK_VIDEO_MODEL"),
        ({"plannerModel": "grok-imagine-video"}, "INVALID_GROK_PLANNER_MODEL"),
        ({"prompt": " "}, "PROMPT_REQUIRED"),
        ({"n": 5}, "INVALID_COUNT"),
        ({"operation": "edit"}, "VIDEO_REQUIRED"),
        ({"operation": "edit", "videoUrl": clip(seconds=5), "model": SECOND}, "GROK_VIDEO_INVALID_MODE"),
        ({"operation": "extend", "videoUrl": clip(seconds=5), "model": SECOND}, "GROK_VIDEO_INVALID_MODE"),
        ({"operation": "edit", "videoUrl": clip(seconds=9)}, "INVALID_VIDEO_SOURCE"),
        ({"operation": "extend", "videoUrl": clip(seconds=1)}, "INVALID_VIDEO_SOURCE"),
        ({"operation": "extend", "videoUrl": clip(seconds=5), "duration": 11}, "INVALID_VIDEO_DURATION"),
        ({"operation": "extend", "videoUrl": clip(seconds=5), "duration": 1}, "INVALID_VIDEO_DURATION"),
        ({"operation": "edit", "videoUrl": clip(seconds=5), "referenceImages": 1}, "GROK_VIDEO_INVALID_MODE"),
        ({"providerUrl": "https://imgen.x.ai/a.jpeg", "referenceImages": 1}, "GROK_VIDEO_INVALID_MODE"),
    ],
)
def test_refused(tmp_path: Path, body: dict[str, Any], code: str) -> None:
    given = {**body, "referenceImages": pictures(body.get("referenceImages", 0))}
    assert tried(tmp_path, **given) == (code, 400)


@pytest.mark.parametrize(
    "body",
    [
        {"duration": 1},
        {"duration": 15, "resolution": "720p", "aspectRatio": "2:3"},
        {"aspectRatio": "auto"},
        {"model": SECOND, "resolution": "1080p"},
        {"model": SECOND, "resolution": "1080p", "sourceImage": pictures(1)[0], "duration": 15},
        {"referenceImages": pictures(7), "duration": 10, "resolution": "720p"},
        {"operation": "edit", "videoUrl": clip(seconds=8.5)},
        {"operation": "extend", "videoUrl": clip(seconds=15), "duration": 10},
        {"operation": "extend", "videoUrl": "file_abc"},
        {"providerUrl": "https://imgen.x.ai/a.jpeg"},
    ],
)
def test_taken(tmp_path: Path, body: dict[str, Any]) -> None:
    assert isinstance(tried(tmp_path, **body), dict)


@pytest.mark.parametrize("model", [BASE, SECOND])
def test_a_long_clip_from_references_is_made_shorter_and_says_so(tmp_path: Path, model: str) -> None:
    preview = tried(tmp_path, model=model, referenceImages=pictures(2), duration=15)
    assert isinstance(preview, dict)
    assert [(each["code"], each["normalizedTo"]) for each in preview["warnings"]] == [("DURATION_LOWERED", "10")]
    assert "reference-to-video, 10 s" in str(preview["steps"])


@pytest.mark.parametrize("name", [f"{SECOND}-preview", f"{SECOND}-2026-05-30"])
def test_older_names(tmp_path: Path, name: str) -> None:
    assert f"generations: {SECOND}," in str(tried(tmp_path, model=name))


def test_the_default_model(tmp_path: Path) -> None:
    assert f"generations: {BASE}, text-to-video, 5 s, 480p" in str(tried(tmp_path))


def test_a_clip_that_is_too_large_to_send() -> None:
    facts = {"sha256": "0", "media_type": "video/mp4", "width": 64, "height": 48, "role": "clip"}
    clips = [Reference(**facts, size=size) for size in (MAX_CLIP_BYTES, MAX_CLIP_BYTES + 1)]
    asked = [ask(operation="edit", references=(each,)) for each in clips]
    assert [[problem.code for problem in check(each)] for each in asked] == [[], ["INVALID_VIDEO_SOURCE"]]


def test_the_live_list_adds_names_and_models() -> None:
    entries: list[dict[str, Any]] = [
        {"id": BASE, "aliases": [f"{BASE}-latest", BASE]},
        {"id": f"{SECOND}-lite", "aliases": None},
        {"id": "grok-imagine-video-2"},
    ]
    base, lite, new = live(entries)
    assert base.aliases == (f"{BASE}-latest",)
    assert lite.capabilities.resolutions == ("480p", "720p", "1080p")
    assert new.capabilities == base.capabilities
    assert {model.kind for model in (base, lite, new)} == {"video"}


@pytest.mark.parametrize("status", [200, 404, 500])
def test_models_are_fetched_for_both_kinds(tmp_path: Path, status: int) -> None:
    async def main() -> set[str]:
        pictures_listed = json_answer({"models": [{"id": "grok-imagine-image"}]})
        clips_listed = json_answer(
            {"models": [{"id": BASE}, {"id": "grok-imagine-video-9", "aliases": ["nine"]}]}, status
        )
        routes = {
            "GET /v1/image-generation-models": [pictures_listed],
            "GET /v1/video-generation-models": [clips_listed],
        }
        async with ScriptedUpstream(routes) as upstream:
            env = {
                "IMA2_CONFIG_DIR": str(tmp_path),
                "IMA2_PLUGINS": "off",
                "XAI_API_KEY": "xai-test-0123456789abcdef",
                "IMA2_XAI_BASE_URL": f"{upstream.url}/v1",
            }
            async with open_studio(env, plugins={"grok": plugin}) as studio:
                [(_, catalogue)] = await studio.models("grok", refresh=True)
                return {model.id for model in catalogue.models if model.kind == "video"}

    known = {BASE, SECOND}
    assert asyncio.run(main()) == (known | {"grok-imagine-video-9"} if status == 200 else known)
