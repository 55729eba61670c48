"""``ima2 gen`` and ``ima2 edit`` without a server."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def test_says_where_the_picture_is(cli: Any) -> None:
    made = cli.sketch("a red kite")
    assert made.code == 0, made.err
    assert made.out == f"✓ {cli.gallery[0]}\n"
    assert cli.gallery[0].read_bytes().startswith(PNG)


def test_json(cli: Any) -> None:
    answer = cli.sketch("연", "-n", "2", "--json").json
    assert answer["ok"] is True
    assert re.fullmatch(r"req_cli_gen_[0-9a-z]{26}", answer["requestId"])
    assert (answer["provider"], answer["requestedProvider"], answer["model"]) == ("sketch", "sketch", "sketch-1")
    assert answer["resolution"]["reason"]
    assert (answer["count"], answer["requested"]) == (2, 2)
    assert isinstance(answer["elapsed"], float)
    assert isinstance(answer["warnings"], list)
    assert [Path(each["path"]).name for each in answer["images"]] == [each["filename"] for each in answer["images"]]
    for image in answer["images"]:
        data = Path(image["path"]).read_bytes()
        assert image["sha256"] == hashlib.sha256(data).hexdigest()
        assert (image["width"], image["height"], image["bytes"]) == (64, 64, len(data))
    assert len({each["sha256"] for each in answer["images"]}) == 2


def test_flags_reach_the_provider(cli: Any) -> None:
    answer = cli.sketch("a", "-f", "jpeg", "--compression", "40", "--seed", "7", "--session", "s1", "--json").json
    assert answer["images"][0]["mediaType"] == "image/jpeg"
    shown = cli("show", answer["images"][0]["filename"], "--json").json
    assert (shown["seed"], shown["sessionId"]) == (7, "s1")


@pytest.mark.parametrize(
    ("args", "code", "exit_code"),
    [
        (("--provider", "nobody"), "UNKNOWN_PROVIDER", 5),
        (("--model", "nothing"), "UNKNOWN_MODEL", 5),
        (("--size", "99999x1"), "INVALID_SIZE", 5),
        (("--format", "gif"), "INVALID_FORMAT", 5),
        (("--moderation", "off"), "INVALID_MODERATION", 5),
        (("--delay", "-1"), "INVALID_SETTING", 5),
        (("--fail", "refuse"), "MODERATION_REFUSED", 7),
        (("--fail", "before"), "SKETCH_FAILED", 6),
        (("--fail", "empty"), "EMPTY_RESPONSE", 5),
        (("--fail", "hang", "--timeout", "1"), "GENERATION_TIMEOUT", 8),
        (("--server", "http://127.0.0.1:1"), "SERVER_UNREACHABLE", 3),
        (("--server", "ftp://example"), "SERVER_URL_INVALID", 2),
        (("--server", "http://user:pw@127.0.0.1:1"), "SERVER_URL_INVALID", 2),
        (("--ref", "missing.png"), "REF_NOT_A_FILE", 2),
        (("--ref", "."), "REF_NOT_A_FILE", 2),
        (("--ref", "-"), "REF_EMPTY", 2),
        (("--ref", "-", "--ref", "-"), "INVALID_USAGE", 2),
        (("--preview", "always"), "PREVIEW_UNAVAILABLE", 2),
    ],
)
def test_failures(cli: Any, args: tuple[str, ...], code: str, exit_code: int) -> None:
    failed = cli.sketch("a", "--json", *args)
    assert (failed.json["code"], failed.code) == (code, exit_code), failed
    assert failed.json["ok"] is False
    assert failed.json["error"]
    assert isinstance(failed.json["status"], int)
    assert f"✗ {failed.json['error']}\n" in failed.err
    if hint := failed.json.get("hint"):
        assert f"Hint: {hint}\n" in failed.err
    assert cli.gallery == []


def test_nothing_is_ready(cli: Any) -> None:
    failed = cli("gen", "a", "--json", env={"IMA2_PLUGINS": "off"})
    assert (failed.json["code"], failed.code) == ("NO_PROVIDER_READY", 4)


def test_a_failed_job_names_itself(cli: Any) -> None:
    failed = cli.sketch("a", "--fail", "before", "--json").json
    assert cli("jobs", "show", failed["requestId"], "--json").json["state"] == "failed"


@pytest.mark.parametrize("how", [(), ("--stdin",), ("-",)])
def test_prompt_from_stdin(cli: Any, how: tuple[str, ...]) -> None:
    made = cli("gen", *how, "--provider", "sketch", "--size", "64x64", "--json", stdin="a red kite 🪁\n".encode())
    shown = cli("show", made.json["requestId"], "--json").json
    assert shown["prompt"] == "a red kite 🪁"


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        ((), b"", "INVALID_PROMPT"),
        ((), None, "INVALID_PROMPT"),
        (("--stdin",), b" \n ", "INVALID_PROMPT"),
        (("",), b"", "INVALID_PROMPT"),
        (("--stdin", "words"), b"more", "INVALID_PROMPT"),
        (("-",), b"\xff\xfe\x00", "INVALID_PROMPT"),
        (("-", "--ref", "-"), b"a", "INVALID_PROMPT"),
        (("-",), b"a" * 32_001, "PROMPT_TOO_LONG"),
        (("-",), "연".encode() * 32_001, "PROMPT_TOO_LONG"),
        (("-",), b"a" * 5_000_000, "PROMPT_TOO_LONG"),
    ],
)
def test_bad_prompts(cli: Any, words: tuple[str, ...], stdin: bytes | None, code: str) -> None:
    refused = cli("gen", *words, "--provider", "sketch", "--json", stdin=stdin)
    assert (refused.json["code"], refused.code) == (code, 2)
    assert not (cli.home / "ima2").exists()


def test_the_longest_prompt(cli: Any) -> None:
    assert cli("gen", "-", "--provider", "sketch", "--size", "64x64", stdin="연".encode() * 32_000).code == 0


def test_one_limit_for_prompts() -> None:
    from ima2.cli.prompt import MAX_CHARACTERS
    from ima2.models.request import MAX_PROMPT

    assert MAX_CHARACTERS == MAX_PROMPT


def test_dry_run_sends_nothing(cli: Any) -> None:
    planned = cli.sketch("a", "-n", "3", "--dry-run", "--fail", "before", "-d", "new/folder", "--json")
    assert planned.code == 0
    assert planned.json["ok"] is True
    assert planned.json["dryRun"] is True
    assert planned.json["steps"][0]["count"] == 3
    assert planned.json["request"]["options"]["fail"] == "before"
    assert cli.gallery == []
    assert not (cli.home / "new").exists()
    assert cli("jobs", "ls", "--json").json == {"jobs": []}


def test_dry_run_refuses_what_the_job_would(cli: Any) -> None:
    (cli.home / "there.png").write_bytes(b"x")
    assert cli.sketch("a", "--dry-run", "--size", "1x1").code == 5
    assert cli.sketch("a", "--dry-run", "-o", "there.png").code == 2


def test_references(cli: Any) -> None:
    for name, colour in (("a.png", "red"), ("b.jpg", "blue")):
        Image.new("RGB", (32, 32), colour).save(cli.home / name)
    made = cli.sketch(
        "a", "--ref", "a.png", "--ref", "b.jpg", "--ref", "-", "--json", stdin=(cli.home / "a.png").read_bytes()
    )
    assert made.code == 0, made.err
    assert cli("show", made.json["requestId"], "--json").json["refsCount"] == 3


def test_a_reference_that_is_no_picture(cli: Any) -> None:
    (cli.home / "a.png").write_bytes(b"GIF89a nonsense")
    refused = cli.sketch("a", "--ref", "a.png", "--json")
    assert refused.json["code"].startswith("REF_")
    assert refused.code == 5


def test_too_many_references(cli: Any) -> None:
    Image.new("RGB", (8, 8)).save(cli.home / "a.png")
    refused = cli.sketch("a", *(["--ref", "a.png"] * 6), "--json")
    assert (refused.json["code"], refused.code) == ("REF_TOO_MANY", 5)


def test_edit(cli: Any) -> None:
    Image.new("RGB", (80, 64), "red").save(cli.home / "a.png")
    made = cli("edit", "a.png", "-p", "make it blue", "--provider", "sketch", "--json")
    assert made.code == 0, made.err
    assert made.json["path"] == str(cli.gallery[0])
    assert re.fullmatch(r"req_cli_edit_[0-9a-z]{26}", made.json["requestId"])
    with Image.open(cli.gallery[0]) as picture:
        assert picture.size == (80, 64)


def test_edit_with_a_mask(cli: Any) -> None:
    Image.new("RGB", (64, 64), "red").save(cli.home / "a.png")
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(cli.home / "mask.png")
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(cli.home / "small.png")
    line = ("edit", "a.png", "-p", "blue", "--provider", "sketch", "--json")
    assert cli(*line, "--mask", "mask.png").code == 0
    refused = cli(*line, "--mask", "small.png")
    assert (refused.json["code"], refused.code) == ("EDIT_MASK_DIMENSION_MISMATCH", 5)


def test_hostile_words_are_printed_escaped(cli: Any) -> None:
    hostile = "kite \x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202egnp.exe"
    made = cli.sketch(hostile, "--json")
    assert made.code == 0, made.err
    request_id = made.json["requestId"]
    for line in (("ls",), ("ls", "--json"), ("show", request_id), ("jobs", "show", request_id), ("jobs", "ls")):
        shown = cli(*line)
        assert shown.code == 0
        assert not set("\x1b\x07\x9b\u202e") & set(shown.out + shown.err)
        assert "kite" in shown.out
    refused = cli("show", hostile)
    assert r"\x1b]52" in refused.err
    assert "\x1b" not in refused.err


def test_no_colour_without_a_terminal(cli: Any) -> None:
    assert "\x1b" not in cli.sketch("a").out
    assert "\x1b[" in cli.sketch("a", env={"FORCE_COLOR": "1"}).out
    assert "\x1b" not in cli.sketch("a", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out


def test_verbose_tells_phases(cli: Any) -> None:
    assert "phase: generate\n" in cli.sketch("a", "--verbose").err
    assert "phase:" not in cli.sketch("a").err


def test_each_warning_once(cli: Any) -> None:
    made = cli.sketch("a", "--background", "transparent", "-n", "3", "--json")
    text = next(each["message"] for each in made.json["warnings"] if each.get("field") == "background")
    assert made.err.count(f"! {text}\n") == 1


def test_settings_of_the_environment_count(cli: Any) -> None:
    answer = cli("gen", "a", "--provider", "sketch", "--json", env={"IMA2_SKETCH_SIZE": "96x64"}).json
    assert answer["size"] == "96x64"


def test_twenty_at_once(cli: Any) -> None:
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda number: cli.sketch(f"kite {number}", "--json"), range(20)))
    assert [outcome.code for outcome in outcomes] == [0] * 20, [outcome.err for outcome in outcomes if outcome.code]
    assert len({outcome.json["requestId"] for outcome in outcomes}) == 20
    assert len(cli.gallery) == 20
    listed = cli("ls", "--json").json
    assert {item["prompt"] for item in listed["items"]} == {f"kite {number}" for number in range(20)}
    assert json.loads(cli.gallery[0].with_name(f"{cli.gallery[0].name}.json").read_text())["requestId"]
