"""The authorization code as xAI gives it: what the browser brings back, and giving it for tokens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ima2.errors import AuthFailed, InvalidRequest
from ima2.upstream.authorization import CodeRequest
from ima2.upstream.jwt import claims

from ima2_grok.identity import CLIENT_ID, LOGIN, SCOPES
from ima2_grok.tokens import Tokens, post, printable, tokens_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

    from ima2_grok.endpoints import Endpoints


@dataclass(frozen=True, slots=True)
class Authorization:
    """One request for a code."""

    asked: CodeRequest
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @classmethod
    def at(cls, redirect_uri: str) -> Authorization:
        """A fresh one; the browser is to come back to ``redirect_uri``."""
        return cls(CodeRequest(CLIENT_ID, redirect_uri, SCOPES))

    def url(self, endpoint: str) -> str:
        """The page where the user agrees."""
        return self.asked.url(endpoint, {"nonce": self.nonce, "referrer": "ima2"})

    def code(self, query: Mapping[str, str]) -> str | None:
        """The code in an answer to this very request; None when it answers something else.

        :raises AuthFailed: ``GROK_LOGIN_DENIED``, ``GROK_LOGIN_FAILED``: the user or xAI said no.
        """
        if not self.asked.owns(query):
            return None
        if error := query.get("error"):
            raise _refused(error, query.get("error_description") or error)
        return query.get("code") or None

    def pasted(self, text: str) -> str:
        """The code in what the user pasted: the whole address, its query, or the code alone.

        :raises InvalidRequest: ``INVALID_LOGIN_ANSWER``.
        :raises AuthFailed: as in :meth:`code`.
        """
        again = f"{LOGIN} --manual-paste"
        try:
            code = self.code(self.asked.pasted(text))
        except InvalidRequest as error:
            raise error.but(hint=again) from None
        if code is None:
            text = "That address holds no code. Nothing was stored."
            raise InvalidRequest(text, code="INVALID_LOGIN_ANSWER", hint=again)
        return code

    async def redeem(self, context: Context, endpoints: Endpoints, code: str) -> Tokens:
        """Give the code for tokens; it is good for one use.

        :raises UpstreamError: ``GROK_LOGIN_FAILED``, or the service can't be reached.
        """
        tokens = tokens_of(await post(context, endpoints.token, self.asked.form(code)))
        if claims(tokens.id_token).get("nonce", self.nonce) != self.nonce:
            text = "xAI's answer belongs to another sign-in. Nothing was stored."
            raise AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint=LOGIN)
        return tokens


def _refused(error: str, why: str) -> AuthFailed:
    if error == "access_denied":
        text = "The sign-in was refused in the browser. Nothing was stored."
        return AuthFailed(text, code="GROK_LOGIN_DENIED", step="sign-in", hint=LOGIN)
    text = f"xAI refused the sign-in: {printable(why)}. Nothing was stored."
    return AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint=LOGIN)
