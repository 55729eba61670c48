"""JSON that comes in pieces and whose long strings go to files as they come."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from ima2.upstream.jsontext import mend, parse
from ima2.upstream.spoolfile import Seen, Spooled
from ima2.upstream.spoolstring import StringWriter

if TYPE_CHECKING:
    from ima2.hookspecs import Spool


class JsonSpool:
    """Collects one JSON text after another, each in one or more lines.

    Every string longer than ``threshold`` bytes, as it stands in the text, becomes a :class:`Spooled`. A short
    placeholder stands for it until the text is parsed, so that memory holds little more than ``threshold`` and the
    short parts. What was spooled once is remembered over all texts.
    """

    def __init__(self, spool: Spool, *, threshold: int) -> None:
        self._spool = spool
        self._threshold = threshold
        self._seen = Seen()
        self._token = f"spooled-{secrets.token_hex(16)}-"
        self._writer: StringWriter | None = None
        self._carry = b""
        self.reset()

    def reset(self) -> None:
        """Begin a new text. A string that was not finished is dropped."""
        self._leave_string()
        self._out = bytearray()
        self._parts = [(False, self._out)]
        self._found: dict[str, Spooled] = {}

    @property
    def text(self) -> bytes:
        """The text without its loose lines, placeholders in it."""
        return b"".join(part for loose, part in self._parts if not loose)

    @property
    def spooled(self) -> tuple[Spooled, ...]:
        """The files of this text so far."""
        return tuple(self._found.values())

    def line(self, *, loose: bool = False) -> None:
        """Begin a line. A loose line counts only when the text is no JSON without it."""
        self._leave_string()
        if self._parts[-1][0] is not loose:
            self._out = bytearray()
            self._parts.append((loose, self._out))
        self._out += b"\n"

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the line.

        :raises ValueError: a bad escape in a long string.
        :raises OSError: the spool could not be written.
        """
        piece = self._carry + piece
        self._carry = b""
        position = 0
        while position < len(piece):
            position = self._inside(piece, position) if self._open else self._outside(piece, position)

    def value(self) -> Any:
        """The parsed text with :class:`Spooled` in the place of its long strings.

        :raises ValueError: no JSON.
        :raises RecursionError: nested too deeply.
        """
        try:
            return self._parse(self.text)
        except ValueError:
            if len(self._parts) == 1:
                raise
            return self._parse(b"".join(part for _, part in self._parts))

    def _parse(self, text: bytes) -> Any:
        value = parse(text)
        return self._replace(value) if self._found or b"\\u" in text else value

    def _replace(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._found.get(value) or mend(value)
        if isinstance(value, list):
            return [self._replace(item) for item in value]
        if isinstance(value, dict):
            return {self._replace(key): self._replace(item) for key, item in value.items()}
        return value

    def _outside(self, piece: bytes, position: int) -> int:
        quote = piece.find(b'"', position)
        end = quote + 1 if quote >= 0 else len(piece)
        self._out += piece[position:end]
        self._open = quote >= 0
        self._start = len(self._out)
        return end

    def _inside(self, piece: bytes, position: int) -> int:
        end, closed = string_end(piece, position)
        self._take(piece[position:end])
        if closed:
            self._close_string()
            return end + 1
        self._carry = piece[end:]
        return len(piece)

    def _take(self, run: bytes) -> None:
        if self._writer:
            self._writer.feed(run)
            return
        self._out += run
        if len(self._out) - self._start > self._threshold:
            self._begin_file()

    def _begin_file(self) -> None:
        run = bytes(self._out[self._start :])
        del self._out[self._start :]
        self._head = hashlib.sha256(run[: self._threshold]).digest()
        self._writer = StringWriter(self._spool, self._seen, self._head)
        self._writer.feed(run)

    def _close_string(self) -> None:
        if self._writer:
            spooled, self._writer = self._writer.close(), None
            self._seen.add(self._head, spooled)
            placeholder = f"{self._token}{len(self._found)}"
            self._found[placeholder] = spooled
            self._out += placeholder.encode()
        self._out += b'"'
        self._open = False

    def _leave_string(self) -> None:
        if self._writer:
            self._writer.discard()
        self._writer = None
        self._open = False
        self._carry = b""


def string_end(piece: bytes, position: int) -> tuple[int, bool]:
    r"""Where the string that ``position`` is in ends: at its quote (True), or with the last whole escape of ``piece``.

    Linear: each search begins where the one before stopped, and none for ``\`` goes past the next quote.
    """
    quote = piece.find(b'"', position)
    while True:
        escape = piece.find(b"\\", position, quote if quote >= 0 else len(piece))
        if escape < 0:
            return (quote, True) if quote >= 0 else (len(piece), False)
        position = escape + (6 if piece[escape + 1 : escape + 2] == b"u" else 2)
        if position > len(piece):
            return escape, False
        if 0 <= quote < position:
            quote = piece.find(b'"', position)
