"""Signing in with ChatGPT: in a browser, by a code, or by pasting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ima2.errors import Conflict, InvalidRequest
from ima2.hookspecs import LoginMethod, LoginSession

from ima2_oauth.credentials import LOGIN, find
from ima2_oauth.login_browser import BrowserLogin
from ima2_oauth.login_device import DeviceLogin
from ima2_oauth.login_paste import PasteLogin
from ima2_oauth.revoke import revoke
from ima2_oauth.signin import SignIn

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_SESSIONS: Mapping[LoginMethod, Callable[[Context], LoginSession]] = {
    "browser": BrowserLogin,
    "device": DeviceLogin,
    "paste": PasteLogin,
}


class ChatGptAuth:
    """See :class:`ima2.hookspecs.Auth`."""

    methods: tuple[LoginMethod, ...] = tuple(_SESSIONS)

    def __init__(self, context: Context) -> None:
        self._context = context

    def login(self, method: LoginMethod) -> LoginSession:
        """Begin.

        :raises InvalidRequest: ``UNKNOWN_LOGIN_METHOD``.
        """
        if method not in _SESSIONS:
            text = f"ChatGPT has no sign-in by {method}; it has {', '.join(self.methods)}."
            raise InvalidRequest(text, code="UNKNOWN_LOGIN_METHOD", hint=LOGIN)
        return _SESSIONS[method](self._context)

    async def logout(self) -> None:
        """Forget ima2's own sign-in and tell OpenAI. Codex's is never touched.

        :raises Conflict: ``SIGN_IN_NOT_OURS``: the one in use is Codex's.
        """
        credentials = self._context.credentials
        async with credentials.lock():
            sign_in = SignIn.read(credentials.read())
            if sign_in is None:
                self._leave_codex_alone()
            credentials.delete()
        self._context.notes.delete()
        if sign_in:
            await revoke(self._context, sign_in)

    def _leave_codex_alone(self) -> None:
        if find(self._context) is not None:
            text = "The ChatGPT sign-in in use is Codex's, so ima2 does not end it."
            hint = "codex logout   or   ima2 config set oauth.useCodex false"
            raise Conflict(text, code="SIGN_IN_NOT_OURS", hint=hint)
