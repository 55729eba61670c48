"""Taking a strange JSON value for what it should be, without trusting it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 2**63


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: Any) -> Sequence[Any]:
    """The array, or an empty one."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """The string, or an empty one. JSON can carry half a character, which nothing else can: it becomes ``?``."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def sentence(words: str) -> str:
    """The words, ended as a sentence: others follow."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def count(value: Any) -> int | None:
    """The whole number of none or more, or None; one that no counter reaches is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST else None
