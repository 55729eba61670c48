"""The API key: environment first, then the stored one, then ``config.json``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ima2.errors import InvalidRequest, NotReady
from ima2.hookspecs import Status
from ima2.upstream.redact import mask

from ima2_openai.settings import KEY_VARIABLE

if TYPE_CHECKING:
    from ima2.hookspecs import Context

LOGIN = "ima2 login api"
HINT = f"{LOGIN}   or   export {KEY_VARIABLE}=…"
STORED = "apiKey"
"""The field of the credentials file."""
MAX_LENGTH = 512
_PREFIX = "sk-"


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it comes from."""

    value: str
    source: Literal["env", "stored", "config"]

    @property
    def masked(self) -> str:
        """For eyes."""
        return mask(self.value)

    @property
    def headers(self) -> dict[str, str]:
        """What authorizes a request."""
        return {"Authorization": f"Bearer {self.value}"}


def find(context: Context) -> Key | None:
    """The key in force, from local reads alone."""
    setting = _clean(context.settings.get("api_key"))
    # The setting merges environment and config.json; a stored key ranks between the two.
    if setting and setting == _clean(os.environ.get(KEY_VARIABLE)):
        return Key(setting, "env")
    if stored := _clean(context.credentials.read().get(STORED)):
        return Key(stored, "stored")
    return Key(setting, "config") if setting else None


def need(context: Context) -> Key:
    """The key in force.

    :raises NotReady: ``API_KEY_REQUIRED``.
    """
    if key := find(context):
        return key
    raise NotReady("No OpenAI API key is set.", code="API_KEY_REQUIRED", hint=HINT, step="check")


def check_form(text: str) -> str:
    """A pasted key without the space around it.

    :raises InvalidRequest: ``MISSING_KEY``, ``KEY_TOO_LARGE`` (over 512 characters) or ``INVALID_KEY_FORMAT``.
    """
    key = text.strip()
    if not key:
        raise InvalidRequest("No key was given.", code="MISSING_KEY", field=STORED, hint=LOGIN)
    if len(key) > MAX_LENGTH:
        raise InvalidRequest(f"A key has at most {MAX_LENGTH} characters.", code="KEY_TOO_LARGE", field=STORED)
    if not key.startswith(_PREFIX) or not key.isascii() or not key.isprintable() or " " in key:
        text = f"An OpenAI key begins with {_PREFIX} and has no spaces."
        raise InvalidRequest(text, code="INVALID_KEY_FORMAT", field=STORED)
    return key


def status(context: Context) -> Status:
    """Whether there is a key; whether it works is the service's word."""
    key = find(context)
    if key is None:
        legacy = {"configured": False, "source": "none", "valid": False, "maskedKey": None, "code": "API_KEY_REQUIRED"}
        return Status(ready=False, why="no API key", hint=HINT, legacy=legacy)
    source = "env" if key.source == "env" else "config"
    legacy = {"configured": True, "source": source, "valid": True, "maskedKey": key.masked}
    return Status(ready=True, account=key.masked, source=key.source, legacy=legacy)


def _clean(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
