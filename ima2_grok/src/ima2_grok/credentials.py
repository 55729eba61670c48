"""What authorizes requests: a stored key, a sign-in, or a key from the environment or ``config.json``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ima2.upstream.credentials import CredentialFile
from ima2.upstream.redact import mask

from ima2_grok.signin import SignIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context

KEY_VARIABLE = "XAI_API_KEY"
STORED = "apiKey"
"""The field of ima2's own credential file."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """An API key and where it comes from."""

    value: str
    source: Literal["env", "stored", "config"]

    @property
    def masked(self) -> str:
        """For eyes."""
        return mask(self.value)


def sign_in_file(context: Context) -> CredentialFile:
    """``~/.progrok/auth.json``, or the same below the folder that ``IMA2_CONFIG_DIR`` names."""
    home = context.settings.get("home")
    base = Path(str(home)).expanduser().absolute() if home else Path.home()
    return CredentialFile(base / ".progrok" / "auth.json")


def sign_in(context: Context) -> SignIn | None:
    """The stored sign-in, whatever its age.

    :raises NotReady: ``CREDENTIALS_UNREADABLE``.
    """
    return SignIn.read(sign_in_file(context).read())


def find(context: Context) -> Key | SignIn | None:
    """What is in force, from local reads alone.

    A key that was stored on purpose comes first. A key that merely lies in the environment or in ``config.json`` steps
    in when nobody is signed in: it is charged by use, the subscription is paid already.

    :raises NotReady: ``CREDENTIALS_UNREADABLE``.
    """
    if stored := _clean(context.credentials.read().get(STORED)):
        return Key(stored, "stored")
    signed_in = sign_in(context)
    if signed_in and signed_in.usable(context.clock.now()):
        return signed_in
    if setting := _clean(context.settings.get("api_key")):
        return Key(setting, "env" if setting == _clean(os.environ.get(KEY_VARIABLE)) else "config")
    return signed_in


def _clean(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
