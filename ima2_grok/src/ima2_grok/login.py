"""What every way of signing in shares: keeping what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ima2.hookspecs import SignedIn
from ima2.upstream.login import Login
from ima2.upstream.redact import mask_address

from ima2_grok.claims import plan
from ima2_grok.credentials import STORED, sign_in_file
from ima2_grok.session import store
from ima2_grok.signin import SignIn
from ima2_grok.tokens import Tokens

if TYPE_CHECKING:
    from ima2.hookspecs import Context


class GrokLogin(Login):
    """A sign-in that ends with tokens or a key."""

    def __init__(self, context: Context) -> None:
        self.context = context
        super().__init__()

    async def keep(self, tokens: Tokens, endpoint: str) -> SignedIn:
        """Store a new sign-in; a key that was stored before gives way to it.

        :raises StorageFailed: ``CREDENTIALS_UNWRITABLE``.
        """
        signed_in = SignIn.of(tokens, endpoint=endpoint, now=self.context.clock.now())
        file = sign_in_file(self.context)
        async with file.lock():
            store(file, signed_in)
        await self._drop_key()
        return SignedIn(account=mask_address(signed_in.email), plan=plan(signed_in.access_token))

    async def _drop_key(self) -> None:
        credentials = self.context.credentials
        async with credentials.lock():
            stored = credentials.read()
            if STORED in stored:
                credentials.write({name: value for name, value in stored.items() if name != STORED})
