"""The rules of the event stream and what is done to JSON, at every place a chunk may be cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ima2.errors import UpstreamError
from ima2.upstream.spool import SpoolFolder
from ima2.upstream.sse import EventReader, ServerEvent

Read = Callable[..., list[ServerEvent]]

TRANSCRIPT = (
    b"\xef\xbb\xbf: hello\r\n"
    b"event: first\r\n"
    b"id: 7\r\n"
    b'data: {"a": "x\\ud83d\\ude00\\n", "b": "\xc3\xa9\xe2\x80\xa8\xc2\x85"}\r\n\r\n'
    b"retry: 10\r"
    b"data:[1,\r"
    b"data:2]\r\r"
    b"event: pretty\n"
    b"data: {\n"
    b'  "k": "v",\n'
    b'  "event": 3\n'
    b"}\n\n"
    b"data\n\n"
    b"nonsense\n"
    b'data: "last"'
)
EXPECTED = [
    ServerEvent("first", "7", {"a": "x\U0001f600\n", "b": "é\u2028\x85"}),
    ServerEvent(None, None, [1, 2]),
    ServerEvent("pretty", None, {"k": "v", "event": 3}),
    ServerEvent(None, None, "last"),
]


def test_a_transcript_cut_once_at_every_place(spool: SpoolFolder, read: Read) -> None:
    for cut in range(len(TRANSCRIPT) + 1):
        assert read([TRANSCRIPT[:cut], TRANSCRIPT[cut:]], spool) == EXPECTED, cut


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_transcript_in_small_pieces(spool: SpoolFolder, read: Read, step: int) -> None:
    chunks = [TRANSCRIPT[at : at + step] for at in range(0, len(TRANSCRIPT), step)]
    assert read(chunks, spool) == EXPECTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end(spool: SpoolFolder, read: Read, end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"", b"event: b", b"data: 2", b"", b""])
    for cut in range(len(stream)):
        assert read([stream[:cut], b"", stream[cut:]], spool) == [ServerEvent("a", None, 1), ServerEvent("b", None, 2)]


def test_a_bare_cr_ends_the_event_without_waiting(spool: SpoolFolder) -> None:
    reader = EventReader(spool)
    assert list(reader.feed(b"data: 1\r\r")) == [ServerEvent(None, None, 1)]
    assert list(reader.feed(b"\ndata: 2\n\n")) == [ServerEvent(None, None, 2)]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data:1\n\n", [1]),
        (b"data:  1\n\n", [1]),
        (b"data: 1\n", [1]),
        (b"data: 1", [1]),
        (b"data: 1\n\n\n\n\ndata: 2\n\n", [1, 2]),
        (b"", []),
        (b"\n\n\n", []),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\n\ndata: 1\n\n", [1]),
        (b": ping\n\n: ping\n\n", []),
        (b"event: heartbeat\n\n", []),
        (b"data\n\ndata:\n\ndata: \n\n", []),
        (b"data: 1\n\ndata: [DONE]\n\ndata: not json\n\n", [1]),
        (b"data:[DONE]", []),
        (b"data: 1\n\nevent: done\ndata: [DONE]\r\n\r\n", [1]),
        (b"foo: bar\nid\nevent\nretry: 3\ndata: 1\nfoo: bar\n\n", [1]),
        (b"foo: bar\n\ndata: 1\n\n", [1]),
        (b"datax: 2\ndata: 1\nDATA: 3\n\n", [1]),
        (b'data: {"a":\nunknown: 1\ndata: 2}\n\n', [{"a": 2}]),
        (b'data: {\n"a": [\n\n', None),
        (b'data: {"a": "\\u0022\\\\"}\n\n', [{"a": '"\\'}]),
        (b"data: 12345678901234567890\n\n", [12345678901234567890]),
        (b'data: "\xff"\n\n', ["�"]),
        (b'data: "\\ud83d"\n\n', ["�"]),
        (b'data: ["\\ude00\\ud83d", "\\ud83dx"]\n\n', [["��", "�x"]]),
    ],
)
def test_rules(spool: SpoolFolder, read: Read, stream: bytes, data: list[Any] | None) -> None:
    for threshold in (64 * 1024, 10_000):
        if data is None:
            with pytest.raises(UpstreamError, match="no JSON"):
                read([stream], spool, threshold=threshold)
        else:
            assert [event.data for event in read([stream], spool, threshold=threshold)] == data


def test_fields_belong_to_their_own_event(spool: SpoolFolder, read: Read) -> None:
    stream = b"event: a\nid: 1\ndata: 1\n\ndata: 2\n\nevent: lost\n\nevent: \xc3\xbc\ndata: 3\n\n"
    assert read([stream], spool) == [
        ServerEvent("a", "1", 1),
        ServerEvent(None, None, 2),
        ServerEvent("ü", None, 3),
    ]


def test_a_name_longer_than_a_piece(spool: SpoolFolder, read: Read) -> None:
    name = "n" * 200_000
    assert read([f"event: {name}\ndata: 1\n\n".encode()], spool) == [ServerEvent(name, None, 1)]


def test_continuation_lines_are_used_only_when_they_are_needed(spool: SpoolFolder, read: Read) -> None:
    long = "x!" * 50
    stream = f'data: {{"a": "{long}"\n  , "b": "{long}"}}\n\ndata: 1\n  , 2\n\n'.encode()
    first, second = read([stream], spool, threshold=16)
    assert first.data["a"].path.read_text() == first.data["b"].path.read_text() == long
    assert second.data == 1


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b'{"a": 1}}',
        b"<html>",
        b'"unterminated',
        b'"\\x"',
        b'"\\u12g4"',
        b'"tab\t"',
        b"NaN",
        b"[Infinity]",
        b"1" * 5000,
        b"[" * 200_000,
        b'{"":' * 100_000 + b"1" + b"}" * 100_000,
        b'"line\ndata: break"',
        b'"\\',
        b"null null",
    ],
)
@pytest.mark.parametrize("threshold", [0, 3, 64 * 1024])
def test_what_is_no_json_is_a_coded_error(spool: SpoolFolder, read: Read, data: bytes, threshold: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        read([b"data: " + data + b"\n\n"], spool, threshold=threshold)
    assert (caught.value.code, caught.value.status, caught.value.paid) == ("STREAM_PARSE_FAILED", 422, "maybe")


def test_events_before_a_bad_one_are_delivered(spool: SpoolFolder) -> None:
    reading = EventReader(spool).feed(b"data: 1\n\ndata: {\n\n")
    assert next(reading).data == 1
    with pytest.raises(UpstreamError):
        next(reading)


@pytest.mark.parametrize("step", [1, 1000, 10**6])
def test_an_event_at_the_limit_passes_and_one_byte_more_does_not(spool: SpoolFolder, read: Read, step: int) -> None:
    stream = b'data: "' + b"x" * 992 + b'"\n\n'

    def chunks() -> list[bytes]:
        return [stream[at : at + step] for at in range(0, len(stream), step)]

    assert len(read(chunks() * 3, spool, max_event=1000)) == 3
    with pytest.raises(UpstreamError) as caught:
        read(chunks(), spool, max_event=999)
    assert caught.value.code == "STREAM_TOO_LARGE"


@pytest.mark.parametrize("line", [b"x", b"event: x", b": x", b"data: 1,"])
def test_an_endless_event_of_any_field_is_stopped(spool: SpoolFolder, line: bytes) -> None:
    reader = EventReader(spool, max_event=10_000)

    def feed() -> None:
        for _ in range(20_000):
            list(reader.feed(line))

    with pytest.raises(UpstreamError, match="more than 10000 bytes"):
        feed()


def test_what_came_whole_before_the_stream_broke_is_named(spool: SpoolFolder, read: Read) -> None:
    stream = b'data: {"result": "' + b"QUJD" * 100 + b'", "rest": "' + b"QUJE" * 100
    with pytest.raises(UpstreamError) as caught:
        read([stream], spool, threshold=64)
    (kept,) = caught.value.kept
    assert [str(path) for path in spool.folder.iterdir()] == [kept]


def test_a_reader_left_half_way_leaves_no_torn_file(spool: SpoolFolder) -> None:
    reader = EventReader(spool, threshold=64)
    list(reader.feed(b'data: "' + b"QUJD" * 100))
    assert len(list(spool.folder.iterdir())) == 1
    reader.close()
    assert list(spool.folder.iterdir()) == []


def test_a_document(spool: SpoolFolder, read_document: Callable[..., Any]) -> None:
    body = json.dumps({"data": [{"b64_json": "QUJD" * 100, "n": 1}], "é": "\U0001f600"}, indent=1).encode()
    for step in (1, 5, len(body)):
        chunks = [body[at : at + step] for at in range(0, len(body), step)]
        value = read_document(chunks, spool, threshold=64)
        assert value["data"][0]["b64_json"].path.read_bytes() == b"ABC" * 100
        assert value["é"] == "\U0001f600"


@pytest.mark.parametrize("body", [b"", b"{", b"<html>oops</html>", b'"a\nb"', b"{} {}"])
def test_a_bad_document(spool: SpoolFolder, read_document: Callable[..., Any], body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        read_document([body], spool, threshold=1)
    assert caught.value.code == "STREAM_PARSE_FAILED"


def test_a_document_that_is_too_large(spool: SpoolFolder, read_document: Callable[..., Any]) -> None:
    with pytest.raises(UpstreamError) as caught:
        read_document([b'"' + b"x" * 100 + b'"'], spool, max_size=101)
    assert caught.value.code == "STREAM_TOO_LARGE"
