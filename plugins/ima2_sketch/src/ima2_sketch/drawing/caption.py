"""The prompt as a caption. Whatever it holds, here it is only text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

READ = 400
"""Letters of a prompt that are looked at; two lines hold fewer."""
_PILE = re.compile(
    r"([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{2})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_BREAKS = re.compile(r"\S+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\u3040-\u30ff\u3400-\u9fff\s]+")


def plain(prompt: str) -> str:
    """One line of printable letters: no control, format or bidi characters, no piles of accents."""
    text = unicodedata.normalize("NFC", prompt[: READ * 4])
    spaced = "".join(" " if letter.isspace() or unicodedata.category(letter) == "Cc" else letter for letter in text)
    shown = "".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C")
    return " ".join(_PILE.sub(r"\1", shown).split())[:READ]


def wrap(text: str, width: float, lines: int, measure: Callable[[str], float]) -> list[str]:
    """At most ``lines`` lines of at most ``width``; what does not fit ends in an ellipsis."""
    wrapped: list[str] = []
    rest = text
    while rest and len(wrapped) < lines:
        if len(wrapped) == lines - 1:
            wrapped.append(_shortened(rest, width, measure))
            break
        line = _fitting(rest, width, measure)
        wrapped.append(line)
        rest = rest[len(line) :].lstrip()
    return wrapped


def _fitting(text: str, width: float, measure: Callable[[str], float]) -> str:
    """As many whole words as fit; a word too long is cut."""
    end = 0
    for match in _words(text):
        if measure(text[:match]) > width:
            break
        end = match
    return text[:end] if end else _cut(text, width, measure)


def _words(text: str) -> list[int]:
    return [word.start() + part.end() for word in _BREAKS.finditer(text) for part in _UNSPACED.finditer(word[0])]


def _cut(text: str, width: float, measure: Callable[[str], float]) -> str:
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= width else (low, middle - 1)
    return text[:low]


def _shortened(text: str, width: float, measure: Callable[[str], float]) -> str:
    if measure(text) <= width:
        return text
    return _cut(text, width - measure("…"), measure).rstrip() + "…"
