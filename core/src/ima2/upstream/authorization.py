"""Asking for an authorization code with PKCE, and reading it from an address (RFC 6749 §4.1, RFC 7636)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from ima2.errors import InvalidRequest
from ima2.upstream.pkce import challenge, new_verifier

SHORTEST = 8
"""Characters of a code that is pasted alone."""


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """One request for a code; its secrets are made fresh."""

    client_id: str
    redirect_uri: str
    scope: str
    verifier: str = field(default_factory=new_verifier, repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def url(self, endpoint: str, more: Mapping[str, str]) -> str:
        """The page where the user agrees; ``more`` is what this service wants beside the usual."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            **more,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def owns(self, query: Mapping[str, str]) -> bool:
        """Whether the query with which a browser comes back answers this very request."""
        return hmac.compare_digest(query.get("state", "").encode(), self.state.encode())

    def pasted(self, text: str) -> Mapping[str, str]:
        """The query in what a user pasted: the whole address, its query, or the code alone.

        :raises InvalidRequest: ``INVALID_LOGIN_ANSWER``.
        """
        text = text.strip()
        query = _query(text)
        if not {"code", "error"} & query.keys():
            if len(text) < SHORTEST or not (text.isascii() and text.isprintable()) or "://" in text or " " in text:
                raise _unreadable("That is neither the address the browser ended at nor a code.")
            return {"code": text, "state": self.state}
        # Without a state it was lost on the way to here; the verifier still shows whose code it is.
        query = {"state": self.state, **query}
        if not self.owns(query):
            raise _unreadable("That address belongs to another sign-in.")
        return query

    def form(self, code: str) -> dict[str, str]:
        """What gives the code for tokens; it is good for one use."""
        return {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }


def _query(text: str) -> dict[str, str]:
    try:
        query = urlsplit(text).query if "://" in text else text.removeprefix("?")
    except ValueError:
        return {}
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def _unreadable(text: str) -> InvalidRequest:
    return InvalidRequest(f"{text} Nothing was stored.", code="INVALID_LOGIN_ANSWER")
