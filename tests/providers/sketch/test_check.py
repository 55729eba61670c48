"""What sketch refuses before it draws, and what it says it would do."""

from __future__ import annotations

from typing import Any

import pytest
from ima2.models import Reference, Request
from ima2_sketch import plugin


def reference(role: str = "reference", edge: int = 512, *, alpha: bool = False) -> Reference:
    facts = {"sha256": "0" * 64, "mediaType": "image/png", "size": 1000, "hasAlpha": alpha, "role": role}
    return Reference.model_validate({**facts, "width": edge, "height": edge})


def codes(**changes: Any) -> list[str]:
    return [problem.code for problem in plugin.ima2_check(Request(id="job-1", prompt="a fox", **changes))]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, None])
def test_a_seed_has_32_bits(seed: int | None) -> None:
    assert codes(seed=seed) == []


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
def test_another_seed_is_refused(seed: int) -> None:
    assert codes(seed=seed) == ["INVALID_SEED"]


@pytest.mark.parametrize(
    ("format_name", "compression", "expected"),
    [
        (None, 50, ["INVALID_COMPRESSION"]),
        ("png", 0, ["INVALID_COMPRESSION"]),
        ("png", 100, []),
        ("jpeg", 0, []),
        ("webp", 50, []),
    ],
)
def test_png_has_no_degrees(format_name: str | None, compression: int, expected: list[str]) -> None:
    assert codes(format=format_name, compression=compression) == expected


SOURCE, MASK = reference("source"), reference("mask", alpha=True)


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ((SOURCE,), []),
        ((SOURCE, MASK), []),
        ((SOURCE, MASK, reference()), []),
        ((), ["INVALID_SOURCE"]),
        ((SOURCE, SOURCE), ["INVALID_SOURCE"]),
        ((MASK,), ["INVALID_SOURCE", "INVALID_MASK"]),
        ((SOURCE, MASK, MASK), ["INVALID_MASK"]),
        ((SOURCE, reference("mask", 256, alpha=True)), ["MASK_SIZE_MISMATCH"]),
        ((SOURCE, reference("mask")), ["MASK_WITHOUT_ALPHA"]),
    ],
)
def test_an_edit_has_one_source_and_at_most_one_mask(references: tuple[Reference, ...], expected: list[str]) -> None:
    assert codes(operation="edit", references=references) == expected


def test_a_mask_alone_is_refused_without_an_edit_too() -> None:
    assert codes(references=(MASK,)) == ["INVALID_MASK"]


def test_the_dry_run_says_what_would_be_drawn() -> None:
    def summary(**changes: Any) -> tuple[str, int, bool]:
        (step,) = plugin.ima2_steps(Request(id="job-1", prompt="a fox", **changes))
        return step.summary, step.count, step.paid

    assert summary(n=3) == ("draw 1024x1024 png on this computer", 3, False)
    assert summary(size="640x480", format="webp") == ("draw 640x480 webp on this computer", 1, False)
    assert summary(operation="edit", references=(SOURCE,)) == ("draw 512x512 png on this computer", 1, False)


def test_it_is_never_chosen_unasked() -> None:
    info = plugin.ima2_provider()
    assert info.auto is False
    assert info.billing == "free"
