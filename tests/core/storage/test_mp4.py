"""MP4 headers, whole, cut, wide and made of garbage."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2.storage.mp4 import Movie, NotMp4, parse
from ima2_kit.conformance.pictures import box, clip


def read(data: bytes) -> Movie:
    return parse(io.BytesIO(data))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("wide", [False, True])
def test_duration_and_size_are_read(version: int, *, wide: bool) -> None:
    data = clip(width=1280, height=720, seconds=6.04, version=version, wide=wide)
    assert read(data) == Movie(6.04, 1280, 720)


def test_a_real_clip_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(15):
            container.mux(stream.encode(av.VideoFrame(96, 64, "yuv420p")))
        container.mux(stream.encode())
    movie = read(path.read_bytes())
    assert (movie.width, movie.height) == (96, 64)
    assert movie.duration == pytest.approx(1.5, abs=0.11)


def test_an_unknown_duration_is_none() -> None:
    data = clip(seconds=2.5)
    known = struct.pack(">II", 1000, 2500)
    assert data.count(known) == 1
    for ticks in ((1000, 0), (1000, 2**32 - 1), (0, 2500)):
        assert read(data.replace(known, struct.pack(">II", *ticks))).duration is None


def test_the_last_box_may_reach_to_the_end() -> None:
    assert read(clip() + struct.pack(">I4s", 0, b"mdat") + b"rest").duration == 2.5


def test_every_cut_is_noticed() -> None:
    data = clip()
    whole = {len(data)}
    for end in range(len(data)):
        if end not in whole:
            try:
                movie = read(data[:end])
            except NotMp4:
                continue
            # Cut exactly between boxes, after the header: indistinguishable from a shorter file.
            assert movie == read(data)
            assert data[end + 4 : end + 8] == b"mdat"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ftyp",
        box(b"ftyp", b"isom"),
        box(b"moov"),
        box(b"ftyp", b"isom") + box(b"moov"),
        box(b"ftyp", b"heic") + clip()[28:],
        box(b"ftyp", b"isom") + struct.pack(">I4s", 4, b"moov"),
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"moov", 2**63),
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"moov", 0),
        box(b"ftyp", b"isom") + box(b"free") * 20_000,
        clip(width=0, height=0),
        clip() + b"tail",
    ],
)
def test_what_is_no_whole_movie_is_refused(data: bytes) -> None:
    with pytest.raises(NotMp4):
        read(data)


@given(st.data())
def test_no_bytes_do_harm(data: st.DataObject) -> None:
    good = bytearray(clip())
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    for candidate in (bytes(good), data.draw(st.binary()), bytes(good[8:])):
        try:
            movie = read(candidate)
        except NotMp4:
            continue
        assert movie.width > 0
        assert movie.height > 0
