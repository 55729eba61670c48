"""Signing in to Grok: by a code, in a browser, by pasting, or with a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ima2.errors import InvalidRequest
from ima2.hookspecs import LoginMethod, LoginSession

from ima2_grok.credentials import sign_in_file
from ima2_grok.identity import LOGIN
from ima2_grok.login_browser import BrowserLogin
from ima2_grok.login_device import DeviceLogin
from ima2_grok.login_key import KeyLogin
from ima2_grok.login_paste import PasteLogin

if TYPE_CHECKING:
    from ima2.hookspecs import Context

_SESSIONS: Mapping[LoginMethod, Callable[[Context], LoginSession]] = {
    "device": DeviceLogin,
    "browser": BrowserLogin,
    "paste": PasteLogin,
    "api_key": KeyLogin,
}


class GrokAuth:
    """See :class:`ima2.hookspecs.Auth`. The device's way comes first: it works over a remote shell too."""

    methods: tuple[LoginMethod, ...] = tuple(_SESSIONS)

    def __init__(self, context: Context) -> None:
        self._context = context

    def login(self, method: LoginMethod) -> LoginSession:
        """Begin.

        :raises InvalidRequest: ``UNKNOWN_LOGIN_METHOD``.
        """
        if method not in _SESSIONS:
            text = f"Grok has no sign-in by {method}; it has {', '.join(self.methods)}."
            raise InvalidRequest(text, code="UNKNOWN_LOGIN_METHOD", hint=LOGIN)
        return _SESSIONS[method](self._context)

    async def logout(self) -> None:
        """Forget the sign-in, for all tools that share it, and the stored key. Keys elsewhere stay."""
        file = sign_in_file(self._context)
        async with file.lock():
            file.delete()
        async with self._context.credentials.lock():
            self._context.credentials.delete()
