"""``ls``, ``show``, ``history``, ``metadata``, ``open``, ``doctor``, ``repair``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


def test_an_empty_gallery(cli: Any) -> None:
    assert "ima2 generate" in cli("ls").out
    assert cli("ls", "--json").json == {"items": [], "total": 0, "nextCursor": None}


def test_ls(cli: Any) -> None:
    for number in range(3):
        cli.sketch(f"kite {number}", "--session", f"s{number % 2}")
    assert [item["prompt"] for item in cli("ls", "--json").json["items"]] == ["kite 2", "kite 1", "kite 0"]
    assert len(cli("ls", "-n", "2", "--json").json["items"]) == 2
    assert [item["prompt"] for item in cli("ls", "--session", "s1", "--json").json["items"]] == ["kite 1"]
    assert cli("ls").out.count("\n") == 3


def test_favorites(cli: Any) -> None:
    first, second = (Path(cli.sketch(f"kite {n}", "--json").json["images"][0]["filename"]).name for n in range(2))
    assert cli("history", "favorite", second).out == f"✓ {second} marked\n"
    assert [item["filename"] for item in cli("ls", "--favorites", "--json").json["items"]] == [second]
    assert cli("history", "favorite", second).out == f"✓ {second} unmarked\n"
    assert cli("ls", "--favorites", "--json").json["items"] == []
    assert "Nothing is marked" in cli("ls", "--favorites").out
    assert "belongs to that session" in cli("ls", "--session", "none").out
    assert cli("history", "favorite", "nothing.png", "--json").json["code"] == "ASSET_NOT_FOUND"
    assert first


def test_show(cli: Any) -> None:
    image = cli.sketch("kite", "--json").json
    name = image["images"][0]["filename"]
    for wanted in (name, image["requestId"]):
        shown = cli("show", wanted, "--json").json
        assert (shown["filename"], shown["prompt"], shown["path"]) == (name, "kite", str(cli.gallery[0]))
    assert "kite" in cli("show", name).out
    assert cli("show", name, "--metadata", "--json").json["metadata"]["userPrompt"] == "kite"
    missing = cli("show", "nothing.png", "--json")
    assert (missing.json["code"], missing.code) == ("ASSET_NOT_FOUND", 1)


def test_remove_and_restore(cli: Any) -> None:
    name = cli.sketch("kite", "--json").json["images"][0]["filename"]
    trash_id = cli("history", "rm", name, "--json").json["trashId"]
    assert cli.gallery == []
    assert cli("ls", "--json").json["items"] == []
    assert cli("history", "rm", name, "--json").json["code"] == "ASSET_NOT_FOUND"
    assert cli("history", "restore", name, "--trash-id", "nonsense", "--json").code == 5
    assert cli("history", "restore", name, "--trash-id", trash_id, "--json").json["ok"] is True
    assert [path.name for path in cli.gallery] == [name]
    assert cli("history", "rm", name, "--permanent").code == 0
    assert cli.gallery == []


def test_metadata(cli: Any) -> None:
    stored = Path(cli.sketch("kite", "--json").json["images"][0]["path"])
    said = cli("metadata", str(stored), "--json").json
    assert (said["source"], said["metadata"]["userPrompt"]) == ("sidecar", "kite")
    bare = cli.home / "bare.png"
    shutil.copyfile(stored, bare)
    assert cli("metadata", "bare.png", "--json").json["metadata"] is None
    assert cli("metadata", "bare.png").code == 5
    (cli.home / "words.txt").write_text("no picture")
    assert cli("metadata", "words.txt", "--json").json["code"] == "IMAGE_METADATA_UNSUPPORTED_FORMAT"
    assert cli("metadata", "missing.png").code == 2


def test_doctor(cli: Any) -> None:
    env = {"IMA2_DISABLE_PLUGINS": "api,oauth,grok"}
    sound = cli("doctor", "--json", env=env)
    assert sound.code == 0, sound.out
    assert sound.json["ok"] is True
    (cli.home / "ima2" / "ima2.db").write_bytes(b"broken" * 1000)
    assert cli("doctor", "--json", env=env).code != 0


def test_repair(cli: Any) -> None:
    cli.sketch("kite")
    name = cli.gallery[0].name
    for leftover in (cli.home / "ima2").glob("ima2.db*"):
        leftover.unlink()
    assert cli("ls", "--json").json["items"] == []
    assert cli("repair", "--json").json["indexed"] == [name]
    assert cli("ls", "--json").json["items"][0]["prompt"] == "kite"


def test_repair_waits_for_nobody(cli: Any, serve: Any) -> None:
    with serve():
        refused = cli("repair", "--json")
    assert (refused.json["code"], refused.code) == ("IN_USE", 5)
    assert cli("repair").code == 0


def test_repair_beside_a_job(cli: Any) -> None:
    process = cli.start("gen", "kite", "--provider", "sketch", "--delay", "4", "--verbose")
    while b"phase: generate" not in process.stderr.readline():
        pass
    assert cli("repair", "--json").json["code"] == "IN_USE"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_open(cli: Any, tmp_path: Path, serve: Any) -> None:
    opened = tmp_path / "opened"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("xdg-open", "www-browser"):
        (programs / name).write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
        (programs / name).chmod(0o755)
    env = {"PATH": f"{programs}:/usr/bin:/bin", "BROWSER": str(programs / "www-browser")}
    stored = cli.sketch("kite", "--json").json["images"][0]
    assert cli("open", stored["filename"], env=env).code == 0
    assert cli("show", stored["filename"], "--reveal", env=env).code == 0
    assert cli("open", "nothing.png", "--json").code == 2
    assert cli("open", "nothing.png").code == 5
    assert cli("open", env=env).code == 3
    with serve() as url:
        assert cli("open", env=env).out == f"{url}\n"
    assert opened.read_text().splitlines() == [stored["path"], str(Path(stored["path"]).parent), url]


@pytest.mark.parametrize("folder", ["generated", "data"])
def test_a_house_that_can_not_be_written(cli: Any, folder: str) -> None:
    (cli.home / "ima2").write_text("a file where the folder should be")
    refused = cli.sketch("kite", "--json")
    assert refused.code not in (0, 130)
    assert refused.json["ok"] is False
    assert json.dumps(refused.json)
    assert folder


def test_an_exported_copy_carries_its_settings(cli: Any) -> None:
    cli.sketch("a kite over the sea")
    stored = cli.gallery[0]
    before = stored.read_bytes()
    assert cli("export", stored.name, "copy.png").code == 0
    carried = cli("metadata", "copy.png", "--json").json
    assert (carried["source"], carried["metadata"]["prompt"]) == ("xmp", "a kite over the sea")
    assert stored.read_bytes() == before
    assert (cli.home / "copy.png").read_bytes() != before
    assert cli("export", stored.name, "copy.png", "--json").json["code"] == "INVALID_OUTPUT"
    assert cli("export", "nothing.png", "other.png", "--json").json["code"] == "ASSET_NOT_FOUND"
    assert not (cli.home / "other.png").exists()
