"""Docstrings and rows as Markdown."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence

_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_FIELD = re.compile(r"^:(?:ivar|raises) (.+?): ?", re.MULTILINE)
_EXAMPLE = re.compile(r"(?P<lead>^|\S)::\n\n(?P<example>(?:    .*\n|\n)+)", re.MULTILINE)


def prose(docstring: str | None) -> str:
    """A docstring in reStructuredText as Markdown: names in code type, examples fenced, fields as a list."""
    text = _EXAMPLE.sub(_fenced, inspect.cleandoc(docstring or "") + "\n")
    text = _ROLE.sub(lambda role: f"``{role[1].rpartition('.')[2]}``", text)
    text = _FIELD.sub(lambda field: f"- `{field[1]}`: ", text)
    return re.sub(r"\n{3,}", "\n\n", text.replace("``", "`")).strip()


def fenced(text: str, language: str = "") -> str:
    """A block of code."""
    return f"~~~{language}\n{text.strip()}\n~~~"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(value: object) -> str:
    """In code type; nothing for nothing."""
    return "" if value is None or value == "" else f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _fenced(match: re.Match[str]) -> str:
    lead = f"{match['lead']}:\n\n" if match["lead"] else ""
    return f"{lead}{fenced(textwrap.dedent(match['example']), 'python')}\n\n"
