"""A sign-in service like xAI's on a real socket: codes, PKCE, refresh tokens that are good for one use."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web

EMAIL = "ann@example.com"
CODE = "code-0123456789"


def jwt(**claims: Any) -> str:
    """A token with these claims and a signature that nobody checks."""
    parts = ({"alg": "ES256"}, claims)
    head, payload = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return f"{head}.{payload}.c2lnbmF0dXJl"


@dataclass
class AuthService:
    """Answers as the service does, or what ``say`` has put before that.

    :ivar asked: the forms that came to the token endpoint.
    :ivar valid: the refresh token that works; using it makes the next one.
    :ivar leaves_out: fields missing from token answers.
    :ivar document: changes to the discovery document; a value of None leaves the field out.
    """

    valid: str = "refresh-0"
    pending: int = 0
    leaves_out: tuple[str, ...] = ()
    document: dict[str, Any] = field(default_factory=dict)
    device: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    begun: list[dict[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    _said: dict[str, deque[web.Response | None]] = field(default_factory=dict)
    _made: int = 0
    _authorization: dict[str, str] = field(default_factory=dict)

    def say(self, path: str, status: int, body: Any, *, times: int = 1) -> None:
        """Answer the next requests to ``path`` with this; a text is sent as HTML. Status 0 drops the connection."""
        for _ in range(times):
            if status == 0:
                answer = None
            elif isinstance(body, str):
                answer = web.Response(status=status, text=body, content_type="text/html")
            else:
                answer = web.json_response(body, status=status)
            self._said.setdefault(path, deque()).append(answer)

    def agree(self, url_query: dict[str, str], **changes: str) -> str:
        """What the user does in the browser: the query the browser comes back with."""
        self._authorization = url_query
        answer = {"code": CODE, "state": url_query["state"], **changes}
        return urlencode({name: value for name, value in answer.items() if value})

    @property
    def refreshes(self) -> list[dict[str, str]]:
        return [form for form in self.asked if form["grant_type"] == "refresh_token"]

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.paths.append(request.path)
        self.agents.append(request.headers.get("User-Agent", ""))
        form = {name: str(value) for name, value in (await request.post()).items()}
        if request.path == "/oauth2/token":
            self.asked.append(form)
        elif request.path == "/oauth2/device/code":
            self.begun.append(form)
        if queue := self._said.get(request.path):
            return self._prepared(request, queue.popleft())
        return self._as_the_service(request.path, form)

    def _prepared(self, request: web.BaseRequest, answer: web.Response | None) -> web.Response:
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    def _as_the_service(self, path: str, form: dict[str, str]) -> web.Response:
        if path == "/.well-known/openid-configuration":
            return web.json_response({name: value for name, value in self._document().items() if value is not None})
        if path == "/oauth2/device/code":
            return web.json_response({name: value for name, value in self._device().items() if value is not None})
        return self._token(form) if path == "/oauth2/token" else web.Response(status=404)

    def _document(self) -> dict[str, Any]:
        paths = {"authorization": "authorize", "token": "token", "device_authorization": "device/code"}
        known = {f"{name}_endpoint": f"{self.url}/oauth2/{path}" for name, path in paths.items()}
        return {"issuer": self.url, **known, **self.document}

    def _device(self) -> dict[str, Any]:
        page = "https://accounts.x.ai/oauth2/device"
        codes = {"device_code": "device-1", "user_code": "ABCD-EFGH"}
        uris = {"verification_uri": page, "verification_uri_complete": f"{page}?user_code=ABCD-EFGH"}
        return {**codes, **uris, "expires_in": 900, "interval": 5, **self.device}

    def _token(self, form: dict[str, str]) -> web.Response:
        if form["grant_type"].endswith("device_code"):
            if self.pending:
                self.pending -= 1
                return web.json_response({"error": "authorization_pending"}, status=400)
            return self._tokens() if form["device_code"] == "device-1" else _refused("invalid_grant")
        if form["grant_type"] == "authorization_code":
            return self._tokens() if self._proven(form) else _refused("invalid_grant")
        return self._tokens() if form["refresh_token"] == self.valid else _refused("invalid_grant")

    def _proven(self, form: dict[str, str]) -> bool:
        asked = self._authorization
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        right = form["code"] == CODE and form["redirect_uri"] == asked["redirect_uri"]
        return right and digest.decode() == asked["code_challenge"]

    def _tokens(self) -> web.Response:
        self._made += 1
        self.valid = f"refresh-{self._made}"
        now = int(time.time())
        nonce = {"nonce": self._authorization["nonce"]} if "nonce" in self._authorization else {}
        answer = {
            "access_token": jwt(exp=now + 7200, tier=1, n=self._made),
            "refresh_token": self.valid,
            "token_type": "Bearer",
            "expires_in": 21600,
            "id_token": jwt(sub="u1", email=EMAIL, **nonce),
        }
        return web.json_response({name: value for name, value in answer.items() if name not in self.leaves_out})


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error, "error_description": f"{error} it is"}, status=400)
