"""What reaches the terminal: results on stdout, everything else on stderr, and never a control character of others."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import IO, Any

import click

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # direction and line controls
    "\ud800-\udfff\ufeff]"
)


def clean(text: object) -> str:
    r"""``text`` with every control and direction character written out as ``\x1b`` or ``\u202e``; newlines stay."""
    return _CONTROLS.sub(lambda match: _written_out(match[0]), str(text))


def one_line(text: object, limit: int | None = None) -> str:
    """Cleaned, on one line, cut after ``limit`` characters."""
    flat = clean(" ".join(str(text).split()))
    return flat if limit is None or len(flat) <= limit else f"{flat[: limit - 1]}…"


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON that is safe to print: no raw control or direction character, ASCII where the stream needs it."""
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not unicode, indent=indent)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def is_terminal(stream: IO[Any]) -> bool:
    """Whether a person is at the other end."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def coloured(stream: IO[Any]) -> bool:
    """Colours only on a terminal and without ``NO_COLOR``; ``FORCE_COLOR`` insists."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def say(text: str = "") -> None:
    """A line of the result, on stdout."""
    click.echo(text, color=coloured(sys.stdout))


def say_json(value: Any) -> None:
    """The result as exactly one line of JSON."""
    click.echo(json_text(value))


def success(text: object) -> None:
    """``✓ text`` on stdout."""
    say(f"{click.style('✓', fg='green')} {clean(text)}")


def note(text: object) -> None:
    """A line for the person at the terminal, on stderr."""
    click.echo(clean(text), err=True, color=coloured(sys.stderr))


def warn(text: object) -> None:
    """``! text`` on stderr."""
    click.echo(f"{click.style('!', fg='yellow')} {clean(text)}", err=True, color=coloured(sys.stderr))


def fail(text: object, hint: str | None = None) -> None:
    """``✗ text`` and ``Hint: …`` on stderr."""
    click.echo(f"{click.style('✗', fg='red')} {clean(text)}", err=True, color=coloured(sys.stderr))
    if hint:
        note(f"Hint: {hint}")


def table(rows: list[tuple[str, ...]]) -> None:
    """Columns padded to their widest cell, on stdout; nothing for no rows."""
    clean_rows = [tuple(one_line(cell) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean_rows, strict=True)]
    for row in clean_rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
