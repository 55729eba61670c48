"""Reading a prompt, and setting it as a caption."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2_sketch.drawing.caption import READ, plain, wrap
from ima2_sketch.drawing.colour import oklch
from ima2_sketch.drawing.fonts import built_in, font_for
from ima2_sketch.drawing.words import VOCABULARY, meanings


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A quiet HARBOUR at night", ("pale", "sea", "night")),
        ("cats, foxes and a cat", ("cat",)),
        ("red red rouge", ("red",)),
        ("고양이가 바다에서 밤하늘을 본다", ("cat", "sea", "night")),
        ("東京の夜の街", ("night", "city")),
        ("夕日と富士山", ("dusk", "mountain")),
        ("un gato en la montaña", ("cat", "mountain")),
        ("ｒｅｄ ﬁeld", ("red", "meadow")),
        ("category seat reddish", ()),
        ("", ()),
    ],
)
def test_what_words_mean(prompt: str, expected: tuple[str, ...]) -> None:
    assert meanings(prompt) == expected


def test_a_word_has_one_meaning() -> None:
    words = [word for text in VOCABULARY.values() for word in text.split()]
    assert sorted({word for word in words if words.count(word) > 1}) == []


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert set(meanings(text)) <= set(VOCABULARY)


@given(st.text(max_size=1000))
def test_a_caption_is_one_printable_line(text: str) -> None:
    caption = plain(text)
    assert all(letter.isprintable() or letter.isspace() for letter in caption)
    assert not set(caption) & set("\n\r\t\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f")
    assert len(caption) <= READ


def test_piles_of_accents_are_levelled() -> None:
    assert plain("z" + "\u0334" * 500) == "z\u0334\u0334"


@given(st.text(alphabet="ab 가나字 ", max_size=200), st.integers(1, 30), st.integers(1, 3))
def test_lines_fit_and_keep_the_text(text: str, width: int, lines: int) -> None:
    """Measured in letters; only what does not fit is lost, and then an ellipsis says so."""
    caption = " ".join(text.split())
    wrapped = wrap(caption, width, lines, len)
    assert len(wrapped) <= lines
    assert all(0 < len(line) <= max(width, 2) for line in wrapped)
    if not (wrapped and wrapped[-1].endswith("…")):
        assert "".join(wrapped).replace(" ", "") == caption.replace(" ", "")


def test_words_stay_whole_where_they_can() -> None:
    assert wrap("one two three", 8, 3, len) == ["one two", "three"]
    assert wrap("extraordinary", 5, 3, len) == ["extra", "ordin", "ary"]
    assert wrap("한국어 문장", 4, 2, len) == ["한국어", "문장"]
    assert wrap("one two three four", 8, 2, len) == ["one two", "three f…"]


def test_a_font_drops_what_it_cannot_show() -> None:
    font, kept = font_for("fox \U000f0000", 20)
    assert font is built_in(20)
    assert kept == "fox "


@given(st.floats(0, 1), st.floats(0, 0.4), st.floats(-720, 720))
def test_every_colour_can_be_shown(lightness: float, chroma: float, hue: float) -> None:
    assert all(0 <= channel <= 255 for channel in oklch(lightness, chroma, hue))


def test_colours_are_what_they_are_called() -> None:
    assert max(oklch(0, 0.2, 30)) <= 1
    assert oklch(1, 0.2, 30) == (255, 255, 255)
    assert oklch(0.628, 0.2577, 29.23) == (255, 0, 0)
    assert oklch(0.452, 0.3132, 264.05) == (0, 0, 255)
