"""JSON text that came as bytes: parsing it, and undoing the escapes inside a string piece by piece."""

from __future__ import annotations

import codecs
import json
import re
import string
from typing import Any, NoReturn

BASE64 = (string.ascii_letters + string.digits + "+/=").encode()
"""The bytes of base64. None of them is special in JSON."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(text: bytes | bytearray) -> Any:
    """The value of ``text``. Bytes that are no UTF-8 become U+FFFD.

    :raises ValueError: no JSON; ``NaN`` and ``Infinity`` are none.
    :raises RecursionError: nested too deeply.
    """
    return json.loads(text.decode(errors="replace"), parse_constant=_refuse)


def mend(text: str) -> str:
    """Join surrogates to characters; a half without its other half becomes U+FFFD, so that ``text`` can be stored."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


class Unescape:
    """Turns the inside of a JSON string into UTF-8. A run may end inside a character but not inside an escape."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._half = ""

    def feed(self, run: bytes) -> bytes:
        """The part of the string that ``run`` completes.

        :raises ValueError: a bad escape or a bare control character.
        """
        if not self._half and not run.translate(None, BASE64) and not self._decoder.getstate()[0]:
            return run
        text = self._half + json.loads(f'"{self._decoder.decode(run)}"')
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return mend(text[: len(text) - len(self._half)]).encode()

    def close(self) -> bytes:
        """What was held back, made whole."""
        return mend(self._half + self._decoder.decode(b"", final=True)).encode()
