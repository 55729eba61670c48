"""Long strings: decoded as they come, written once, the same however the stream is cut."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import re
import string
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.errors import StorageFailed
from ima2.upstream.jsonspool import string_end
from ima2.upstream.spool import SpoolFolder
from ima2.upstream.sse import EventReader, ServerEvent, Spooled

Read = Callable[..., list[ServerEvent]]


def expected(text: str) -> tuple[str, bytes]:
    """What a spooled string has to be, said a second time and all at once."""
    prefix = re.match(r"data:[^,]*;base64,", text[:256], re.IGNORECASE)
    body = text[len(prefix[0]) :] if prefix else text
    body = body.translate(str.maketrans("", "", string.whitespace))
    if re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", body) and len(body.rstrip("=")) % 4 != 1:
        data = body.rstrip("=")
        return "base64", binascii.a2b_base64(data + "=" * (-len(data) % 4))
    return "text", text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def test_a_folder_that_can_not_be_made_is_a_storage_fault(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(StorageFailed) as caught:
        SpoolFolder(tmp_path / "spool").new(".mp4")
    assert (caught.value.retryable, caught.value.hint) == (True, "ima2 doctor")


def stream_of(values: Iterable[Any], *, ascii_only: bool = True) -> bytes:
    lines = [json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass") for value in values]
    return b"".join(b"event: e\ndata: " + line + b"\n\n" for line in lines)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def check(value: Any, got: Any) -> None:
    """``got`` is ``value`` with files in the place of some strings."""
    if isinstance(got, Spooled):
        encoding, content = expected(value)
        assert (got.encoding, got.path.read_bytes()) == (encoding, content)
        assert (got.size, got.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    elif isinstance(value, dict):
        assert len(value) == len(got)
        for (name, item), (got_name, got_item) in zip(value.items(), got.items(), strict=True):
            check(name, got_name)
            check(item, got_item)
    elif isinstance(value, list):
        assert len(value) == len(got)
        for item, got_item in zip(value, got, strict=True):
            check(item, got_item)
    elif isinstance(value, str):
        assert got == value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    else:
        assert got == value


BASE64_LIKE = st.text("ABab01+/=\n ", max_size=40)
REAL_BASE64 = st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode())
DATA_URL = st.tuples(st.sampled_from(["data:image/png;base64,", "DATA:;base64,", "data:a,", "dat"]), REAL_BASE64)
STRINGS = st.one_of(st.text(max_size=40), BASE64_LIKE, REAL_BASE64, DATA_URL.map("".join))
NAMES = st.text('abc\\"é', max_size=3)
VALUES = st.recursive(
    st.one_of(STRINGS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(
    values=st.lists(VALUES, max_size=4),
    places=st.lists(st.integers(0, 10_000), max_size=12),
    threshold=st.integers(0, 50),
    ascii_only=st.booleans(),
)
def test_any_events_cut_anywhere_at_any_threshold(
    read: Read, values: list[Any], places: list[int], threshold: int, ascii_only: bool
) -> None:
    stream = stream_of(values, ascii_only=ascii_only)
    with tempfile.TemporaryDirectory() as folder:
        got = [event.data for event in read(cut(stream, places), SpoolFolder(Path(folder)), threshold=threshold)]
        check(values, got)


@given(text=st.text('ab\\"u12\ud83d\ude00é\n/', max_size=30), threshold=st.integers(0, 30))
def test_a_string_cut_at_every_place(read: Read, text: str, threshold: int) -> None:
    stream = stream_of([text])
    with tempfile.TemporaryDirectory() as folder:
        for place in range(len(stream)):
            (event,) = read([stream[:place], stream[place:]], SpoolFolder(Path(folder)), threshold=threshold)
            check(text, event.data)


def one(read: Read, spool: SpoolFolder, raw: str, *, threshold: int = 8, step: int = 5) -> Spooled:
    stream = f'data: "{raw}"\n\n'.encode()
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    (event,) = read(chunks, spool, threshold=threshold)
    assert isinstance(event.data, Spooled)
    assert list(spool.folder.iterdir()) == [event.data.path]
    return event.data


CONTENT = bytes(range(256)) * 3
ENCODED = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(
    "raw",
    [
        ENCODED,
        f"data:image/png;base64,{ENCODED}",
        f"DATA:image/svg+xml;charset=utf-8;BASE64,{ENCODED}",
        ENCODED.replace("/", "\\/"),
        ENCODED.replace("A", "\\u0041"),
        "\\n".join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76)),
        "\\r\\n".join(ENCODED[at : at + 64] for at in range(0, len(ENCODED), 64)) + "\\r\\n",
        " \\t" + ENCODED[:501] + "  " + ENCODED[501:],
        f"data:image/png;base64,\\n{ENCODED}\\n",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_base64_however_it_is_written(read: Read, spool: SpoolFolder, raw: str, step: int) -> None:
    spooled = one(read, spool, raw, step=step)
    assert (spooled.encoding, spooled.path.read_bytes()) == ("base64", CONTENT)


@pytest.mark.parametrize("content", [b"0123456789", b"01234567890"])
def test_missing_padding_is_mended(read: Read, spool: SpoolFolder, content: bytes) -> None:
    spooled = one(read, spool, base64.b64encode(content).decode().rstrip("="))
    assert (spooled.encoding, spooled.path.read_bytes()) == ("base64", content)


@pytest.mark.parametrize(
    "text",
    [
        "plain words, without end ",
        ENCODED + "!",
        ENCODED + "A",
        ENCODED + "=A",
        "QQ==QUJDQUJD",
        ENCODED + "===",
        "data:image/png;base64," + ENCODED + "...",
        "data:text/plain," + ENCODED,
        "QUJD QUJD QUJD-QUJD",
        "=========",
        " " * 50,
        "data:image/png;base64,",
        ENCODED * 100 + "é",
    ],
)
def test_what_is_no_base64_is_text_to_the_letter(read: Read, spool: SpoolFolder, text: str) -> None:
    spooled = one(read, spool, text, step=1000)
    assert (spooled.encoding, spooled.path.read_bytes()) == ("text", text.encode())


def test_at_the_threshold_a_string_stays_and_one_more_goes(spool: SpoolFolder, read: Read) -> None:
    (event,) = read([stream_of([["x" * 64, "x" * 65]])], spool, threshold=64)
    assert event.data[0] == "x" * 64
    assert isinstance(event.data[1], Spooled)


def picture(seed: int, size: int = 3000) -> str:
    blocks = (hashlib.sha256(f"{seed} {block}".encode()).digest() for block in range(size // 32 + 1))
    return base64.b64encode(b"".join(blocks)[:size]).decode()


def test_a_repeat_is_the_same_file(spool: SpoolFolder, read: Read) -> None:
    first, second = picture(1), picture(2)
    stream = stream_of([{"partial": first}, [first, second, first], {"b": second}])
    events = read(cut(stream, range(0, len(stream), 100)), spool, threshold=256)
    a, b = events[0].data["partial"], events[1].data[1]
    assert events[1].data == [a, b, a]
    assert events[2].data == {"b": b}
    assert sorted(spool.folder.iterdir()) == sorted([a.path, b.path])


def test_nothing_is_written_while_a_repeat_comes(spool: SpoolFolder) -> None:
    stream = stream_of([picture(1)])
    reader = EventReader(spool, threshold=256)
    (event,) = reader.feed(stream)
    before = event.data.path.stat().st_mtime_ns
    for at in range(0, len(stream), 50):
        again = list(reader.feed(stream[at : at + 50]))
        assert list(spool.folder.iterdir()) == [event.data.path]
    assert again == [event]
    assert event.data.path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "other",
    [
        picture(1)[:2000] + "!" + picture(1)[2001:],
        picture(1)[:2000],
        picture(1) + "QUJD",
        picture(1)[:2000] + "A" + picture(2)[2001:],
        picture(1)[:-1] + "-",
    ],
)
def test_an_equal_beginning_is_no_repeat(spool: SpoolFolder, read: Read, other: str) -> None:
    values = [picture(1), other, picture(1), other]
    stream = stream_of(values)
    got = [event.data for event in read(cut(stream, range(0, len(stream), 37)), spool, threshold=256)]
    check(values, got)
    assert (got[2], got[3]) == (got[0], got[1])
    assert len(list(spool.folder.iterdir())) == 2


@pytest.mark.parametrize("written", [lambda text: text.replace("/", "\\/"), lambda text: f"data:;base64,{text}\\n"])
def test_a_repeat_written_differently_is_the_same_file(
    spool: SpoolFolder, read: Read, written: Callable[[str], str]
) -> None:
    text = picture(1)
    first, second = read([f'data: "{text}"\n\ndata: "{written(text)}"\n\n'.encode()], spool, threshold=64)
    assert first.data == second.data
    assert list(spool.folder.iterdir()) == [first.data.path]


def test_a_repeat_of_a_file_that_was_moved_away_is_known(spool: SpoolFolder) -> None:
    stream = stream_of([picture(1)])
    reader = EventReader(spool, threshold=256)
    (first,) = reader.feed(stream)
    first.data.path.rename(spool.folder.parent / "stored")
    (second,) = reader.feed(stream)
    assert second == first
    assert list(spool.folder.iterdir()) == []


class Counted(bytes):
    """Bytes that count how far they are searched."""

    searched = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        end = len(self) if end is None else end
        found = super().find(sub, start, end)
        type(self).searched += (end if found < 0 else found) - start + 1
        return found


@pytest.mark.parametrize(
    "content", ["x" * 50_000, "\\n" * 25_000, '\\"' * 25_000, "\\u0041" * 8_000, '\\"\\\\x' * 10_000]
)
@pytest.mark.parametrize("end", ["", '"', '"' + "x" * 50_000])
def test_the_end_of_a_string_is_found_in_linear_time(content: str, end: str) -> None:
    piece = Counted((content + end).encode())
    Counted.searched = 0
    assert string_end(piece, 0) == (len(content), bool(end))
    assert Counted.searched < 4 * len(piece)
