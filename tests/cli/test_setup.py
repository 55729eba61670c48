"""``setup`` offers what the installed providers offer; ``quota`` tells what they know."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

PLUGIN = """
from ima2.errors import AuthFailed, UpstreamError
from ima2.hookspecs import Ask, ProviderInfo, QuotaWindow, SignedIn, Status, hookimpl


class Session:
    def __init__(self, context):
        self.context = context

    async def answer(self, text):
        self.given = text

    async def aclose(self):
        pass

    async def __aiter__(self):
        yield Ask("Word of NAME")
        if self.given == "wrong":
            raise AuthFailed("NAME does not know this word.", code="AUTH_FAILED")
        self.context.credentials.write({"word": self.given})
        yield SignedIn(account="me at NAME", plan="pro")


class Auth:
    methods = ("paste",)

    def __init__(self, context):
        self.context = context

    def login(self, method):
        return Session(self.context)

    async def logout(self):
        self.context.credentials.delete()


@hookimpl
def ima2_provider():
    return ProviderInfo(id="NAME", title="TITLE", billing="BILLING", notice="Mind NAME." or None, alias="old-NAME")


@hookimpl
def ima2_auth(context):
    return Auth(context)


@hookimpl
async def ima2_status(context):
    word = context.credentials.read().get("word")
    windows = (QuotaWindow("1 d", 50.0),) if word else ()
    return Status(ready=bool(word), why="" if word else "nobody is signed in", plan="pro", quota=windows)


@hookimpl
async def ima2_quota(context):
    match context.credentials.read()["word"]:
        case "broken":
            raise UpstreamError("NAME does not say.", code="QUOTA_UNAVAILABLE", hint="wait")
        case "odd":
            return ["x"]
        case "silent":
            return None
    return [QuotaWindow("5 h", 95.5, AT), QuotaWindow("7 d", 100.0), QuotaWindow("30 d", 3)]
"""
PROVIDERS = (("zeta", "Zeta Plan", "subscription"), ("acme", "Acme Key", "metered"))
AT = int(time.time()) + 7200


@pytest.fixture
def two(tmp_path: Path) -> Mapping[str, str]:
    """A plan and a key, by plugins that the core knows nothing of."""
    site = tmp_path / "site"
    for name, title, billing in PROVIDERS:
        facts = site / f"{name}-1.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[ima2]\n{name} = {name}_plugin\n")
        source = PLUGIN.replace("NAME", name).replace("TITLE", title).replace("BILLING", billing)
        (site / f"{name}_plugin.py").write_text(source.replace("AT)", f"{AT})"))
    return {"PYTHONPATH": str(site), "IMA2_DISABLE_PLUGINS": "api,oauth,grok,sketch"}


def word_of(cli: Any, name: str) -> str | None:
    path = cli.home / "ima2" / "credentials" / f"{name}.json"
    return json.loads(path.read_text())["word"] if path.exists() else None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"1\nw1\n", ("w1", None)),
        (b"2\nw2\n", (None, "w2")),
        (b"1,2\nw1\nw2\n", ("w1", "w2")),
        (b" 2 , 1\nw2\nw1\n", ("w1", "w2")),
        (b"1,1\nw1\nw2\n", ("w1", None)),
        (b"0\n", (None, None)),
    ],
)
def test_what_is_chosen_is_signed_in_to(cli: Any, two: Any, given: bytes, words: tuple[str | None, str | None]) -> None:
    done = cli("setup", stdin=given, env=two)
    assert done.code == 0, done.err
    assert (word_of(cli, "zeta"), word_of(cli, "acme")) == words
    assert "ima2 generate" in done.out


def test_what_is_offered_says_who_pays_and_what_to_mind(cli: Any, two: Any) -> None:
    """Plans come first, whatever their names."""
    lines = cli("setup", stdin=b"0\n", env=two).err.splitlines()
    assert lines[:4] == [
        "1  Zeta Plan: the plan you have · nobody is signed in",
        "   Mind zeta.",
        "2  Acme Key: an API key, charged by use · nobody is signed in",
        "   Mind acme.",
    ]


def test_names_need_no_question(cli: Any, two: Any) -> None:
    done = cli("setup", "acme", stdin=b"w2\n", env=two)
    assert (done.code, word_of(cli, "acme")) == (0, "w2"), done.err
    assert "Mind acme." in done.err


@pytest.mark.parametrize(
    ("args", "given", "exit_code"),
    [((), b"3\n", 2), ((), b"x\n", 2), ((), b"", 2), ((), b"1,0\n", 2), (("nobody",), b"", 5)],
)
def test_what_is_no_choice_changes_nothing(cli: Any, two: Any, args: Any, given: bytes, exit_code: int) -> None:
    assert cli("setup", *args, stdin=given, env=two).code == exit_code
    assert (word_of(cli, "zeta"), word_of(cli, "acme")) == (None, None)


def test_one_failure_does_not_keep_from_the_other(cli: Any, two: Any) -> None:
    done = cli("setup", stdin=b"1,2\nwrong\nw2\n", env=two)
    assert done.code == 4
    assert "zeta does not know this word" in done.err
    assert word_of(cli, "acme") == "w2"


def test_nothing_to_set_up(cli: Any) -> None:
    done = cli("setup", env={"IMA2_DISABLE_PLUGINS": "api,oauth,grok"})
    assert done.code == 5
    assert "ima2 providers" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_at_a_terminal_enter_takes_the_first_that_is_not_ready(cli: Any, two: Any) -> None:
    import pty

    cli("setup", "zeta", stdin=b"w1\n", env=two)
    ours, theirs = pty.openpty()
    process = cli.start("setup", env=two, stdin=theirs, stderr=theirs, start_new_session=True)
    for awaited, typed in ((b"Which?", b"\n"), (b"Word of acme", b"typed\n")):
        seen = b""
        while awaited not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, typed)
    process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert (process.returncode, word_of(cli, "acme")) == (0, "typed")


def quota(cli: Any, two: Any, word: str, *args: str) -> Any:
    cli("setup", "zeta", stdin=word.encode() + b"\n", env=two)
    return cli("quota", *args, env=two)


def test_quota(cli: Any, two: Any) -> None:
    told = quota(cli, two, "fine")
    assert told.code == 0
    first, second, third = told.out.splitlines()
    assert first.split()[:7] == ["zeta", "pro", "95.5", "%", "used", "5", "h"]
    assert "begins anew" in first
    assert "(in 2 h)" in first
    assert second.split() == ["100", "%", "used", "7", "d"]
    assert third.split() == ["3", "%", "used", "30", "d"]
    assert "5 h is nearly used up; it begins anew" in told.err
    assert "7 d is used up." in told.err
    assert "30 d" not in told.err


def test_quota_as_json(cli: Any, two: Any) -> None:
    (plan,) = quota(cli, two, "fine", "--json").json["providers"]
    assert plan["windows"][0] == {"label": "5 h", "usedPercent": 95.5, "resetsAt": AT}
    assert (plan["provider"], plan["ready"], plan["plan"]) == ("zeta", True, "pro")


@pytest.mark.parametrize(("word", "code"), [("broken", "QUOTA_UNAVAILABLE"), ("odd", "PLUGIN_FAILED")])
def test_a_service_that_does_not_say(cli: Any, two: Any, word: str, code: str) -> None:
    """What was known before is told, with the reason; for a provider that was named it is an error."""
    (plan,) = quota(cli, two, word, "--json").json["providers"]
    assert (plan["code"], [each["label"] for each in plan["windows"]]) == (code, ["1 d"])
    assert "known before" in cli("quota", env=two).err
    refused = cli("quota", "zeta", "--json", env=two)
    assert (refused.json["code"], refused.code) == (code, 6 if code == "QUOTA_UNAVAILABLE" else 1)


def test_a_provider_that_can_not_be_asked_tells_what_it_knows(cli: Any, two: Any) -> None:
    (plan,) = quota(cli, two, "silent", "--json").json["providers"]
    assert [each["label"] for each in plan["windows"]] == ["1 d"]


def test_nobody_signed_in(cli: Any, two: Any) -> None:
    told = cli("quota", env=two)
    assert told.code == 0
    assert "nobody is signed in" in told.out
    assert cli("quota", "zeta", env=two).code == 4
    assert cli("quota", "nobody", env=two).code == 5


def test_no_plan_at_all(cli: Any) -> None:
    told = cli("quota", env={"IMA2_DISABLE_PLUGINS": "api,oauth,grok"})
    assert (told.code, told.out) == (0, "No installed provider has a plan.\n")
