"""``ima2 doctor image-probe``: one picture, and a report that can be shown to anybody."""

from __future__ import annotations

from typing import Any

WORDS = "a secret garden, probe-prompt-51c2"


def test_a_picture_that_comes(cli: Any) -> None:
    done = cli("doctor", "image-probe", "--provider", "sketch", "--size", "64x64", "--prompt", WORDS, "--json")
    assert done.code == 0, done
    report = done.json
    assert (report["ok"], report["provider"], report["count"]) == (True, "sketch", 1)
    assert report["images"][0]["width"] == 64
    assert [event["name"] for event in report["events"]][-1] == "done"
    assert all(event["at"] >= 0 for event in report["events"])
    assert len(cli.gallery) == 1, "what was made is kept"
    for private in (WORDS, "probe-prompt", str(cli.home)):
        assert private not in done.out


def test_a_picture_that_is_refused(cli: Any) -> None:
    done = cli("doctor", "image-probe", "--provider", "nobody", "--json")
    assert done.code != 0
    assert (done.json["ok"], done.json["error"]["code"]) == (False, "UNKNOWN_PROVIDER")
    done = cli("doctor", "image-probe", "--provider", "sketch", "--size", "1x1", "--prompt", WORDS, "--json")
    assert (done.code, done.json["error"]["code"], cli.gallery) == (5, "INVALID_SIZE", [])
    assert WORDS not in done.out


def test_for_eyes(cli: Any) -> None:
    done = cli("doctor", "image-probe", "--provider", "sketch", "--size", "64x64", "--prompt", WORDS)
    assert done.code == 0, done
    assert "provider: sketch" in done.out
    assert WORDS not in done.out + done.err
