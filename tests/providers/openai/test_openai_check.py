"""What is refused before money is spent, and what is let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.models import Reference, Request
from ima2_openai.catalogue import FREE, live, tool_model
from ima2_openai.check import check
from ima2_openai.sizes import broken, nearest, size_problem

Ask = Callable[..., Request]


def codes(request: Request) -> list[str]:
    return [problem.code for problem in check(request)]


@pytest.mark.parametrize("size", ["auto", "1024x1024", "1536x864", "3840x2160", "2160x3840", "2048x688", "816x816"])
def test_sizes_the_free_models_take(ask: Ask, size: str) -> None:
    assert codes(ask(size=size)) == []


@pytest.mark.parametrize(
    ("size", "near"),
    [
        ("1000x1000", "1008x1008"),
        ("1920x1080", "1920x1088"),
        ("512x512", "816x816"),
        ("3840x3840", "2880x2880"),
        ("4096x1600", "3840x1504"),
        ("3200x800", "2768x928"),
    ],
)
def test_a_wrong_size_is_told_with_the_nearest_valid_one(ask: Ask, size: str, near: str) -> None:
    [problem] = check(ask(size=size))
    assert (problem.code, problem.field) == ("INVALID_SIZE", "size")
    assert near in problem.message
    assert size_problem(near, FREE) is None


@pytest.mark.parametrize("size", ["", "x", "1024", "1024x", "0x0", "-16x16", "1024X1024", "1024x1024x1024", "９x９"])
def test_a_size_that_is_none(ask: Ask, size: str) -> None:
    assert codes(ask(size=size)) == (["INVALID_SIZE"] if size else [])


@given(st.tuples(st.integers(1, 999_999), st.integers(1, 999_999)))
def test_the_nearest_size_is_always_valid(size: tuple[int, int]) -> None:
    assert broken(nearest(size, FREE), FREE) is None


def test_older_tool_models_have_three_sizes(ask: Ask) -> None:
    options = {"image_tool_model": "gpt-image-1.5"}
    assert codes(ask(size="1536x1024", options=options)) == []
    [problem] = check(ask(size="1600x1600", options=options))
    assert "nearest is 1024x1024" in problem.message


def test_limits_can_be_lifted_and_do_not_bind_unknown_models(ask: Ask) -> None:
    assert codes(ask(size="8000x4000", options={"check_limits": False})) == []
    assert codes(ask(size="8000x4000", quality="max", options={"image_tool_model": "gpt-image-9"})) == []


@pytest.mark.parametrize(
    ("tool", "quality", "fine"),
    [
        ("gpt-image-2.6-sunburst", "max", True),
        ("gpt-image-2.5-flare-2026-09-08", "xhigh", True),
        ("gpt-image-2", "xhigh", False),
        ("gpt-image-2-2026-04-21", "max", False),
        ("gpt-image-1-mini", "high", True),
    ],
)
def test_quality_depends_on_the_tool_model(ask: Ask, tool: str, quality: str, fine: bool) -> None:
    request = ask(quality=quality, options={"image_tool_model": tool})
    assert codes(request) == ([] if fine else ["INVALID_QUALITY"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"background": "transparent", "format": "jpeg"}, "INVALID_BACKGROUND"),
        ({"compression": 50}, "INVALID_COMPRESSION"),
        ({"compression": 50, "format": "png"}, "INVALID_COMPRESSION"),
        ({"prompt": "x" * 32_001}, "PROMPT_TOO_LONG"),
        ({"model": "gpt-image-2"}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"model": "gpt-5.3-codex-spark"}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"options": {"image_tool_model": "gpt-image-1"}}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"options": {"image_tool_model": "dall-e-3"}}, "IMAGE_MODEL_UNSUPPORTED"),
        ({"options": {"input_fidelity": "high"}}, "INVALID_INPUT_FIDELITY"),
        ({"options": {"input_fidelity": "high", "image_tool_model": "gpt-image-1-mini"}}, "INVALID_INPUT_FIDELITY"),
        ({"operation": "edit"}, "EDIT_IMAGE_REQUIRED"),
    ],
)
def test_refused(ask: Ask, changes: dict[str, Any], code: str) -> None:
    assert codes(ask(**changes)) == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"background": "transparent", "format": "webp"},
        {"compression": 100},
        {"compression": 0, "format": "jpeg"},
        {"reasoning_effort": "minimal"},
        {"prompt": "x" * 32_000},
        {"options": {"input_fidelity": "low", "image_tool_model": "gpt-image-1-mini"}},
    ],
)
def test_let_through(ask: Ask, changes: dict[str, Any]) -> None:
    assert codes(ask(**changes)) == []


def test_a_mask_needs_a_picture(ask: Ask, reference: Callable[..., Reference]) -> None:
    assert codes(ask(references=(reference("mask"),))) == ["MASK_WITHOUT_SOURCE"]
    assert codes(ask(operation="edit", references=(reference("source"), reference("mask")))) == []


def test_input_images_are_counted_measured_and_typed(ask: Ask, reference: Callable[..., Reference]) -> None:
    assert codes(ask(references=tuple(reference() for _ in range(16)))) == []
    assert codes(ask(references=tuple(reference() for _ in range(17)))) == ["REF_TOO_MANY"]
    assert codes(ask(references=(reference(media_type="image/svg+xml"),))) == ["REF_UNSUPPORTED_TYPE"]
    assert codes(ask(references=(reference(size=15_728_000),))) == []
    assert codes(ask(references=(reference(size=15_728_640),))) == ["REF_TOO_LARGE"]


def test_every_problem_is_told_at_once(ask: Ask) -> None:
    request = ask(size="17x17", quality="xhigh", compression=5, options={"image_tool_model": "gpt-image-2"})
    assert sorted(codes(request)) == ["INVALID_COMPRESSION", "INVALID_QUALITY", "INVALID_SIZE"]


def test_a_live_list_is_cut_down_to_hosts() -> None:
    listed = [
        "gpt-5.4-mini",
        "gpt-7-sol",
        "gpt-image-2",
        "whisper-1",
        "gpt-4o-audio-preview",
        "gpt-5.1-codex",
        "o3",
        "sora-2",
    ]
    models = live(listed)
    assert [model.id for model in models] == ["gpt-5.4-mini", "gpt-7-sol", "o3"]
    assert models[0].capabilities.extra["imageToolModels"] == ("gpt-image-2",)


def test_a_snapshot_is_as_its_family() -> None:
    assert tool_model("gpt-image-2-2026-04-21") == tool_model("gpt-image-2")
    assert tool_model("gpt-image-22") is None
