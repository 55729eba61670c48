"""Where results go: ``-o``, ``-d``, ``--no-save``; decided before anything is spent."""

from __future__ import annotations

import base64
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def _is_png(path: Path) -> bool:
    return path.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("count", "out", "names"),
    [
        (1, "out.png", ["out.png"]),
        (1, "out", ["out.png"]),
        (3, "out.png", ["out-1.png", "out-2.png", "out-3.png"]),
        (2, "out", ["out-1.png", "out-2.png"]),
        (2, "{index}-{slug}.png", ["1-a-red-kite.png", "2-a-red-kite.png"]),
        (1, "v1.2.png", ["v1.2.png"]),
    ],
)
def test_out(cli: Any, count: int, out: str, names: list[str]) -> None:
    made = cli.sketch("A red kite!", "-n", str(count), "-o", out)
    assert made.code == 0, made.err
    assert made.out == "".join(f"✓ {name}\n" for name in names)
    assert all(_is_png(cli.home / name) for name in names)
    assert len(cli.gallery) == count


def test_out_as_json(cli: Any) -> None:
    image = cli.sketch("a", "-o", "out.png", "--json").json["images"][0]
    assert image["path"] == "out.png"
    assert Path(image["stored"]).read_bytes() == (cli.home / "out.png").read_bytes()


def test_pictures_come_in_the_order_asked_for(cli: Any) -> None:
    cli.sketch("a", "-n", "3", "--seed", "10", "-o", "out.png")
    singly = [cli.sketch("a", "--seed", str(10 + index), "-o", f"one-{index}.png") for index in range(3)]
    assert [each.code for each in singly] == [0, 0, 0]
    for index in range(3):
        assert (cli.home / f"out-{index + 1}.png").read_bytes() == (cli.home / f"one-{index}.png").read_bytes()


def test_folder(cli: Any) -> None:
    made = cli.sketch("a", "-n", "2", "-d", "deep/er", "--json")
    assert made.code == 0, made.err
    copies = sorted((cli.home / "deep" / "er").iterdir())
    assert [copy.name for copy in copies] == [stored.name for stored in cli.gallery]


def test_name_in_a_folder(cli: Any) -> None:
    assert cli.sketch("a", "-d", "deep", "-o", "out.png").code == 0
    assert _is_png(cli.home / "deep" / "out.png")


def test_the_gallery_itself_gets_no_second_copy(cli: Any) -> None:
    folder = cli.home / "ima2" / "generated"
    made = cli.sketch("a", "-d", str(folder))
    assert made.code == 0, made.err
    assert made.out == f"✓ {cli.gallery[0]}\n"
    assert len(cli.gallery) == 1


def test_a_suffix_that_lies_is_kept_and_said(cli: Any) -> None:
    made = cli.sketch("a", "-o", "out.jpg", "--json")
    assert made.code == 0
    assert _is_png(cli.home / "out.jpg")
    assert [each["code"] for each in made.json["warnings"] if each["code"] == "SUFFIX_MISMATCH"]
    assert "! out.jpg holds image/png" in made.err


@pytest.mark.parametrize(("name", "format_name"), [("out.jpg", "jpeg"), ("OUT.JPEG", "jpeg"), ("out.webp", "webp")])
def test_a_suffix_that_is_right_is_not_mentioned(cli: Any, name: str, format_name: str) -> None:
    made = cli.sketch("a", "-o", name, "-f", format_name)
    assert "holds" not in made.err
    with Image.open(cli.home / name) as picture:
        assert picture.format == format_name.upper()


@pytest.mark.parametrize(
    "args",
    [
        ("-o", "there.png"),
        ("-o", "there"),
        ("-o", "there-.png", "-n", "2"),
        ("-o", "folder"),
        ("-o", "missing/out.png"),
        ("-o", "there.png/out.png"),
        ("-d", "there.png"),
        ("-o", "-", "-n", "2"),
        ("-o", "-", "--json"),
        ("-o", "-", "-d", "folder"),
        ("--no-save", "-o", "out.png"),
        ("--no-save", "-d", "folder"),
        ("-o", "x" * 300 + ".png"),
    ],
)
def test_impossible_outputs_cost_nothing(cli: Any, args: tuple[str, ...]) -> None:
    (cli.home / "there.png").write_bytes(b"mine")
    (cli.home / "there--2.png").write_bytes(b"mine")
    (cli.home / "folder").mkdir()
    refused = cli.sketch("a", *args)
    assert refused.code == 2, refused
    assert refused.err.startswith("✗ ")
    assert (cli.home / "there.png").read_bytes() == b"mine"
    assert not (cli.home / "ima2").exists()
    assert list((cli.home / "folder").iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(cli: Any) -> None:
    (cli.home / "locked").mkdir(mode=0o500)
    assert cli.sketch("a", "-o", "locked/out.png", "--json").json["code"] == "INVALID_OUTPUT"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_takes_no_files(cli: Any) -> None:
    refused = cli.sketch("a", "-o", "/proc/self/out.png", "--json")
    assert (refused.json["code"], refused.code) == ("INVALID_OUTPUT", 2)
    assert cli.gallery == []


def test_force_replaces(cli: Any) -> None:
    (cli.home / "there.png").write_bytes(b"mine")
    assert cli.sketch("a", "-o", "there.png", "--force").code == 0
    assert _is_png(cli.home / "there.png")


def test_a_file_that_appears_meanwhile_is_left_alone(cli: Any) -> None:
    process = cli.start("gen", "a", "--provider", "sketch", "--delay", "3", "-o", "late.png", "--json", "--verbose")
    while b"phase: generate" not in process.stderr.readline():
        pass
    (cli.home / "late.png").write_bytes(b"mine")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b'"INVALID_OUTPUT"' in out
    assert (cli.home / "late.png").read_bytes() == b"mine"
    assert str(cli.gallery[0]).encode() in err
    assert [path.name for path in cli.home.iterdir() if path.name.endswith(".part")] == []


def test_one_name_for_many_is_given_once(cli: Any) -> None:
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda number: cli.sketch(f"kite {number}", "-o", "out.png"), range(6)))
    assert sorted(outcome.code for outcome in outcomes) == [0, 2, 2, 2, 2, 2]
    winner = next(index for index, outcome in enumerate(outcomes) if outcome.code == 0)
    again = cli.sketch(f"kite {winner}", "-o", "again.png")
    assert again.code == 0
    assert (cli.home / "out.png").read_bytes() == (cli.home / "again.png").read_bytes()


def test_bytes_on_stdout(cli: Any) -> None:
    made = cli.sketch("a", "-o", "-")
    assert made.code == 0
    assert made.out_bytes == cli.gallery[0].read_bytes()


def test_data_urls(cli: Any) -> None:
    made = cli.sketch("a", "-n", "2", "--no-save")
    assert made.code == 0
    decoded = [base64.b64decode(line.removeprefix("data:image/png;base64,")) for line in made.out.splitlines()]
    assert sorted(decoded) == sorted(path.read_bytes() for path in cli.gallery)
    image = cli.sketch("a", "--no-save", "--json").json["images"][0]
    assert image["image"].startswith("data:image/png;base64,")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_no_bytes(cli: Any) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = cli.start("gen", "a", "--provider", "sketch", "-o", "-", stdout=theirs)
    _, err = process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 2
    assert b"terminal" in err
    assert not (cli.home / "ima2").exists()
