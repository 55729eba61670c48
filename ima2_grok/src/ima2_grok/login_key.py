"""Signing in with an API key: checked by form, then by the service, then stored."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ima2.errors import InvalidRequest
from ima2.hookspecs import Ask, LoginEvent, SignedIn
from ima2.upstream.client import network_errors

from ima2_grok.credentials import STORED, Key
from ima2_grok.identity import USER_AGENT
from ima2_grok.login import GrokLogin
from ima2_grok.session import base_url

HINT = "ima2 login grok --api-key"
MAX_LENGTH = 512
SECONDS = 10.0
_PREFIX = "xai-"


class KeyLogin(GrokLogin):
    """Ask for the key, check it, store it."""

    async def steps(self) -> AsyncGenerator[LoginEvent, None]:
        """An :class:`Ask`, then :class:`SignedIn`."""
        yield Ask("xAI API key", secret=True)
        key = Key(check_form(await self.line()), "stored")
        await self._prove(key)
        credentials = self.context.credentials
        async with credentials.lock():
            credentials.write({**credentials.read(), STORED: key.value})
        yield SignedIn(account=key.masked)

    async def _prove(self, key: Key) -> None:
        """Ask for the list of models, which costs nothing. A wrong key is answered 400 (recorded 2026-08), not 401."""
        headers = {"authorization": f"Bearer {key.value}", "user-agent": USER_AGENT}
        with network_errors("sign-in", "no"):
            answer = await self.context.client.get(f"{base_url(self.context)}/models", headers=headers, timeout=SECONDS)
        if answer.is_success:
            return
        raise InvalidRequest(
            f"The key was not stored, because xAI did not accept it (HTTP {answer.status_code}).",
            code="KEY_VALIDATION_FAILED",
            field=STORED,
            hint=HINT,
            retryable=answer.status_code >= 500,
        )


def check_form(text: str) -> str:
    """A pasted key without the space around it.

    :raises InvalidRequest: ``MISSING_KEY``, ``KEY_TOO_LARGE`` (over 512 characters) or ``INVALID_KEY_FORMAT``.
    """
    key = text.strip()
    if not key:
        raise InvalidRequest("No key was given.", code="MISSING_KEY", field=STORED, hint=HINT)
    if len(key) > MAX_LENGTH:
        raise InvalidRequest(f"A key has at most {MAX_LENGTH} characters.", code="KEY_TOO_LARGE", field=STORED)
    if not key.startswith(_PREFIX) or not key.isascii() or not key.isprintable() or " " in key:
        text = f"An xAI key begins with {_PREFIX} and has no spaces."
        raise InvalidRequest(text, code="INVALID_KEY_FORMAT", field=STORED)
    return key
