"""Where a sign-in comes from: ima2's own file, else Codex's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ima2.errors import NotReady
from ima2.upstream.credentials import CredentialFile

from ima2_oauth.signin import SignIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context, Credentials

LOGIN = "ima2 login"


@dataclass(frozen=True, slots=True)
class Found:
    """A sign-in and the file that holds it. ``codex``: it is borrowed, and treated with care."""

    sign_in: SignIn
    file: Credentials
    source: Literal["ima2", "codex"]

    @property
    def borrowed(self) -> bool:
        """Whether it is Codex's."""
        return self.source == "codex"


def find(context: Context) -> Found | None:
    """The sign-in in force, from local reads alone and fresh from the disk each time. Ours comes first.

    :raises NotReady: ``CREDENTIALS_UNREADABLE``.
    """
    if sign_in := SignIn.read(context.credentials.read()):
        return Found(sign_in, context.credentials, "ima2")
    if not context.settings["use_codex"]:
        return None
    file = codex_file(context)
    sign_in = SignIn.read(file.read())
    return Found(sign_in, file, "codex") if sign_in else None


def codex_home(context: Context) -> Path:
    """The folder of Codex."""
    home = context.settings["codex_home"]
    return Path(str(home)).expanduser().absolute() if home else Path.home() / ".codex"


def codex_file(context: Context) -> CredentialFile:
    """Codex's ``auth.json``; a symlink is followed and stays."""
    return CredentialFile(codex_home(context) / "auth.json")


def why_none(context: Context) -> str:
    """Why nobody is signed in, for a person."""
    if not context.settings["use_codex"]:
        return "not signed in to ChatGPT"
    keeper = _store_of(codex_home(context) / "config.toml")
    if keeper == "keyring":
        return "not signed in to ChatGPT here; Codex keeps its sign-in in the system's keyring, where ima2 can't use it"
    if keeper == "auto":
        return (
            "not signed in to ChatGPT here; Codex may keep a sign-in in the system's keyring, where ima2 can't use it"
        )
    if codex_file(context).read():
        return "not signed in to ChatGPT here; Codex is used with something else than ChatGPT"
    return "not signed in to ChatGPT"


def needed(context: Context) -> NotReady:
    """The error for nobody being signed in."""
    why = why_none(context)
    return NotReady(f"{why[:1].upper()}{why[1:]}.", code="OAUTH_AUTH_REQUIRED", hint=LOGIN, step="check")


def expired(why: str, *, code: str = "AUTH_CHATGPT_EXPIRED") -> NotReady:
    """The error for a sign-in that is over."""
    return NotReady(why, code=code, hint=LOGIN, step="check")


def _store_of(config: Path) -> str:
    """Codex's ``cli_auth_credentials_store``; a file that can't be read says nothing."""
    try:
        value = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(value.get("cli_auth_credentials_store", ""))
