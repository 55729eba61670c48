"""Who is signed in, as status tells it: from local reads alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ima2.hookspecs import Status
from ima2_kit.context import KitContext
from providers.oauth.authority import NOW, Authority
from providers.oauth.oauth_signing import codex_file, own_file, seed, with_service

from ima2_oauth import plugin


def told(folder: Path, **settings: Any) -> Status:
    service = Authority()

    async def work(context: KitContext, _: Authority) -> Status:
        return await plugin.ima2_status(context)

    found: Status = with_service(folder, work, service, **settings)
    assert service.seen == []
    return found


def test_our_own(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=9000)
    found = told(tmp_path)
    assert found == Status(
        ready=True,
        account="a…@example.com",
        plan="plus",
        expires_at=int(NOW + 9000),
        source="ima2",
        legacy={"status": "ready"},
    )


def test_codex(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), left=9000)
    assert (told(tmp_path).ready, told(tmp_path).source) == (True, "codex")


def test_nobody(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert (found.ready, found.hint, found.why) == (False, "ima2 login", "not signed in to ChatGPT")
    assert found.legacy == {"status": "auth_required", "code": "OAUTH_AUTH_REQUIRED"}


def test_over(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=-1, refresh=None)
    found = told(tmp_path)
    assert (found.ready, found.why, found.legacy["code"]) == (
        False,
        "the ChatGPT sign-in is over",
        "AUTH_CHATGPT_EXPIRED",
    )


def test_one_that_can_be_renewed_is_ready(tmp_path: Path) -> None:
    seed(own_file(tmp_path), left=-9000)
    assert told(tmp_path).ready


def test_unreadable(tmp_path: Path) -> None:
    codex_file(tmp_path).parent.mkdir()
    codex_file(tmp_path).write_bytes(b"{")
    found = told(tmp_path)
    assert (found.ready, found.legacy["code"]) == (False, "CREDENTIALS_UNREADABLE")
    assert str(codex_file(tmp_path)) in found.why


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('cli_auth_credentials_store = "keyring"', "keeps its sign-in in the system's keyring"),
        ('cli_auth_credentials_store = "auto"', "may keep a sign-in in the system's keyring"),
        ('cli_auth_credentials_store = "file"', "not signed in to ChatGPT"),
        ("", "not signed in to ChatGPT"),
        ("not toml [", "not signed in to ChatGPT"),
    ],
)
def test_a_keyring_is_told_from_nothing(tmp_path: Path, config: str, words: str) -> None:
    (tmp_path / "codex").mkdir()
    (tmp_path / "codex" / "config.toml").write_text(config, encoding="utf-8")
    found = told(tmp_path)
    assert not found.ready
    assert words in found.why
    assert ("keyring" in found.why) == ("keyring" in words)


def test_a_key_in_codex_is_told_from_nothing(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"})
    assert "something else than ChatGPT" in told(tmp_path).why


def test_codex_left_out(tmp_path: Path) -> None:
    seed(codex_file(tmp_path), left=9000)
    assert not told(tmp_path, use_codex=False).ready
