"""No name leads out of the gallery."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ima2.errors import InvalidRequest
from ima2.storage.names import checked, listed, located, sidecar_of, thumbnail_of

EVIL = st.sampled_from(
    [*"./\\:~\0\r\n %*?$", "..", "//", "CON", "nul", "com1", "é", "고양이", "\u202e", "\ud800", "a", "1_ab_0.png"]
)
NAMES = st.text() | st.lists(EVIL).map("".join) | st.lists(EVIL | st.text(max_size=5), max_size=6).map("/".join)


def accepted(name: str) -> bool:
    try:
        return checked(name) == name
    except InvalidRequest as error:
        facts = (error.code, error.status, error.message.isascii())
    assert facts == ("INVALID_FILENAME", 400, True)
    return False


@given(NAMES)
@example("a/..")
@example("COM¹.png")
@example("aux .png")
def test_a_name_is_inside_on_every_system_or_refused(name: str) -> None:
    if not accepted(name):
        return
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        assert not path.is_absolute()
        assert not path.drive
        assert ".." not in path.parts
        assert path.as_posix() == name
    assert not PureWindowsPath(name).is_reserved()
    assert Path("/gallery", name).resolve() == Path("/gallery").resolve() / name
    os.fsencode(name)


@pytest.mark.parametrize(
    "name",
    [
        "1719999999999_0123abcd_0.png",
        "1719999999999_0123abcd_multimode_2.jpeg",
        "n_0123456789.webp",
        "imported-20260101120000-abcdef.jpg",
        "cards/set 1/고양이.png",
        "console.png",
        "com10.png",
        "a..b.png",
    ],
)
def test_names_of_existing_galleries_pass(name: str) -> None:
    assert checked(name) == name


def test_a_symlink_anywhere_on_the_way_is_refused(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    (gallery / "real").mkdir(parents=True)
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    try:
        (gallery / "link.png").symlink_to(secret)
        (gallery / "folder").symlink_to(tmp_path)
        (tmp_path / "moved gallery").symlink_to(gallery)
    except OSError:
        pytest.skip("no symlinks here")
    for name in ("link.png", "folder/secret.png"):
        with pytest.raises(InvalidRequest):
            located(gallery, name)
    assert located(tmp_path / "moved gallery", "real/a.png").name == "a.png"


def test_what_lies_beside_a_file() -> None:
    assert sidecar_of(Path("g/1_a.png")) == Path("g/1_a.png.json")
    assert thumbnail_of(Path("g/1_a.png")) == Path("g/1_a.thumb.jpg")
    assert thumbnail_of(Path("g/1_a.mp4")) == Path("g/1_a.mp4.thumb.jpg")
    names = ["a.png", "b/c/d.JPG", "a.thumb.jpg", "v.mp4.thumb.jpg", ".trash/1/a.png", "a.png.json", "a.txt", ".a.png"]
    assert [name for name in names if listed(PurePosixPath(name))] == ["a.png", "b/c/d.JPG"]
