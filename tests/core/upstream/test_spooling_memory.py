"""A picture of 30 MB passes through; memory does not see it."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from collections.abc import Iterator

import pytest
from ima2.upstream.spool import SpoolFolder
from ima2.upstream.sse import EventReader, Spooled

BLOCK = bytes(range(256)) * 3
TEXT = base64.b64encode(BLOCK).decode()
BREAKS = TEXT + "\\n"
ESCAPED = TEXT.replace("/", "\\/")


def line(block: str, size: int, step: int, *, end: str = "") -> Iterator[bytes]:
    """``data: {"b64": "…"}`` in chunks of ``step`` bytes, made as they are asked for."""
    rest = b'data: {"b64": "'
    unit = block.encode() * max(1, step // len(block))
    for _ in range(size // len(unit)):
        rest += unit
        for at in range(0, len(rest) - step, step):
            yield rest[at : at + step]
        rest = rest[len(rest) - (len(rest) - 1) % step - 1 :]
    yield rest + end.encode() + b'"}\n\n'


def measured(reader: EventReader, chunks: Iterator[bytes]) -> tuple[Spooled, int]:
    tracemalloc.start()
    try:
        (event,) = (event for chunk in chunks for event in reader.feed(chunk))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(event.data["b64"], Spooled)
    return event.data["b64"], peak


@pytest.mark.parametrize(
    ("block", "size", "step", "end", "encoding"),
    [
        (TEXT, 30 * 2**20, 16 * 1024, "", "base64"),
        (ESCAPED, 30 * 2**20, 16 * 1024, "", "base64"),
        (BREAKS, 30 * 2**20, 16 * 1024, "", "base64"),
        (TEXT, 30 * 2**20, 16 * 1024, "!", "text"),
        (TEXT, 2**18, 3, "", "base64"),
    ],
)
def test_memory_does_not_grow_with_the_string(
    spool: SpoolFolder, block: str, size: int, step: int, end: str, encoding: str
) -> None:
    reader = EventReader(spool)
    spooled, peak = measured(reader, line(block, size, step, end=end))
    again, peak_again = measured(reader, line(block, size, step, end=end))
    assert spooled.encoding == encoding
    assert again == spooled
    assert list(spool.folder.iterdir()) == [spooled.path]
    assert spooled.size > size * 0.7
    assert max(peak, peak_again) < 2 * 2**20
    with spooled.path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == spooled.sha256
    if encoding == "base64":
        assert spooled.path.read_bytes() == BLOCK * (spooled.size // len(BLOCK))


def test_one_huge_chunk_is_taken_in_pieces(spool: SpoolFolder) -> None:
    chunk = b"".join(line(TEXT, 8 * 2**20, 16 * 1024))
    _, peak = measured(EventReader(spool), iter([chunk]))
    assert peak < 2 * 2**20
