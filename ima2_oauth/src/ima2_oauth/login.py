"""What every way of signing in with ChatGPT shares: the code for tokens, and keeping them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ima2.errors import AuthFailed, Ima2Error, StorageFailed
from ima2.hookspecs import SignedIn
from ima2.upstream.finishing import finished
from ima2.upstream.login import Login
from ima2.upstream.redact import mask_address

from ima2_oauth import quota
from ima2_oauth.credentials import LOGIN
from ima2_oauth.limits import known_plan
from ima2_oauth.revoke import revoke
from ima2_oauth.signin import SignIn
from ima2_oauth.tokens import ask
from ima2_oauth.told import text_of

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_NEW = {"auth_mode": "chatgpt", "OPENAI_API_KEY": None}


class ChatGptLogin(Login):
    """A way of signing in to ChatGPT."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    async def keep(self, form: Mapping[str, str]) -> SignedIn:
        """Give a code for tokens and store them. From the answer on, being cancelled does not lose it.

        :raises AuthFailed: ``OAUTH_LOGIN_FAILED``.
        :raises StorageFailed: ``CREDENTIALS_UNWRITABLE``.
        """
        sign_in = await finished(self._redeem(form))
        # What the plan is shows whether the sign-in works, and costs nothing; without it the sign-in is as good.
        with suppress(Ima2Error):
            await quota.fetch(self.context)
        return SignedIn(account=mask_address(sign_in.email), plan=known_plan(self.context) or sign_in.plan)

    async def _redeem(self, form: Mapping[str, str]) -> SignIn:
        reply = await ask(self.context, "oauth/token", form=form)
        if not reply.ok or text_of(reply.value.get("access_token")) is None:
            raise login_failed(f"OpenAI gave no token: {reply.description}.")
        return await self._store(reply.value)

    async def _store(self, answer: Mapping[str, Any]) -> SignIn:
        fresh = SignIn(access_token="").renewed(answer, self.context.clock.now())
        credentials = self.context.credentials
        async with credentials.lock():
            before = SignIn.read(credentials.read())
            try:
                credentials.write(fresh.stored(_NEW))
            except OSError as error:
                text = f"The ChatGPT sign-in could not be saved: {error.strerror or error}."
                hint = f"free some space, then {LOGIN}"
                raise StorageFailed(text, code="CREDENTIALS_UNWRITABLE", step="sign-in", hint=hint) from error
        self.context.notes.delete()
        if before and before.refresh_token != fresh.refresh_token:
            await revoke(self.context, before)
        return fresh


def login_failed(text: str, *, code: str = "OAUTH_LOGIN_FAILED", hint: str = LOGIN) -> AuthFailed:
    """The error for a sign-in that came to nothing."""
    return AuthFailed(f"{text} Nothing was stored.", code=code, step="sign-in", hint=hint)
