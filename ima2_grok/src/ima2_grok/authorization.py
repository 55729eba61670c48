"""The authorization code: asking for it with PKCE, reading it from an address, giving it for tokens."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from ima2.errors import AuthFailed, InvalidRequest
from ima2.upstream.pkce import challenge, new_verifier

from ima2_grok.claims import claims
from ima2_grok.identity import CLIENT_ID, LOGIN, SCOPES
from ima2_grok.tokens import Tokens, post, printable, tokens_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

    from ima2_grok.endpoints import Endpoints


_SHORTEST = 8
"""Characters of a code that is pasted alone."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One request for a code; its secrets are made fresh."""

    redirect_uri: str
    verifier: str = field(default_factory=new_verifier, repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def url(self, endpoint: str) -> str:
        """The page where the user agrees."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPES,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "nonce": self.nonce,
            "referrer": "ima2",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def code(self, query: Mapping[str, str]) -> str | None:
        """The code in an answer to this very request; None when it answers something else.

        :raises AuthFailed: ``GROK_LOGIN_DENIED``, ``GROK_LOGIN_FAILED``: the user or xAI said no.
        """
        if not hmac.compare_digest(query.get("state", "").encode(), self.state.encode()):
            return None
        if error := query.get("error"):
            raise _refused(error, query.get("error_description") or error)
        return query.get("code") or None

    def pasted(self, text: str) -> str:
        """The code in what the user pasted: the whole address, its query, or the code alone.

        :raises InvalidRequest: ``INVALID_LOGIN_ANSWER``.
        :raises AuthFailed: as in :meth:`code`.
        """
        text = text.strip()
        query = _query(text)
        if not {"code", "error"} & query.keys():
            if len(text) < _SHORTEST or not (text.isascii() and text.isprintable()) or "://" in text or " " in text:
                raise _unreadable("That is neither the address the browser ended at nor a code.")
            return text
        # Without a state it was lost on the way to here; the verifier still shows whose code it is.
        code = self.code({"state": self.state, **query})
        if code is None:
            raise _unreadable("That address belongs to another sign-in, or holds no code.")
        return code

    async def redeem(self, context: Context, endpoints: Endpoints, code: str) -> Tokens:
        """Give the code for tokens; it is good for one use.

        :raises UpstreamError: ``GROK_LOGIN_FAILED``, or the service can't be reached.
        """
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        tokens = tokens_of(await post(context, endpoints.token, form))
        if claims(tokens.id_token).get("nonce", self.nonce) != self.nonce:
            text = "xAI's answer belongs to another sign-in. Nothing was stored."
            raise AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint=LOGIN)
        return tokens


def _query(text: str) -> dict[str, str]:
    try:
        query = urlsplit(text).query if "://" in text else text.removeprefix("?")
    except ValueError:
        return {}
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def _refused(error: str, why: str) -> AuthFailed:
    if error == "access_denied":
        text = "The sign-in was refused in the browser. Nothing was stored."
        return AuthFailed(text, code="GROK_LOGIN_DENIED", step="sign-in", hint=LOGIN)
    text = f"xAI refused the sign-in: {printable(why)}. Nothing was stored."
    return AuthFailed(text, code="GROK_LOGIN_FAILED", step="sign-in", hint=LOGIN)


def _unreadable(text: str) -> InvalidRequest:
    return InvalidRequest(f"{text} Nothing was stored.", code="INVALID_LOGIN_ANSWER", hint=f"{LOGIN} --manual-paste")
