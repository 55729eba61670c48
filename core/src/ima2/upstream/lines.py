"""Cutting a byte stream into lines that need not be whole in memory."""

from __future__ import annotations

from collections.abc import Iterator

PIECE = 64 * 1024


def pieces(chunk: bytes) -> Iterator[bytes]:
    """``chunk`` in pieces of :data:`PIECE` bytes at most."""
    for start in range(0, len(chunk), PIECE):
        yield chunk[start : start + PIECE]


class LineSplitter:
    """Ends lines at LF, CRLF and CR and nowhere else. A CR ends its line at once; an LF after it is dropped."""

    def __init__(self) -> None:
        self._after_cr = False

    def split(self, piece: bytes) -> Iterator[tuple[bytes, bool]]:
        """Parts of lines, each with whether its line ends there."""
        position = int(self._after_cr and piece.startswith(b"\n"))
        self._after_cr = piece.endswith(b"\r") if piece else self._after_cr
        newline = -1
        while position < len(piece):
            if newline < position:
                newline = piece.find(b"\n", position)
                newline = len(piece) if newline < 0 else newline
            end = piece.find(b"\r", position, newline)
            end = newline if end < 0 else end
            yield piece[position:end], end < len(piece)
            position = end + (2 if piece.startswith(b"\r\n", end) else 1)
