"""OpenAI-style sizes as aspect ratio and resolution."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2_grok.sizes import ASPECTS, SIZES, Shape, aspect_of, exact, shape_of, wanted
from providers.grok.piping import ask

AUTO = Shape("auto", None)


@pytest.mark.parametrize(
    ("size", "aspect", "resolution"),
    [
        ("1024x1024", "1:1", "1k"),
        ("1536x1024", "3:2", "1k"),
        ("1024x1536", "2:3", "1k"),
        ("1360x1024", "4:3", "1k"),
        ("1024x1360", "3:4", "1k"),
        ("1824x1024", "16:9", "1k"),
        ("1024x1824", "9:16", "1k"),
        ("2048x2048", "1:1", "2k"),
        ("2048x1152", "16:9", "2k"),
        ("1152x2048", "9:16", "2k"),
        ("3840x2160", "16:9", "2k"),
        ("2160x3840", "9:16", "2k"),
        # the nearest, by logarithm
        ("2400x1024", "20:9", "2k"),
        ("900x1800", "1:2", "1k"),
        ("1950x900", "19.5:9", "1k"),
        ("100000x1", "20:9", "2k"),
        ("1x100000", "9:20", "2k"),
        # where 2k begins: an edge of 2048, or an area of two million
        ("2047x900", "20:9", "1k"),
        ("2048x1", "20:9", "2k"),
        ("1000x2000", "1:2", "2k"),
        ("1999x1000", "2:1", "1k"),
        ("1 x 1", "1:1", "1k"),
        ("1024X1024", "1:1", "1k"),
    ],
)
def test_a_size(size: str, aspect: str, resolution: str) -> None:
    assert shape_of(size) == Shape(aspect, resolution)


@pytest.mark.parametrize(
    "size",
    [
        None,
        "",
        "auto",
        "wide",
        "0x1024",
        "1024x0",
        "-5x10",
        "1024",
        "x",
        "1024x1024x1",
        "1e3x1e3",
        "1024.5x1024",
        "²x²",
    ],
)
def test_what_is_no_size_is_auto(size: str | None) -> None:
    assert shape_of(size) == AUTO


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ("grok:16:9:2k", Shape("16:9", "2k")),
        ("grok:19.5:9:1k", Shape("19.5:9", "1k")),
        ("grok:1:1:4k", Shape("1:1", "1k")),
        ("grok:7:5:2k", Shape("auto", "2k")),
        ("grok:auto:2k", Shape("auto", "2k")),
        ("grok:2k", AUTO),
        ("grok:", AUTO),
    ],
)
def test_a_shape_written_out(size: str, shape: Shape) -> None:
    assert shape_of(size) == shape


@given(st.integers(1, 999_999), st.integers(1, 999_999))
def test_no_aspect_is_nearer_and_turning_the_picture_turns_the_aspect(width: int, height: int) -> None:
    def distance(aspect: str) -> float:
        across, down = map(float, aspect.split(":"))
        return abs(log((width / height) / (across / down)))

    chosen = aspect_of(width, height)
    assert all(distance(chosen) <= distance(each) for each in ASPECTS)
    across, down = chosen.split(":")
    turned = aspect_of(height, width)
    assert turned == f"{down}:{across}" or distance(":".join(reversed(turned.split(":")))) == pytest.approx(
        distance(chosen)
    )


def test_of_equally_near_ones_the_first_wins() -> None:
    assert aspect_of(3, 2) == "3:2"
    assert aspect_of(2**19, 2**19) == "1:1"


@given(st.text(max_size=40))
def test_any_text_has_a_shape(size: str) -> None:
    shape = shape_of(size)
    assert shape.aspect in ("auto", *ASPECTS)
    assert shape.resolution in (None, "1k", "2k")


def test_a_request_may_say_it_in_xais_words() -> None:
    assert wanted(ask(size="2048x2048", aspect_ratio="9:20")) == Shape("9:20", "2k")
    assert wanted(ask(size="2048x2048", resolution="1k")) == Shape("1:1", "1k")
    assert wanted(ask(aspect_ratio="auto", resolution="2k")) == Shape("auto", "2k")
    assert wanted(ask()) == AUTO


def test_what_is_met_needs_no_word() -> None:
    assert [size for size in SIZES if not exact(size)] == ["3840x2160", "2160x3840"]
    assert [size for size in ("auto", "", None, "grok:1:1:1k") if not exact(size)] == []
    assert not exact("1000x1000")
    assert not exact("wide")
