"""A long JSON string on its way to a file: base64 is decoded as it comes, anything else is written as text."""

from __future__ import annotations

import binascii
import re
import string
from typing import TYPE_CHECKING

from ima2.upstream.jsontext import BASE64, Unescape
from ima2.upstream.spoolfile import Encoding, OnceFile, Seen, Spooled

if TYPE_CHECKING:
    from ima2.hookspecs import Spool

_DATA_URL = re.compile(rb"data:[^,]*;base64,", re.IGNORECASE)
_LONGEST_PREFIX = 256
_WHITESPACE = string.whitespace.encode()


class NotBase64(ValueError):
    """The decoder is as it was before the text that it refused."""


class Base64:
    """Decodes base64 that comes in pieces. Missing padding is mended; whitespace is refused."""

    def __init__(self) -> None:
        self.pending = b""
        self._empty = True

    def feed(self, text: bytes) -> bytes:
        """The bytes that ``text`` completes.

        :raises NotBase64:
        """
        text = self.pending + text
        data = text.rstrip(b"=")
        whole = len(data) - len(data) % 4
        if b"=" in data or len(text) - len(data) > 2:
            raise NotBase64
        decoded = _decode(data[:whole])
        self.pending = text[whole:]
        self._empty = self._empty and not data
        return decoded

    def close(self) -> bytes:
        """The last bytes.

        :raises NotBase64: a single character is left over, or there was none at all.
        """
        data = self.pending.rstrip(b"=")
        if self._empty or len(data) == 1:
            raise NotBase64
        return _decode(data + b"=" * (-len(data) % 4))


def _decode(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as error:
        raise NotBase64 from error


class StringWriter:
    """Writes one string. Memory does not grow with it.

    Base64 without whitespace is decoded straight into the file. If it turns out later that the string is no base64,
    the text is made again from what was decoded. Base64 with line breaks is written as text first and decoded when
    it has ended: only then is it known that all of it is base64.
    """

    def __init__(self, spool: Spool, seen: Seen, head: bytes) -> None:
        self._spool = spool
        self._seen = seen
        self._head = head
        self._unescape = Unescape()
        self._prefix: bytes | None = None
        self._start = b""
        self._base64: Base64 | None = Base64()
        self._only_base64 = True
        self._file = self._new("base64")

    def feed(self, run: bytes) -> None:
        """Take the next run of the string as it stands in the JSON, cut between escapes.

        :raises ValueError: a bad escape.
        """
        self._take(self._unescape.feed(run))

    def close(self) -> Spooled:
        """The finished file."""
        self._take(self._unescape.close(), last=True)
        if self._base64:
            try:
                self._file.write(self._base64.close())
            except NotBase64:
                self._turn_to_text(self._base64)
        if not self._base64 and self._only_base64:
            self._decode_file()
        return self._file.close()

    def discard(self) -> None:
        """Stop; the unfinished file is removed."""
        self._file.discard()

    def _new(self, encoding: Encoding) -> OnceFile:
        return OnceFile(self._spool, self._seen, self._head, encoding)

    def _take(self, text: bytes, *, last: bool = False) -> None:
        if self._prefix is None:
            self._start += text
            if _may_be_prefix(self._start) and not last:
                return
            match = _DATA_URL.match(self._start, 0, _LONGEST_PREFIX)
            self._prefix = match[0] if match else b""
            text = self._start[len(self._prefix) :]
        self._write(text)

    def _write(self, text: bytes) -> None:
        if self._base64:
            try:
                self._file.write(self._base64.feed(text))
                return
            except NotBase64:
                self._turn_to_text(self._base64)
        self._only_base64 = self._only_base64 and not text.translate(None, BASE64 + _WHITESPACE)
        self._file.write(text)

    def _turn_to_text(self, base64: Base64) -> None:
        decoded, self._file, self._base64 = self._file, self._new("text"), None
        self._file.write(self._prefix or b"")
        for block in decoded.read():
            self._file.write(binascii.b2a_base64(block, newline=False))
        self._file.write(base64.pending)
        decoded.discard()

    def _decode_file(self) -> None:
        decoder, decoded = Base64(), self._new("base64")
        skip = len(self._prefix or b"")
        try:
            for block in self._file.read():
                decoded.write(decoder.feed(block[skip:].translate(None, _WHITESPACE)))
                skip = 0
            decoded.write(decoder.close())
        except NotBase64:
            decoded.discard()
            return
        self._file.discard()
        self._file = decoded


def _may_be_prefix(start: bytes) -> bool:
    """Whether more must come before it is known if this is ``data:…;base64,``."""
    return b"data:".startswith(start[:5].lower()) and b"," not in start and len(start) < _LONGEST_PREFIX
