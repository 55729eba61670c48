"""``login``, ``logout`` and ``status`` drive whatever a provider asks for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest

PLUGIN = """
from ima2.errors import AuthFailed
from ima2.hookspecs import Ask, OpenUrl, ProviderInfo, ShowCode, SignedIn, Status, hookimpl


class Session:
    def __init__(self, context, method):
        self.context, self.method, self.given = context, method, None

    async def answer(self, text):
        self.given = text

    async def aclose(self):
        print("closed", file=__import__("sys").stderr)

    async def __aiter__(self):
        if self.method == "device":
            yield ShowCode("AB-12", "https://acme.test/device", 600)
        elif self.method == "browser":
            yield OpenUrl("https://acme.test/\\x1b[2Jauthorize")
        else:
            yield Ask("API key", secret=True)
            if not self.given.startswith("ak-"):
                raise AuthFailed("Acme does not know this key.", code="AUTH_API_KEY_INVALID", hint="ima2 login acme")
        self.context.credentials.write({"key": self.given or "signed"})
        yield SignedIn(account="a…@acme.test", plan="pro")


class Auth:
    methods = ("device", "browser", "api_key")

    def __init__(self, context):
        self.context = context

    def login(self, method):
        return Session(self.context, method)

    async def logout(self):
        self.context.credentials.delete()


@hookimpl
def ima2_provider():
    return ProviderInfo(id="acme", title="Acme", login="ima2 login acme")


@hookimpl
def ima2_auth(context):
    return Auth(context)


@hookimpl
async def ima2_status(context):
    ready = bool(context.credentials.read())
    return Status(ready=ready, why="" if ready else "no key", hint=None if ready else "ima2 login acme")
"""


@pytest.fixture
def acme(tmp_path: Any) -> Mapping[str, str]:
    site = tmp_path / "site"
    (site / "acme-1.0.dist-info").mkdir(parents=True)
    (site / "acme-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text("[ima2]\nacme = acme_plugin\n")
    (site / "acme_plugin.py").write_text(PLUGIN)
    return {"PYTHONPATH": str(site), "IMA2_DISABLE_PLUGINS": "api,oauth,grok,sketch"}


def _secret_file(cli: Any) -> Any:
    return cli.home / "ima2" / "credentials" / "acme.json"


def test_a_key_from_stdin(cli: Any, acme: Any) -> None:
    said = cli("login", "acme", "--api-key", "--json", stdin=b"ak-123\n", env=acme)
    assert said.code == 0, said.err
    assert said.json == {"ok": True, "provider": "acme", "account": "a…@acme.test", "plan": "pro"}
    assert "ak-123" not in said.out + said.err
    assert "closed" in said.err
    assert json.loads(_secret_file(cli).read_text())["key"] == "ak-123"
    status = cli("status", "acme", "--json", env=acme)
    assert status.code == 0
    assert status.json["providers"][0]["ready"] is True
    assert cli("logout", "acme", env=acme).code == 0
    assert not _secret_file(cli).exists()
    assert cli("status", "acme", env=acme).code == 4
    assert cli("status", env=acme).code == 0


def test_without_a_name_the_first_that_has_a_sign_in(cli: Any, acme: Any) -> None:
    said = cli("login", "--json", stdin=b"ak-123\n", env=acme)
    assert (said.code, said.json["provider"]) == (0, "acme")
    assert "Signing in to Acme." in said.err
    refused = cli("login", "--paste", "--json", env=acme)
    assert refused.json["code"] == "NO_SIGN_IN"


def test_without_a_terminal_a_key_is_the_way(cli: Any, acme: Any) -> None:
    assert cli("login", "acme", stdin=b"ak-123\n", env=acme).code == 0


@pytest.mark.parametrize(
    ("method", "words"), [("--device", "AB-12"), ("--browser", r"https://acme.test/\x1b[2Jauthorize")]
)
def test_what_to_do_is_said(cli: Any, acme: Any, method: str, words: str) -> None:
    said = cli("login", "acme", method, env=acme)
    assert said.code == 0, said.err
    assert words in said.err
    assert "✓ signed in to acme" in said.out


@pytest.mark.parametrize(
    ("args", "stdin", "code", "exit_code"),
    [
        (("acme", "--api-key"), b"wrong\n", "AUTH_API_KEY_INVALID", 4),
        (("acme", "--api-key"), b"", "INVALID_FIELD", 2),
        (("acme", "--paste"), b"", "METHOD_UNSUPPORTED", 5),
        (("nobody",), b"", "UNKNOWN_PROVIDER", 5),
        (("acme", "--method", "magic"), b"", "INVALID_USAGE", 2),
        ((), b"", "INVALID_FIELD", 2),
    ],
)
def test_refused(cli: Any, acme: Any, args: tuple[str, ...], stdin: bytes, code: str, exit_code: int) -> None:
    refused = cli("login", *args, "--json", stdin=stdin, env=acme)
    assert (refused.json["code"], refused.code) == (code, exit_code), refused.err
    assert not _secret_file(cli).exists()


def test_a_provider_that_needs_none(cli: Any) -> None:
    assert cli("login", "sketch", "--json").json["code"] == "NO_SIGN_IN"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_key_is_typed_hidden(cli: Any, acme: Any) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = cli.start("login", "acme", "--api-key", env=acme, stdin=theirs, stderr=theirs, start_new_session=True)
    seen = b""
    while b"API key" not in seen:
        seen += os.read(ours, 1000)
    os.write(ours, b"ak-typed\n")
    process.communicate(timeout=60)
    seen += os.read(ours, 1000)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 0
    assert b"ak-typed" not in seen
    assert json.loads(_secret_file(cli).read_text())["key"] == "ak-typed"
