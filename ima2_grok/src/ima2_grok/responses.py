"""What an answer of the Responses API holds. Pure; nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ima2_grok.reading import listed, mapping, text


def output(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The items: reasoning, searches, messages."""
    return (mapping(item) for item in listed(value.get("output")))


def parts(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of its messages."""
    for item in output(value):
        if item.get("type") == "message":
            yield from (mapping(part) for part in listed(item.get("content")))


def words(value: Mapping[str, Any]) -> str:
    """All that its messages say, one under the other."""
    return "\n".join(text(part.get("text")) for part in parts(value)).strip()
