from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ima2_grok.video.container import is_mp4
from ima2_kit.conformance.pictures import box, clip

MP4 = clip()


def judged(folder: Path, data: bytes) -> bool:
    path = folder / "clip.mp4"
    path.write_bytes(data)
    return is_mp4(path)


@pytest.mark.parametrize(
    "data",
    [
        MP4,
        clip(version=1, wide=True),
        MP4 + struct.pack(">I4s", 0, b"mdat") + bytes(9),
        MP4 + b"\0",
        MP4 + bytes(64),
        MP4 + b"\xff" * 64,
    ],
)
def test_whole(tmp_path: Path, data: bytes) -> None:
    assert judged(tmp_path, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><html>",
        b"\x1a\x45\xdf\xa3" + bytes(60),
        MP4 + struct.pack(">I4s", 64, b"mdat") + bytes(9),
        box(b"moov") + box(b"mdat") + box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"heic") + box(b"moov") + box(b"mdat"),
        box(b"ftyp", b"isom") + struct.pack(">I4s", 3, b"moov"),
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"moov", 2**63),
        box(b"ftyp", b"isom") + box(b"moov"),
        box(b"ftyp", b"isom") + box(b"free") * 20_000 + box(b"moov") + box(b"mdat"),
    ],
)
def test_none(tmp_path: Path, data: bytes) -> None:
    assert not judged(tmp_path, data)


def test_cut_anywhere(tmp_path: Path) -> None:
    assert not any(judged(tmp_path, MP4[:end]) for end in range(len(MP4)))


@given(st.binary(max_size=64))
def test_any_bytes_are_safe(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    judged(tmp_path_factory.mktemp("any"), MP4[:40] + data)
