"""Proof that who redeems an authorization code is who asked for it (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_verifier() -> str:
    """43 characters of fresh chance."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """What is shown of it beforehand; method ``S256``."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
