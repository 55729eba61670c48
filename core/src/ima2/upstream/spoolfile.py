"""Files of the spool that are written once, however often their content comes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from ima2.hookspecs import Spool

Encoding = Literal["base64", "text"]

BLOCK = 48 * 1024
"""Bytes read at once: a multiple of 3 and of 4, so that blocks of base64 join."""

_COMPARED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Spooled:
    """A long string of a reply, as a file.

    :ivar size: bytes of the file.
    :ivar sha256: of the file, hexadecimal.
    :ivar encoding: ``base64`` when the file holds the decoded bytes, ``text`` when it holds the string as UTF-8.
    """

    path: Path
    size: int
    sha256: str
    encoding: Encoding


class Seen:
    """The strings one reader has spooled, by how they begin and by what they are."""

    def __init__(self) -> None:
        self._by_head: dict[bytes, list[Spooled]] = {}
        self._by_content: dict[tuple[Encoding, str], Spooled] = {}

    def alike(self, head: bytes, encoding: Encoding) -> Sequence[Spooled]:
        """Those that began like this, the latest first."""
        return [spooled for spooled in reversed(self._by_head.get(head, ())) if spooled.encoding == encoding]

    def same(self, encoding: Encoding, sha256: str) -> Spooled | None:
        """The one with this content."""
        return self._by_content.get((encoding, sha256))

    def add(self, head: bytes, spooled: Spooled) -> None:
        """Remember."""
        alike = self._by_head.setdefault(head, [])
        if spooled not in alike:
            alike.append(spooled)
        self._by_content.setdefault((spooled.encoding, spooled.sha256), spooled)


class OnceFile:
    """Bytes on their way to a file, unless a file has them already.

    As long as a known file begins with what came so far, the bytes are compared and not written. When the last such
    file differs, the equal beginning is copied and writing goes on. A known file that has been moved away can't be
    compared; then the new file is dropped in the end if the content turns out the same.
    """

    def __init__(self, spool: Spool, seen: Seen, head: bytes, encoding: Encoding) -> None:
        self.size = 0
        self._spool = spool
        self._seen = seen
        self._encoding = encoding
        self._hash = hashlib.sha256()
        self._own: tuple[Path, BinaryIO] | None = None
        self._alike = list(_opened(seen.alike(head, encoding)[:_COMPARED_AT_ONCE]))

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._alike and data:
            self._keep([pair for pair in self._alike if pair[1].read(len(data)) == data])
        if not self._alike:
            self._append(data)
        self.size += len(data)

    def read(self) -> Iterator[bytes]:
        """What came so far, in blocks of :data:`BLOCK`; nothing may be written afterwards."""
        file = self._alike[0][1] if self._alike else self._begun()[1]
        yield from _blocks(file, self.size)

    def close(self) -> Spooled:
        """The file that holds the content: a known one, or the new one."""
        for spooled, file in self._alike:
            if not file.read(1):
                self._release()
                return spooled
        self._keep([])
        path, sha256 = self._begun()[0], self._hash.hexdigest()
        if known := self._seen.same(self._encoding, sha256):
            self.discard()
            return known
        self._release()
        return Spooled(path, self.size, sha256, self._encoding)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._release()
        if self._own:
            self._own[0].unlink(missing_ok=True)

    def _keep(self, alike: list[tuple[Spooled, BinaryIO]]) -> None:
        """Go on with these; when none is left, begin a file with what they had in common."""
        dropped, self._alike = [pair for pair in self._alike if pair not in alike], alike
        if dropped and not alike:
            for block in _blocks(dropped[0][1], self.size):
                self._append(block)
        for _, file in dropped:
            file.close()

    def _append(self, data: bytes) -> None:
        self._begun()[1].write(data)
        self._hash.update(data)

    def _begun(self) -> tuple[Path, BinaryIO]:
        if self._own is None:
            path = self._spool.new(".txt" if self._encoding == "text" else "")
            self._own = path, path.open("x+b")
        return self._own

    def _release(self) -> None:
        for _, file in self._alike:
            file.close()
        self._alike = []
        if self._own:
            self._own[1].close()


def _opened(known: Sequence[Spooled]) -> Iterator[tuple[Spooled, BinaryIO]]:
    for spooled in known:
        with suppress(OSError):
            yield spooled, spooled.path.open("rb")


def _blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(min(BLOCK, size)):
        size -= len(block)
        yield block
