from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.hookspecs import SizeRule
from ima2.kernel.requests.sizes import nearest, parse_size, size_problem

FREE = SizeRule(multiple_of=16, max_edge=3840, max_ratio=3, min_pixels=655_360, max_pixels=8_294_400)
LISTED = SizeRule(fixed=("1024x1024", "1536x1024"))


@pytest.mark.parametrize("text", ["auto", "1024x1024", "3840x2160", "2160x3840", "1536x864"])
def test_good_sizes_pass(text: str) -> None:
    assert size_problem(text, FREE) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1000x1000", "multiple of 16"),
        ("4096x2048", "over 3840"),
        ("3200x512", "3:1"),
        ("256x256", "fewer than"),
        ("3840x3840", "more than"),
        ("1024", "no size"),
        ("0x16", "no size"),
        ("1024×1024", "no size"),
        ("9999999x16", "no size"),
        ("", "no size"),
    ],
)
def test_bad_sizes_are_named(text: str, said: str) -> None:
    assert said in (size_problem(text, FREE) or "")


def test_only_listed_sizes() -> None:
    assert size_problem("1536x1024", LISTED) is None
    assert "the sizes are 1024x1024, 1536x1024" in (size_problem("1024x1536", LISTED) or "")


def test_auto_can_be_missing() -> None:
    assert size_problem("auto", SizeRule(fixed=("8x8",), auto=False)) is not None


@given(st.integers(1, 999_999), st.integers(1, 999_999))
def test_the_suggestion_is_itself_valid(width: int, height: int) -> None:
    near = nearest((width, height), FREE)
    assert near is not None
    assert size_problem(f"{near[0]}x{near[1]}", FREE) is None


@given(st.text(max_size=20))
def test_parse_takes_any_text(text: str) -> None:
    size = parse_size(text)
    assert size is None or f"{size[0]}x{size[1]}" == text
